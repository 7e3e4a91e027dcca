"""Rows that the server's client prints, loaded into an empty table: each value is the same, to the bit."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._dump.client_session import ClientSession, client_session
from ansible_collections.vex.backup.plugins.module_utils._dump.exact_dump import dump_exactly
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import FileCounter
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, variables_for_tools
from ansible_collections.vex.backup.plugins.module_utils._mysql.option_file import written_option_file
from ansible_collections.vex.backup.plugins.module_utils._mysql.session import LOAD, LOOK
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Table, read_tables
from ansible_collections.vex.backup.plugins.module_utils._tools.client import ARGUMENTS, find_client
from tests.integration.odd_databases import quoted
from tests.integration.table_values import ONLY_MARIADB, PAIRS, Pair
from tests.servers.mariadb import MariaDB

DATABASE = "exact `rows`"
SECONDS = 600
ALL_BYTES = "UNHEX('" + "".join(f"{byte:02X}" for byte in range(256)) + "')"
ODD_NAMES = (
    "new\nline", "ta\tb", "re\rturn", "semi;colon", "quote'", 'double"', "back`tick", "back\\slash", "per%cent", "ação",
    "❤️", "-- comment", "/* comment", "# hash", "a\ndelimiter x", "a\n\\! false", "\nINSERT INTO `t` VALUES", "ç" * 64,
)  # fmt: skip


class Exact:
    """A database to dump from, and sessions of the client that load into it."""

    def __init__(self, server: MariaDB, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.client = find_client("mariadb")
        self.login = Login("", 0, server.socket, "root", "", None)
        self.connection = server.connect()
        self.execute("SET time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES'", f"USE {quoted(DATABASE)}")
        (folder / "looking").mkdir()
        (folder / "loading").mkdir()
        self._looking = written_option_file(str(folder / "looking"), self.login, variables_for_tools(self.login, LOOK))
        self._loading = written_option_file(str(folder / "loading"), self.login, variables_for_tools(self.login, LOAD))

    def execute(self, *statements: str) -> tuple[tuple[Any, ...], ...]:
        """Run statements in one session; return the rows of the last one."""
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return tuple(cursor.fetchall())

    @contextlib.contextmanager
    def session(self) -> Iterator[ClientSession]:
        """Open a session of the client."""
        with open(os.devnull, "rb") as lock:
            deadline = Deadline(SECONDS, "the dump")
            with client_session(self.client, self._looking, lock.fileno(), deadline) as one:
                yield one

    def table(self, name: str) -> Table:
        """Return a table as it is now."""
        (table,) = (one for one in read_tables(self.connection, DATABASE) if one.name == name)
        return table

    def dump(self, name: str, packet_bytes: int = 64 * 1024 * 1024) -> list[Path]:
        """Dump a table; return its files."""
        made = self.folder / f"{len(list(self.folder.iterdir()))}"
        made.mkdir()
        with self.session() as session:
            session.begin_snapshot()
            return [Path(path) for path in dump_exactly(session, DATABASE, self.table(name), str(made), packet_bytes)]

    def check(self, name: str) -> None:
        """Dump a table, empty it, load the files, and compare the server's checksums.

        :raises AssertionError: when a row or a value differs
        """
        place = f"{quoted(DATABASE)}.{quoted(name)}"
        before = self.state(place)
        files = self.dump(name)
        self.execute(f"DELETE FROM {place}")
        rows = 0
        for path in files:
            counter = FileCounter()
            counter.update(path.read_bytes())
            rows += counter.count().rows
            self.load(path)
        assert self.state(place) == before
        assert ((rows,),) == before[1]

    def state(self, place: str) -> tuple[Any, Any]:
        """Return the server's checksum of a table, and the number of its rows."""
        return self.execute(f"CHECKSUM TABLE {place} EXTENDED"), self.execute(f"SELECT COUNT(*) FROM {place}")

    def load(self, path: Path) -> None:
        """Load a file through the client."""
        command = [self.client.path, f"--defaults-file={self._loading}", *ARGUMENTS, f"--database={DATABASE}"]
        with path.open("rb") as stream:
            done = subprocess.run(command, stdin=stream, capture_output=True, check=False, timeout=SECONDS)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def exact(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exact]:
    mariadb.execute(f"CREATE DATABASE {quoted(DATABASE)} CHARACTER SET utf8mb4")
    try:
        made = Exact(mariadb, tmp_path_factory.mktemp("exact"))
        with contextlib.closing(made.connection):
            yield made
    finally:
        mariadb.execute(f"DROP DATABASE {quoted(DATABASE)}")


@pytest.mark.parametrize("pair", [*PAIRS, *ONLY_MARIADB], ids=str)
def test_each_value_is_exact(exact: Exact, pair: Pair) -> None:
    exact.execute(
        f"CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, v {pair.type})",
        f"INSERT INTO t (id, v) VALUES (1, {pair.value}), (2, {pair.other}), (3, {pair.value})",
    )
    exact.check("t")


def test_all_bytes_in_every_text_and_blob(exact: Exact) -> None:
    latin = "CHARACTER SET latin1"
    exact.execute(
        "CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, a BLOB, b LONGBLOB, c VARBINARY(256),"
        f" d TEXT {latin}, e VARCHAR(256) {latin}, f LONGTEXT {latin}, g CHAR(255) {latin})",
        f"SET @b = {ALL_BYTES}",
        "INSERT INTO t SELECT seq, @b, @b, @b, @b, @b, @b, SUBSTRING(@b, 2) FROM seq_1_to_3",
    )
    exact.check("t")


def test_numbers_at_their_limits(exact: Exact) -> None:
    values = ["0", "-0e0", "1e308", "-1.7976931348623157e308", "2.2250738585072014e-308", "5e-324", "0.1", "1/3"]
    exact.execute(
        "CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, a DOUBLE, b FLOAT, c DECIMAL(65,30), d BIGINT, e BIT(64))",
        *(f"INSERT INTO t (id, a) VALUES ({number}, {value})" for number, value in enumerate(values)),
        "INSERT INTO t (id, b) VALUES (20, 3.4028234e38), (21, 1.17549435e-38), (22, 1e-45), (23, 16777217)",
        "INSERT INTO t VALUES (30, NULL, NULL, -1e-30, -9223372036854775808, ~0)",
    )
    exact.check("t")


def test_rows_of_random_floats(exact: Exact) -> None:
    exact.execute(
        "CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, a DOUBLE, b FLOAT)",
        "INSERT INTO t SELECT seq, (RAND(seq) - 0.5) * POW(10, CAST(seq AS SIGNED) MOD 600 - 300), (RAND(seq) - 0.5)"
        " * POW(10, CAST(seq AS SIGNED) MOD 70 - 35) FROM seq_1_to_20000",
    )
    exact.check("t")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names(exact: Exact, name: str) -> None:
    place = quoted(name[:63].strip() or "x")
    column = quoted(name)
    exact.execute(f"CREATE TABLE {place} ({column} INT PRIMARY KEY, `{'x' * 63}` VARCHAR(9))")
    try:
        exact.execute(f"INSERT INTO {place} VALUES (1, 'a'), (2, NULL), (3, '\n')")
        exact.check(name[:63].strip() or "x")
    finally:
        exact.execute(f"DROP TABLE {place}")


def test_computed_and_hidden_columns(exact: Exact) -> None:
    exact.execute(
        "CREATE OR REPLACE TABLE t (id INT, twice INT AS (id * 2) STORED, half INT AS (id DIV 2) VIRTUAL,"
        " secret INT DEFAULT 5 INVISIBLE)",
        "INSERT INTO t (id, secret) VALUES (1, 7), (2, NULL), (2, NULL)",
    )
    exact.check("t")


def test_history_of_rows(exact: Exact) -> None:
    """The rows of the past come back when the session that loads them may insert history."""
    exact.execute(
        "CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, a INT) WITH SYSTEM VERSIONING",
        "INSERT INTO t VALUES (1, 1), (2, 2)",
        "UPDATE t SET a = 3 WHERE id = 1",
        "DELETE FROM t WHERE id = 2",
    )
    (path,) = exact.dump("t")
    lines = path.read_text(encoding="ascii").splitlines()
    assert lines[0] == "INSERT INTO `t` (`id`, `a`, `row_start`, `row_end`) VALUES"
    assert len(lines) == 1 + 3
    assert sum("2038-01-19" in line or "2106-02-07" in line for line in lines) == 1


def test_tables_without_rows(exact: Exact) -> None:
    exact.execute("CREATE OR REPLACE TABLE t (id INT)", "CREATE OR REPLACE SEQUENCE s")
    try:
        assert exact.dump("t") == exact.dump("s") == []
    finally:
        exact.execute("DROP SEQUENCE s")


@pytest.mark.parametrize("kind", ["LONGBLOB", "LONGTEXT CHARACTER SET utf8mb4"])
def test_value_above_half_of_the_packet(exact: Exact, kind: str) -> None:
    """Its digits are longer than the server accepts: it can print them in parts, and must accept more to load them."""
    exact.execute(
        f"CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, v {kind})",
        "INSERT INTO t VALUES (1, REPEAT('ab\\n', 13 * 1024 * 1024)), (2, 'x')",
        "SET GLOBAL max_allowed_packet = 256 * 1024 * 1024",
    )
    try:
        exact.check("t")
    finally:
        exact.execute("SET GLOBAL max_allowed_packet = 64 * 1024 * 1024")


def test_value_that_the_server_cannot_print_is_refused(exact: Exact) -> None:
    exact.execute(
        "CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, v LONGBLOB)",
        "INSERT INTO t VALUES (1, 'x'), (2, REPEAT('x', 2000))",
    )
    with pytest.raises(DumpFailed, match=r"^a value is longer than the server's max_allowed_packet, 1000"):
        exact.dump("t", packet_bytes=1000)


def test_snapshot_is_that_of_its_beginning(exact: Exact) -> None:
    exact.execute("CREATE OR REPLACE TABLE t (id INT PRIMARY KEY) ENGINE = InnoDB", "INSERT INTO t VALUES (1), (2)")
    table = exact.table("t")
    with exact.session() as session:
        session.begin_snapshot()
        exact.execute("INSERT INTO t VALUES (3)")
        made = exact.folder / "snapshot"
        made.mkdir()
        (path,) = dump_exactly(session, DATABASE, table, str(made), 1 << 20)
    assert Path(path).read_bytes() == b"INSERT INTO `t` (`id`) VALUES\n(1),\n(2);\n"


def connection_of_the_client(exact: Exact) -> int:
    ((number,),) = exact.execute(
        "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = 'root'"
    )
    return int(number)


@pytest.mark.parametrize(
    ("what", "when"),
    [
        ("connection", "between two statements"),
        ("program", "between two statements"),
        ("connection", "in the middle of the rows"),
        ("program", "in the middle of the rows"),
        ("query", "in the middle of the rows"),
    ],
)
def test_end_of_the_session_is_an_error(exact: Exact, what: str, when: str) -> None:
    exact.execute(
        "CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, v VARCHAR(200))",
        "INSERT INTO t SELECT seq, REPEAT('x', 200) FROM seq_1_to_100000",
    )
    table = exact.table("t")
    made = exact.folder / f"{what} {when}"
    made.mkdir()
    with exact.session() as session:
        session.begin_snapshot()
        kill = {
            "connection": lambda: exact.execute(f"KILL {connection_of_the_client(exact)}"),
            "query": lambda: exact.execute(f"KILL QUERY {connection_of_the_client(exact)}"),
            "program": session.end,
        }[what]
        blocks = session.output("SELECT v FROM " + f"{quoted(DATABASE)}.t ORDER BY id;\n")
        if when == "in the middle of the rows":
            # The client waits, since nobody reads its output: the server has not sent all rows.
            next(blocks)
            kill()
            with pytest.raises(DumpFailed, match="the program mariadb stopped before the end of its rows: "):
                list(blocks)
            return
        list(blocks)
        kill()
        with pytest.raises(DumpFailed, match="the program mariadb stopped before the end of its rows: "):
            list(dump_exactly(session, DATABASE, table, str(made), 1 << 20))


def test_error_of_the_server_is_named(exact: Exact) -> None:
    exact.execute("CREATE OR REPLACE TABLE t (id INT)")
    table = exact.table("t")
    exact.execute("DROP TABLE t")
    with (
        exact.session() as session,
        pytest.raises(DumpFailed, match=r"ERROR 1146 .*Table 'exact `rows`\.t' doesn't exist"),
    ):
        list(dump_exactly(session, DATABASE, table, str(exact.folder), 1 << 20))


def test_time_limit_ends_the_session(exact: Exact) -> None:
    with exact.session() as session:
        stop = threading.Timer(1, session.end)
        stop.start()
        with pytest.raises(DumpFailed, match="the program mariadb stopped before the end of its rows"):
            list(session.output("SELECT SLEEP(50);\n"))
