"""Tests of the tests' own comparison: it names everything that differs between two servers, and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.servers.contents import Contents, contents, differences
from tests.servers.mariadb import MariaDB

MADE = (
    "CREATE DATABASE compared CHARACTER SET utf8mb4",
    "USE compared",
    "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'",
    "CREATE TABLE t (id INT PRIMARY KEY, f FLOAT, d DATE, e ENUM('', 'a'), s VARCHAR(9) INVISIBLE, c VARCHAR(9))",
    "INSERT INTO t (id, f, d, e, s, c) VALUES (1, 16777217, '2023-02-31', '', 'x', 'a'), (2, 1, NULL, 'a', 'y', 'A')",
    "CREATE TABLE bag (w VARCHAR(9))",
    "INSERT INTO bag VALUES ('a'), ('a'), (NULL)",
    "CREATE TABLE parent (id INT AUTO_INCREMENT PRIMARY KEY, n INT, CONSTRAINT positive CHECK (n > 0))",
    "ALTER TABLE parent AUTO_INCREMENT = 7",
    "CREATE TABLE child (id INT, CONSTRAINT up FOREIGN KEY (id) REFERENCES parent (id))",
    "CREATE SEQUENCE counter START WITH 5",
    "CREATE TABLE versions (id INT PRIMARY KEY, n INT) WITH SYSTEM VERSIONING",
    "INSERT INTO versions VALUES (1, 1)",
    "CREATE VIEW seen AS SELECT id FROM t",
    "CREATE PROCEDURE p() SELECT 1 /* ; */",
    "CREATE TRIGGER first BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id",
    "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 03:00:00' DISABLE DO SELECT 1",
)
# A change, and the place where it is seen.
CHANGES = (
    ("ALTER DATABASE compared COLLATE utf8mb4_bin", "DEFAULT_COLLATION_NAME: expected"),
    ("UPDATE t SET f = 16777218 WHERE id = 1", "table t / rows / row 1 / f: expected '16777216.0', found '16777218.0'"),
    ("UPDATE t SET d = '0000-00-00' WHERE id = 1", "table t / rows / row 1 / d: expected '2023-02-31'"),
    ("UPDATE t SET e = 'none of them' WHERE id = 1", "table t / rows / row 1 / e: expected '1:', found '0:'"),
    ("UPDATE t SET s = NULL WHERE id = 2", "table t / rows / row 2 / s: expected '79', found None"),
    ("UPDATE t SET c = 'a' WHERE id = 2", "table t / rows / row 2 / c: expected '41', found '61'"),
    ("DELETE FROM t WHERE id = 1", "table t / rows / row 1: is missing"),
    ("DELETE FROM bag WHERE w = 'a' LIMIT 1", """table bag / rows / ('61',): expected 2, found 1"""),
    ("ALTER TABLE t MODIFY c VARCHAR(9) COLLATE utf8mb4_bin", "table t / columns / c / COLLATION_NAME: expected"),
    ("ALTER TABLE t ADD n INT", "table t / columns / n: was not expected"),
    ("ALTER TABLE t ALTER s SET DEFAULT 'z'", "table t / columns / s / COLUMN_DEFAULT: expected"),
    ("ALTER TABLE t COMMENT = 'ç'", "table t / options / TABLE_COMMENT: expected"),
    ("ALTER TABLE t ADD KEY (c DESC)", "table t / indexes / c 1: was not expected"),
    ("ALTER TABLE parent AUTO_INCREMENT = 8", "table parent / counter: expected '7', found '8'"),
    ("ALTER TABLE parent DROP CONSTRAINT positive", "check positive parent: is missing"),
    ("ALTER TABLE child DROP CONSTRAINT up", "reference child up: is missing"),
    ("DO NEXTVAL(counter)", "table counter / state / next_not_cached_value: expected 5"),
    ("UPDATE versions SET n = 2", "table versions / rows / row 1 / row_end: expected"),
    ("ALTER SQL SECURITY INVOKER VIEW seen AS SELECT id FROM t", "table seen / view / SECURITY_TYPE: expected"),
    ("CREATE OR REPLACE PROCEDURE p() SELECT 1", "routine PROCEDURE p / ROUTINE_DEFINITION: expected"),
    (
        "CREATE TRIGGER zero BEFORE INSERT ON t FOR EACH ROW PRECEDES first SET NEW.id = 0",
        "trigger first / ACTION_ORDER: expected 1, found 2",
    ),
    ("ALTER EVENT e ENABLE", "event e / STATUS: expected 'DISABLED', found 'ENABLED'"),
)


@pytest.fixture(scope="module")
def original(mariadb: MariaDB) -> Iterator[Contents]:
    """Return everything in a database, which is dropped again."""
    mariadb.execute("SET SESSION timestamp = 1700000000", *MADE)
    yield contents_of(mariadb)
    mariadb.execute("DROP DATABASE compared")


@pytest.fixture
def copy(mariadb: MariaDB, original: Contents) -> MariaDB:
    """Return a server with the same database in place of the original, made again."""
    assert original
    mariadb.execute("DROP DATABASE compared", "SET SESSION timestamp = 1700000000", *MADE)
    return mariadb


def contents_of(server: MariaDB) -> Contents:
    with contextlib.closing(server.connect()) as connection:
        return contents(connection, ["compared"])


def test_equal_databases_have_no_difference(original: Contents, copy: MariaDB) -> None:
    assert differences(original, contents_of(copy)) == []


@pytest.mark.parametrize(("change", "said"), CHANGES, ids=[said for _change, said in CHANGES])
def test_a_change_is_named(original: Contents, copy: MariaDB, change: str, said: str) -> None:
    copy.execute("USE compared", "SET SESSION sql_mode = ''", change)
    found = differences(original, contents_of(copy))
    assert any(said in one for one in found), found
