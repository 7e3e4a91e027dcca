"""Fingerprints of tables on a real MariaDB: each change is found and named by its column or key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.vex.backup.plugins.module_utils._mysql.fingerprint import FULL, NONE, compare
from tests.integration.table_values import DATABASE, ONLY_MARIADB, PAIRS, Filled, Pair, filled
from tests.servers.mariadb import MariaDB

ROWS = 3000
KEYS = {
    "id BIGINT": "CAST(seq AS SIGNED) * 7 - 9000",
    "id INT UNSIGNED": "IF(seq = 3000, 4294967295, seq)",
    "id DECIMAL(20,4)": "seq / 4",
    "id DATE": "'2000-01-01' + INTERVAL seq DAY",
    "id DATETIME(6)": "'2024-01-01' + INTERVAL seq SECOND",
    "id VARCHAR(20) CHARACTER SET latin1": r"CONCAT('có\'d\\go-', LPAD(seq, 9, '0'))",
    "id VARCHAR(40)": "MD5(seq)",
    "id CHAR(8) COLLATE utf8mb4_bin": "UPPER(LEFT(MD5(seq), 8))",
    "id BINARY(16)": "UNHEX(MD5(seq))",
}
KEYS_WITHOUT_SCALE = {
    "id DOUBLE": "seq / 4",
    "id INET6": "INET6_NTOA(UNHEX(MD5(seq)))",
    "id BIT(20)": "seq",
}


@pytest.fixture(scope="module")
def base(mariadb: MariaDB) -> Iterator[Filled]:
    with filled(mariadb) as one:
        yield one


@pytest.mark.parametrize("pair", [*PAIRS, *ONLY_MARIADB], ids=str)
def test_each_value_is_exact(base: Filled, pair: Pair) -> None:
    base.check(pair)


@pytest.fixture
def words(base: Filled) -> Filled:
    base.execute(
        "CREATE OR REPLACE TABLE t (a INT, `b%` VARCHAR(9), c TEXT, d INT AS (a + 1) VIRTUAL, e INT AS (a * 2) STORED,"
        " PRIMARY KEY (a, `b%`))",
        "INSERT INTO t (a, `b%`, c) VALUES (1, 'x', 'ab'), (1, 'y', ''), (2, 'x', NULL), (3, '\\n', 'c')",
    )
    return base


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("DELETE FROM t WHERE a = 2", r"lacks a row after (a, b%)=(1, 'y') and before (a, b%)=(3, '\n')"),
        ("INSERT INTO t (a, `b%`) VALUES (1, 'z')", "has the additional row (a, b%)=(1, 'z')"),
        ("UPDATE t SET c = '' WHERE a = 2", "has another value in the row (a, b%)=(2, 'x')"),
        ("UPDATE t SET c = NULL WHERE `b%` = 'y'", "has another value in the row (a, b%)=(1, 'y')"),
        ("DELETE FROM t", "lacks a row"),
        ("ALTER TABLE t DROP COLUMN c", "lacks the column c"),
        ("ALTER TABLE t CHANGE c texto TEXT", "lacks the column c"),
        ("ALTER TABLE t MODIFY c MEDIUMTEXT", "has the column c as mediumtext utf8mb4, not text utf8mb4"),
        ("ALTER TABLE t MODIFY c TEXT CHARACTER SET latin1", "has the column c as text latin1, not text utf8mb4"),
        ("ALTER TABLE t MODIFY c TEXT INVISIBLE", "has the column c as text utf8mb4 invisible, not text utf8mb4"),
        (
            "ALTER TABLE t DROP d, ADD d INT AS (a + 1) STORED AFTER c",
            "has the column d as int stored, not int virtual",
        ),
        ("ALTER TABLE t MODIFY e INT", "has the column e as int, not int stored"),
        ("ALTER TABLE t ADD f INT", "has the additional column f"),
        ("ALTER TABLE t MODIFY c TEXT FIRST", "has its columns in another order"),
        ("DROP TABLE t", "is missing"),
    ],
)
def test_each_change_is_named(words: Filled, change: str, expected: str) -> None:
    taken = words.take()
    assert words.difference(taken) == ""
    words.execute(change)
    assert words.difference(taken) == expected


def test_values_do_not_run_into_each_other(base: Filled) -> None:
    rows = ("'a','b'", "'b','a'", "'ab',''", "'','ab'", "'ab',NULL", "NULL,'ab'", "'a,b',''", "NULL,NULL")
    sums = set()
    for row in rows:
        base.execute("CREATE OR REPLACE TABLE t (x VARCHAR(9), y VARCHAR(9))", f"INSERT INTO t VALUES ({row})")
        sums.add(tuple(base.take()["slices"]))
    assert len(sums) == len(rows)


@pytest.mark.parametrize("key", [*KEYS, *KEYS_WITHOUT_SCALE])
def test_a_sample_is_spread_over_the_key(base: Filled, key: str) -> None:
    value = {**KEYS, **KEYS_WITHOUT_SCALE}[key]
    base.execute(
        f"CREATE OR REPLACE TABLE t ({key} PRIMARY KEY, n INT, INDEX (n))",
        f"INSERT INTO t SELECT {value}, ROW_NUMBER() OVER (ORDER BY {value}) FROM seq_1_to_{ROWS}",
    )
    taken = base.take()
    # A point may lie just before the last row.
    assert taken["sampled"] in (981, 1000)
    assert len(taken["points"]) == (49 if key in KEYS else 1)
    assert base.difference(taken) == ""
    for row in (1, ROWS):
        base.execute(f"UPDATE t SET n = 0 WHERE n = {row}")
        assert base.difference(taken).startswith("has another value in the row id=")
        base.execute(f"UPDATE t SET n = {row} WHERE n = 0")
    if key in KEYS:
        base.execute(f"UPDATE t SET n = n - {ROWS} WHERE n BETWEEN {ROWS // 3} AND {ROWS // 2}")
        assert base.difference(taken)
        base.execute(f"UPDATE t SET n = n + {ROWS} WHERE n <= 0")
    base.execute("DELETE FROM t WHERE n = 2")
    assert base.difference(taken).startswith("lacks a row after id=")


@pytest.mark.parametrize("key", KEYS)
def test_full_finds_any_row(base: Filled, key: str) -> None:
    base.execute(
        f"CREATE OR REPLACE TABLE t ({key} PRIMARY KEY, n INT, INDEX (n))",
        f"INSERT INTO t SELECT {KEYS[key]}, seq FROM seq_1_to_{ROWS}",
    )
    taken = base.take(mode=FULL)
    assert taken["sampled"] == ROWS
    assert base.difference(taken) == ""
    for row in (1, 1234, ROWS):
        base.execute(f"UPDATE t SET n = 0 WHERE n = {row}")
        assert base.difference(taken).startswith("has another value in a row ")
        base.execute(f"UPDATE t SET n = {row} WHERE n = 0")
    base.execute("DELETE FROM t WHERE n = 777")
    assert "before id=" in base.difference(taken)


def test_a_table_without_a_key(base: Filled) -> None:
    base.execute(
        "CREATE OR REPLACE TABLE t (a INT, b VARCHAR(9), c BLOB)",
        "INSERT INTO t VALUES (2, 'x', 'y'), (1, 'x', 'y'), (1, 'x', 'y')",
    )
    taken = base.take()
    base.execute("DELETE FROM t", "INSERT INTO t VALUES (1, 'x', 'y'), (2, 'x', 'y'), (1, 'x', 'y')")
    assert base.difference(taken) == ""
    base.execute("UPDATE t SET c = 'z' WHERE a = 2")
    assert base.difference(taken) == "has another value in the row (a, b)=(2, 'x')"


def test_a_large_table_without_a_key(base: Filled) -> None:
    base.execute("CREATE OR REPLACE TABLE t (a INT)", f"INSERT INTO t SELECT seq FROM seq_1_to_{ROWS}")
    taken = base.take()
    assert taken["sampled"] == 0
    assert "no key" in compare(base.connection, DATABASE, base.table(), taken).note
    full = base.take(mode=FULL)
    assert full["sampled"] == ROWS
    base.execute("UPDATE t SET a = 0 WHERE a = 7")
    assert base.difference(full) == "has another value in a row"
    base.execute("DELETE FROM t WHERE a = 0")
    assert base.difference(full) == "has 2999 rows, not 3000"


@pytest.mark.parametrize(
    "period", ["", "s TIMESTAMP(6) AS ROW START, e TIMESTAMP(6) AS ROW END, PERIOD FOR SYSTEM_TIME (s, e),"]
)
def test_the_history_of_a_versioned_table(base: Filled, period: str) -> None:
    base.execute(
        f"CREATE OR REPLACE TABLE t (a INT, b INT, {period} PRIMARY KEY (a)) WITH SYSTEM VERSIONING",
        "INSERT INTO t (a, b) VALUES (1, 1), (2, 2)",
        "UPDATE t SET b = b + 1",
        "UPDATE t SET b = b + 1 WHERE a = 2",
    )
    taken = base.take()
    assert taken["sampled"] == 5
    assert base.difference(taken) == ""
    base.execute("DELETE HISTORY FROM t")
    assert base.difference(taken).startswith("lacks a row before ")


def test_what_has_no_rows(base: Filled) -> None:
    base.execute("DROP TABLE IF EXISTS t", "CREATE SEQUENCE t", "SELECT NEXTVAL(t)")
    assert base.take()["sampled"] == 0
    base.execute("DROP SEQUENCE t", "CREATE TABLE t (a INT PRIMARY KEY)")
    assert set(base.take(mode=NONE)) == {"columns", "sampled"}
    taken = base.take()
    base.execute("INSERT INTO t VALUES (1)")
    assert base.difference(taken) == "has the additional row a=1"
