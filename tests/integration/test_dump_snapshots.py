"""Dumps of a real MariaDB by the MyDumper of this host: who dumps which table, and what ends a dump."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump import culprits as culprits_module
from ansible_collections.vex.backup.plugins.module_utils._dump import dump as dump_module
from ansible_collections.vex.backup.plugins.module_utils._dump import exact_dump
from ansible_collections.vex.backup.plugins.module_utils._dump import read_definitions as read_definitions_module
from ansible_collections.vex.backup.plugins.module_utils._dump import read_lock as read_lock_module
from ansible_collections.vex.backup.plugins.module_utils._dump import snapshot as snapshot_module
from ansible_collections.vex.backup.plugins.module_utils._dump import snapshot_reader as reader_module
from ansible_collections.vex.backup.plugins.module_utils._dump.client_session import ClientSession
from ansible_collections.vex.backup.plugins.module_utils._dump.dump import dump
from ansible_collections.vex.backup.plugins.module_utils._dump.snapshot_reader import SnapshotReader
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    CommandTimeout,
    DumpFailed,
    ServerUnavailable,
    ToolLoginFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql import fingerprint, tables
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import has_database
from ansible_collections.vex.backup.plugins.module_utils._mysql.session import LOOK
from tests.integration.dumping import dump_request
from tests.integration.odd_databases import quoted
from tests.playbook import HANGS
from tests.servers.mariadb import MariaDB

NAME = "backup_20250720_161523"
FIRST, SECOND = "first_one", "second_one"
# A name with a line end, whose second line is the name of another database.
ODD = f"odd\n{FIRST}"
MIXED = (
    "CREATE TABLE plain (id INT PRIMARY KEY)",
    "INSERT INTO plain VALUES (1), (2), (3)",
    "CREATE TABLE MyDumper_0 (id INT PRIMARY KEY)",
    "INSERT INTO MyDumper_0 VALUES (1), (2)",
    "CREATE TABLE `log-schema` (id INT) ENGINE = MyISAM",
    "INSERT INTO `log-schema` VALUES (1)",
    "CREATE TABLE rough (x FLOAT)",
    "INSERT INTO rough VALUES (0.1)",
    "CREATE TABLE `empty` (id INT)",
    "CREATE TABLE `new\nline` (`a\nb` INT)",
    "INSERT INTO `new\nline` VALUES (1), (2)",
    "CREATE SEQUENCE counter",
    "CREATE VIEW shown AS SELECT * FROM plain",
)


class Dumps:
    """Dumps of a server into a folder."""

    def __init__(self, server: MariaDB, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.request = dump_request(server.socket, folder / NAME)

    def run(self, *databases: str, **options: Any) -> dict[str, Any]:
        """Dump databases; return the module's result."""
        request = dataclasses.replace(self.request, databases=databases, **options)
        return dump(request, RunLog(None))

    def tables(self) -> dict[tuple[str, str], tuple[int, str]]:
        """Return the number of rows of each table of the dump, and who dumped them."""
        manifest = json.loads((self.folder / NAME / "manifest.json").read_text(encoding="utf-8"))
        return {
            (one["name"], table["name"]): (table["rows"], {os.path.dirname(name) for name in table["files"]}.pop())
            for one in manifest["databases"]
            for table in one["tables"]
            if table["files"]
        }

    def failure(self, *databases: str, **options: Any) -> BackupError:
        """Dump databases, which fails; return the error."""
        with pytest.raises(BackupError) as caught:
            self.run(*databases, **options)
        assert not (self.folder / NAME).exists()
        return caught.value


@pytest.fixture
def dumps(mariadb: MariaDB, tmp_path: Path) -> Iterator[Dumps]:
    try:
        for name in (FIRST, SECOND, ODD):
            mariadb.execute(f"CREATE DATABASE {quoted(name)}", f"USE {quoted(name)}", *MIXED)
        yield Dumps(mariadb, tmp_path)
    finally:
        mariadb.execute(*(f"DROP DATABASE IF EXISTS {quoted(name)}" for name in (FIRST, SECOND, ODD)))


@pytest.mark.parametrize("mode", ["individual", "instance"])
def test_each_table_is_dumped_by_a_tool_that_can(dumps: Dumps, mode: str) -> None:
    result = dumps.run(mode=mode)
    assert (result["status"], result["consistent"]) == (1, mode == "instance")
    whole = {
        "plain": (3, "tables"),
        "MyDumper_0": (2, "tables"),
        "log-schema": (1, "exact"),
        "rough": (1, "exact"),
        "new\nline": (2, "exact"),
    }
    expected = {(name, table): found for name in (FIRST, SECOND) for table, found in whole.items()}
    expected.update({(ODD, table): (rows, "exact") for table, (rows, _place) in whole.items()})
    assert dumps.tables() == expected
    assert result["binlog_coordinates"]


@pytest.mark.skipif("VEX_MYDUMPER_DIR" not in os.environ, reason="MyDumper 1.x is in no package")
def test_each_table_is_dumped_by_mydumper_1(dumps: Dumps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{os.environ['VEX_MYDUMPER_DIR']}:{os.environ['PATH']}")
    test_each_table_is_dumped_by_a_tool_that_can(dumps, "instance")


def test_database_without_plain_tables_needs_no_mydumper(dumps: Dumps, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise AssertionError("it was started")

    monkeypatch.setattr("ansible_collections.vex.backup.plugins.module_utils._dump.snapshot.started_mydumper", fail)
    assert dumps.run(ODD)["status"] == 1
    assert {place for _rows, place in dumps.tables().values()} == {"exact"}


@pytest.mark.parametrize("mode", ["individual", "instance"])
def test_end_of_the_client_is_named(dumps: Dumps, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """The databases after the one whose client ended are dumped, but the dump is an error."""
    ended: list[str] = []

    def dump_exactly(session: ClientSession, database: str, *arguments: Any) -> Iterator[str]:
        if not ended:
            ended.append(database)
            session.end()
        return exact_dump.dump_exactly(session, database, *arguments)

    monkeypatch.setattr(reader_module, "dump_exactly", dump_exactly)
    error = dumps.failure(FIRST, SECOND, mode=mode)
    assert isinstance(error, DumpFailed)
    label = "the instance" if mode == "instance" else ended[0]
    assert str(error).startswith(f"the dump failed: {label}: {ended[0]}.")
    assert ": the program mariadb stopped before the end of its rows: " in str(error)
    assert len(error.details["dump_errors"]) == 1


def test_killed_connection_of_the_dump_itself_is_an_error(dumps: Dumps, monkeypatch: pytest.MonkeyPatch) -> None:
    def take(connection: Any, *arguments: Any) -> Any:
        dumps.server.execute(f"KILL {connection.thread_id()}")
        return fingerprint.take(connection, *arguments)

    monkeypatch.setattr(reader_module, "take", take)
    (message,) = dumps.failure(FIRST).details["dump_errors"]
    assert message.startswith(f"{FIRST}: {FIRST}.log-schema: the server no longer answers: ")


def test_change_that_waits_for_the_dump_makes_it_begin_again(dumps: Dumps, monkeypatch: pytest.MonkeyPatch) -> None:
    """One session of the dump has read the table, and another would wait behind the change without an end."""
    change = f"ALTER TABLE {FIRST}.rough ADD COLUMN new INT"
    changing = threading.Thread(target=dumps.server.execute, args=[change])
    waiting = f"SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO = '{change}' AND STATE LIKE 'Waiting for%'"

    def take(connection: Any, database: str, table: Any, *arguments: Any) -> Any:
        taken = fingerprint.take(connection, database, table, *arguments)
        if table.name == "rough" and changing.ident is None:
            changing.start()
            end = time.monotonic() + HANGS
            while not dumps.server.execute(waiting):
                assert time.monotonic() < end
                time.sleep(0.05)
        return taken

    def find_later(*arguments: Any) -> str:
        # The change goes on when the sessions of the dump have ended.
        changing.join(HANGS)
        return culprits_module.find_changes(*arguments)

    monkeypatch.setattr(reader_module, "take", take)
    monkeypatch.setattr(snapshot_module, "find_changes", find_later)
    monkeypatch.setattr(dump_module, "LOOK", {**LOOK, "lock_wait_timeout": "1"})
    assert dumps.run(FIRST)["status"] == 1
    (script,) = (dumps.folder / NAME / "dump" / FIRST).glob("tables.sql")
    assert "`new` int(11)" in script.read_text()


def test_writers_of_a_locked_table_wait(dumps: Dumps, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that waits for the lock does not stop the sessions that read the table."""
    writing: list[threading.Thread] = []

    def take(connection: Any, database: str, table: tables.Table, *arguments: Any) -> Any:
        if not writing:
            statement = f"UPDATE {FIRST}.`log-schema` SET id = 2"
            writing.append(threading.Thread(target=dumps.server.execute, args=[statement]))
            writing[0].start()
            end = time.monotonic() + HANGS
            waiting = f"SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO = '{statement}' AND STATE LIKE '%lock%'"
            while not dumps.server.execute(waiting):
                assert time.monotonic() < end
                time.sleep(0.05)
        return fingerprint.take(connection, database, table, *arguments)

    monkeypatch.setattr(reader_module, "take", take)
    assert dumps.run(FIRST)["status"] == 1
    writing[0].join(HANGS)
    (file,) = (dumps.folder / NAME / "dump" / FIRST / "exact").glob("log-schema*")
    assert file.read_text().endswith("VALUES\n(1);\n")
    assert dumps.server.execute(f"SELECT id FROM {FIRST}.`log-schema`") == ((2,),)


def test_locks_of_tables_are_tried_again(dumps: Dumps, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def lock(connection: Any, statement: str) -> bool:
        tries.append(statement)
        return len(tries) == 2 and read_lock_module.lock(connection, statement)

    monkeypatch.setattr(reader_module, "lock", lock)
    monkeypatch.setattr(read_lock_module, "PAUSE_SECONDS", 0.1)
    assert dumps.run(FIRST)["status"] == 1
    assert len(tries) == 2
    assert f"`{FIRST}`.`log-schema` READ" in tries[0]


def test_a_locked_table_is_read_in_parts(dumps: Dumps) -> None:
    dumps.server.execute(
        f"CREATE TABLE {FIRST}.long_one (id INT PRIMARY KEY) ENGINE = MyISAM",
        f"INSERT INTO {FIRST}.long_one SELECT seq FROM {FIRST}.seq_1_to_5000",
    )
    assert dumps.run(FIRST)["status"] == 1
    manifest = json.loads((dumps.folder / NAME / "manifest.json").read_text(encoding="utf-8"))
    (table,) = (one for one in manifest["databases"][0]["tables"] if one["name"] == "long_one")
    assert (table["rows"], len(table["fingerprint"]["points"])) == (5000, 49)


def test_a_database_that_is_dropped_meanwhile_is_left_out(dumps: Dumps, monkeypatch: pytest.MonkeyPatch) -> None:
    def take(*arguments: Any) -> Any:
        dumps.server.execute(f"DROP DATABASE IF EXISTS {SECOND}")
        return fingerprint.take(*arguments)

    monkeypatch.setattr(reader_module, "take", take)
    result = dumps.run()
    assert (result["status"], result["dump_warnings"]) == (2, [f"{SECOND}: it was dropped before its dump began"])
    assert {name for name, _table in dumps.tables()} == {FIRST, ODD}


def test_a_database_that_the_account_may_not_use_is_not_dropped(dumps: Dumps) -> None:
    dumps.server.create_account("feeble", "p", f"SELECT ON {FIRST}.*")
    try:
        with connect(Login("", 0, dumps.server.socket, "feeble", "p", None)) as connection:
            assert has_database(connection, FIRST)
            with pytest.raises(ServerUnavailable, match="Access denied"):
                has_database(connection, SECOND)
    finally:
        dumps.server.execute("DROP USER feeble@localhost", "DROP USER feeble@127.0.0.1")


def test_timeout_ends_a_statement_that_runs(dumps: Dumps, monkeypatch: pytest.MonkeyPatch) -> None:
    def take(connection: Any, *arguments: Any) -> Any:
        connection.query("SELECT SLEEP(300)")
        return fingerprint.take(connection, *arguments)

    monkeypatch.setattr(reader_module, "take", take)
    error = dumps.failure(FIRST, timeout=3)
    assert isinstance(error, CommandTimeout)
    assert not dumps.server.execute("SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT SLEEP(300)'")


def test_snapshots_end_with_the_last_table(dumps: Dumps, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(reader: SnapshotReader) -> None:
        SnapshotReader.end_snapshots(reader)
        dumps.server.execute("SET lock_wait_timeout = 1", f"ALTER TABLE {FIRST}.rough ADD COLUMN new INT")

    monkeypatch.setattr(reader_module, "SnapshotReader", type("Ending", (SnapshotReader,), {"end_snapshots": end}))
    assert dumps.run(FIRST)["status"] == 1


def test_objects_that_are_dropped_meanwhile_are_left_out(dumps: Dumps, monkeypatch: pytest.MonkeyPatch) -> None:
    dumps.server.execute(f"CREATE EVENT {FIRST}.once ON SCHEDULE AT '2037-01-01' DO SET @x = 1")

    def read_definitions(*arguments: Any) -> Any:
        dumps.server.execute(f"DROP VIEW {FIRST}.shown", f"DROP EVENT {FIRST}.once")
        return read_definitions_module.read_definitions(*arguments)

    monkeypatch.setattr(reader_module, "read_definitions", read_definitions)
    assert dumps.run(FIRST)["status"] == 1
    assert not (dumps.folder / NAME / "dump" / FIRST / "views.sql").exists()
    manifest = json.loads((dumps.folder / NAME / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["databases"][0]["views"], manifest["databases"][0]["programs"]) == ([], [])


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Make a shell script the MyDumper of this host; ``$real`` in it is the real one."""
    real = shutil.which("mydumper", path=os.environ["PATH"].removeprefix(f"{folder / 'bin'}:"))
    (folder / "bin").mkdir(exist_ok=True)
    program = folder / "bin" / "mydumper"
    program.write_text(f"#!/bin/sh\nreal={real}\n{script}", encoding="utf-8")
    program.chmod(0o755)
    if not os.environ["PATH"].startswith(f"{program.parent}:"):
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_mydumper_that_leaves_out_a_column_is_refused(
    dumps: Dumps, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A program stands for a MyDumper that names another column, and one that leaves out rows."""
    for change, message in (
        ("s/`id`/`it`/", "the dump lacks the column 'id' of every row"),
        ("/^(3)/d; s/^(2),$/(2);/", "the dump has 2 rows, and the server has at least 3"),
        ("s/ (`id`)//", "the statements in the dump name no columns, so the values of 'id' may be missing"),
    ):
        stand_in(
            tmp_path,
            monkeypatch,
            '$real "$@" || exit\n'
            'for word; do case "$word" in --outputdir=*) '
            f"""sed -i '{change}' "${{word#*=}}"/{FIRST}.plain.sql ;; esac; done\n""",
        )
        assert str(dumps.failure(FIRST)).startswith(f"the dump failed: {FIRST}.plain: {message}")


def test_mydumper_that_fails_after_its_snapshots(dumps: Dumps, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The readers of the same snapshot end with it."""
    stand_in(tmp_path, monkeypatch, 'case "$*" in --version) exec "$real" "$@" ;; esac; "$real" "$@"; exit 3\n')
    message = f"the dump failed: {FIRST}: MyDumper exited with 3 and printed no reason"
    assert str(dumps.failure(FIRST)) == message


@pytest.mark.parametrize("checksums", ["none", "sample", "full"])
def test_modes_of_the_fingerprint(dumps: Dumps, checksums: str) -> None:
    assert dumps.run(FIRST, checksums=checksums)["status"] == 1
    manifest = json.loads((dumps.folder / NAME / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["fingerprint"] == checksums
    (plain,) = (table for table in manifest["databases"][0]["tables"] if table["name"] == "plain")
    assert plain["fingerprint"]["sampled"] == (0 if checksums == "none" else 3)


def test_check_mode_logs_in_with_each_tool(dumps: Dumps, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert dumps.run(FIRST, check_mode=True)["status"] == 1
    assert dumps.run(ODD, check_mode=True)["status"] == 1
    assert [path.name for path in dumps.folder.iterdir()] == []
    script = 'case "$*" in --version) echo mydumper 0.10.1 ;; *) echo no way; exit 1 ;; esac\n'
    stand_in(tmp_path, monkeypatch, script)
    with pytest.raises(ToolLoginFailed, match="mydumper cannot log in to the server that this host reaches: no way"):
        dumps.run(FIRST, check_mode=True)
