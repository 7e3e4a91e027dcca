"""Tables that the server cannot read cost themselves: the rest is dumped and restored, and the dump is an error."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from pymysql.connections import Connection

from ansible_collections.vex.backup.plugins.module_utils._errors import ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.broken_tables import find_broken, is_of_the_object
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import read_tables
from tests.restore.cells import GENERATIONS, use_tools
from tests.restore.odd import Odd
from tests.servers.database_server import DatabaseServer
from tests.servers.mariadb import MariaDB
from tests.servers.mysql import MySQL

ROWS = 3000


class Damage(NamedTuple):
    """Damage to a table of one engine: the pattern of the files, and what happens to each."""

    table: str
    options: str
    files: str
    harm: Callable[[Path], None]


def cut(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size // 2)


def scribble(path: Path) -> None:
    """Overwrite a page in the middle of an InnoDB table."""
    with path.open("r+b") as stream:
        stream.seek(16384 * 10)
        stream.write(b"\xde\xad" * 8192)


def garble(path: Path) -> None:
    path.write_bytes(b'broken"\n,,,\n')


OF_ANY = (
    Damage("no_rows_file", "ENGINE=MyISAM", "no_rows_file.MYD", Path.unlink),
    Damage("no_index_file", "ENGINE=MyISAM", "no_index_file.MYI", Path.unlink),
    # The server opens these, and fails at a later row: in MyDumper, in the client because of the FLOAT, and on a table
    # with another one's name as its beginning.
    Damage("short", "ENGINE=MyISAM", "short.MYD", cut),
    Damage("short_float", "ENGINE=MyISAM", "short_float.MYD", cut),
    Damage("gone", "ENGINE=InnoDB", "gone.ibd", Path.unlink),
    Damage("a_part_gone", "ENGINE=InnoDB PARTITION BY HASH (id) PARTITIONS 3", "a_part_gone#[Pp]#p1.ibd", Path.unlink),
    Damage("garbled", "ENGINE=CSV", "garbled.CSV", garble),
)
OF_MARIADB = (
    Damage("short_aria", "ENGINE=Aria", "short_aria.MAD", cut),
    # MySQL ends at such a page.
    Damage("scribbled", "ENGINE=InnoDB", "scribbled.ibd", scribble),
)
OF_MYSQL = (Damage("short_archive", "ENGINE=ARCHIVE", "short_archive*.ARZ", cut),)


def create(damage: Damage) -> list[str]:
    key = "" if "ARCHIVE" in damage.options or "CSV" in damage.options else ", PRIMARY KEY (id)"
    number = "FLOAT" if "float" in damage.table else "INT"
    rows = ",".join(f"({row}, {row}, '{'x' * 100}')" for row in range(ROWS))
    columns = f"id INT NOT NULL, n {number} NOT NULL, v VARCHAR(200) NOT NULL{key}"
    return [
        f"CREATE TABLE {damage.table} ({columns}) {damage.options}",
        f"INSERT INTO {damage.table} VALUES {rows}",
    ]


def harm(server: DatabaseServer, damages: tuple[Damage, ...]) -> None:
    server.stop()
    # MariaDB would load its pages from the copy in memory of before.
    (server.data / "ib_buffer_pool").unlink(missing_ok=True)
    for damage in damages:
        (path,) = (server.data / "odd").glob(damage.files)
        damage.harm(path)
    server.start()


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_rest_is_kept(odd: Odd, generation: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_tools(monkeypatch, odd.product, generation)
    damages = (*OF_ANY, *(OF_MYSQL if isinstance(odd.source, MySQL) else OF_MARIADB))
    source = odd.product.server(tmp_path / "damaged", options=["--event-scheduler=OFF"])
    hurt = Odd(odd.product, source, odd.target, tmp_path)
    with source:
        source.execute("CREATE DATABASE odd", "USE odd", *(text for one in damages for text in create(one)))
        source.execute(
            "USE odd",
            "CREATE TABLE shorter (id INT PRIMARY KEY) ENGINE=MyISAM",
            "INSERT INTO shorter VALUES (1), (2)",
            "CREATE TABLE whole (id INT PRIMARY KEY, n FLOAT)",
            "INSERT INTO whole VALUES (1, 0.1)",
            "CREATE VIEW of_whole AS SELECT id FROM whole",
            "CREATE VIEW of_gone AS SELECT id FROM gone",
            "CREATE TRIGGER of_short BEFORE INSERT ON short FOR EACH ROW SET NEW.n = 1",
            "CREATE TRIGGER on_whole BEFORE INSERT ON whole FOR EACH ROW SET NEW.n = 1",
        )
        harm(source, damages)
        dumped = hurt.dump_again(is_whole=False)
        manifest = json.loads((dumped.path / "manifest.json").read_text(encoding="utf-8"))
        (database,) = manifest["databases"]
        expected = sorted(one.table for one in damages)
        assert sorted(text.split(" ")[0] for text in dumped.errors) == [f"odd.{name}" for name in expected]
        assert (manifest["status"], manifest["errors"]) == (3, dumped.errors)
        assert sorted(one["name"] for one in database["broken"]) == expected
        assert all(one["is_lost"] and one["reason"] for one in database["broken"])
        # The definitions are in the dump, which may be encrypted, and not in the manifest.
        assert "CREATE TABLE" not in json.dumps(manifest)
        assert "CREATE TABLE `short` (" in dumped.text("odd/broken.sql")
        assert [one["name"] for one in database["tables"]] == ["shorter", "whole"]
        assert [one["name"] for one in database["programs"]] == ["on_whole"]

        result = dumped.run(odd.target)
        lost = [text for text in result["restore_warnings"] if "could not read it" in text]
        assert sorted(text.split(" ")[0] for text in lost) == [f"odd.{name}" for name in expected]
        with contextlib.closing(odd.target.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*), SUM(n = 0.1e0) FROM odd.whole")
            assert cursor.fetchall() == ((1, 0),)
            cursor.execute("SELECT id FROM odd.shorter ORDER BY id")
            assert cursor.fetchall() == ((1,), (2,))
            cursor.execute("SHOW FULL TABLES FROM odd")
            assert sorted(str(row[0]) for row in cursor.fetchall()) == ["of_whole", "shorter", "whole"]
    shutil.rmtree(tmp_path / "damaged")


def test_nothing_is_known_of_a_locked_table_and_of_one_of_others(mariadb: MariaDB) -> None:
    mariadb.execute("CREATE DATABASE odd", "CREATE TABLE odd.t (id INT PRIMARY KEY)")
    mariadb.create_account("blind", "p", "INSERT ON odd.*")
    try:
        for login, lock in (
            (Login("", 0, mariadb.socket, "blind", "p", None), "DO 1"),
            (Login("", 0, mariadb.socket, "root", "", None), "LOCK TABLES odd.t WRITE"),
        ):
            with contextlib.closing(mariadb.connect()) as other, connect(login) as connection:
                before = value_of(connection, "@@lock_wait_timeout")
                found = read_tables(connection, "odd")
                other.query(lock)
                assert [table.name for table in found] == ["t"]
                assert find_broken(connection, "odd", found) == {}
                assert value_of(connection, "@@lock_wait_timeout") == before != 1
    finally:
        mariadb.execute("DROP DATABASE odd", "DROP USER blind@localhost", "DROP USER blind@127.0.0.1")


def value_of(connection: Connection, expression: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {expression}")
        ((value,),) = cursor.fetchall()
    return value


def test_a_table_that_was_dropped_is_not_broken(mariadb: MariaDB) -> None:
    mariadb.execute("CREATE DATABASE odd", "CREATE TABLE odd.t (id INT PRIMARY KEY)")
    try:
        with connect(Login("", 0, mariadb.socket, "root", "", None)) as connection:
            found = read_tables(connection, "odd")
            mariadb.execute("DROP TABLE odd.t")
            assert find_broken(connection, "odd", found) == {}
    finally:
        mariadb.execute("DROP DATABASE odd")


def test_a_lost_connection_is_no_broken_table(mariadb: MariaDB) -> None:
    mariadb.execute("CREATE DATABASE odd", "CREATE TABLE odd.t (id INT PRIMARY KEY)")
    try:
        with connect(Login("", 0, mariadb.socket, "root", "", None)) as connection:
            found = read_tables(connection, "odd")
            mariadb.execute(f"KILL {connection.thread_id()}")
            with pytest.raises(ServerUnavailable):
                find_broken(connection, "odd", found)
    finally:
        mariadb.execute("DROP DATABASE odd")


@pytest.mark.parametrize(
    ("number", "text", "is_of_object"),
    [
        (0, "not the server's", False),
        (3, 'Error writing file (Errcode: 28 "No space left on device")', False),
        (29, 'File not found (Errcode: 2 "No such file or directory")', True),
        (29, 'File not found (Errcode: 24 "Too many open files")', False),
        (126, "Incorrect key file", True),
        (1016, "Can't open file: './odd/t.MYI' (errno: 145 - Table was marked as crashed)", True),
        (1016, "Can't open file: './odd/t.MYI' (errno: 24 - Too many open files)", False),
        (1030, "Got error 28 from storage engine", False),
        (1030, 'Got error 194 "Tablespace is missing for a table" from storage engine InnoDB', True),
        (1030, "Got error 122 from storage engine", True),
        (1194, "Table 't' is marked as crashed and should be repaired", True),
        (1317, "Query execution was interrupted", False),
        (2013, "Lost connection to MySQL server during query", False),
    ],
)
def test_errors_of_the_host_are_not_of_the_table(number: int, text: str, is_of_object: bool) -> None:
    assert is_of_the_object(number, text) is is_of_object
