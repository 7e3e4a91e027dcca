"""Tables that are created, changed or dropped while a dump begins: it begins again, and is right."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump import read_definitions as read_definitions_module
from ansible_collections.vex.backup.plugins.module_utils._dump import snapshot as snapshot_module
from ansible_collections.vex.backup.plugins.module_utils._dump import snapshot_reader as reader_module
from ansible_collections.vex.backup.plugins.module_utils._mysql import fingerprint
from tests.integration.test_dump_snapshots import NAME, Dumps
from tests.servers.mariadb import MariaDB

DATABASE = "changing"
TABLES = (
    f"CREATE DATABASE {DATABASE}",
    f"USE {DATABASE}",
    "CREATE TABLE plain (id INT PRIMARY KEY)",
    "INSERT INTO plain VALUES (1), (2)",
    "CREATE TABLE rough (id INT PRIMARY KEY, x FLOAT)",
    "INSERT INTO rough VALUES (1, 0.1)",
    "CREATE TABLE other (id INT PRIMARY KEY)",
    "CREATE SEQUENCE counter",
)


@pytest.fixture
def dumps(mariadb: MariaDB, tmp_path: Path) -> Iterator[Dumps]:
    mariadb.execute(*TABLES)
    yield Dumps(mariadb, tmp_path)
    mariadb.execute(f"DROP DATABASE {DATABASE}")


def run_after(module: Any, name: str, act: Callable[[int], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let *act* run after each call of a function of a module; it gets the number of the call."""
    function = getattr(module, name)
    calls = 0

    def wrapped(*arguments: Any) -> Any:
        nonlocal calls
        result = function(*arguments)
        calls += 1
        act(calls)
        return result

    monkeypatch.setattr(module, name, wrapped)


def manifest_of(dumps: Dumps) -> dict[str, Any]:
    (database,) = json.loads((dumps.folder / NAME / "manifest.json").read_text(encoding="utf-8"))["databases"]
    found: dict[str, Any] = database
    return found


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("CREATE TABLE new (id INT PRIMARY KEY)", ["counter", "new", "other", "plain", "rough"]),
        ("CREATE VIEW new AS SELECT 1 AS one", ["counter", "other", "plain", "rough"]),
        ("DROP TABLE plain", ["counter", "other", "rough"]),
        ("DROP SEQUENCE counter", ["other", "plain", "rough"]),
        ("RENAME TABLE plain TO plainer", ["counter", "other", "plainer", "rough"]),
    ],
)
def test_a_change_before_the_lock(
    dumps: Dumps, monkeypatch: pytest.MonkeyPatch, statement: str, tables: list[str]
) -> None:
    def change(call: int) -> None:
        if call == 1:
            dumps.server.execute(f"USE {DATABASE}", statement)

    run_after(snapshot_module, "plan_database", change, monkeypatch)
    assert dumps.run(DATABASE)["status"] == 1
    found = manifest_of(dumps)
    assert sorted(one["name"] for one in found["tables"]) == tables
    assert found["views"] == (["new"] if "VIEW" in statement else [])


@pytest.mark.parametrize(
    "statement", ["ALTER TABLE other ADD COLUMN new INT", "ALTER TABLE other MODIFY id BIGINT", "DROP TABLE other"]
)
def test_a_change_after_the_lock(dumps: Dumps, monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    read_definitions = read_definitions_module.read_definitions
    calls: list[object] = []

    def changed(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 1:
            dumps.server.execute(f"USE {DATABASE}", statement)
        return read_definitions(*arguments)

    monkeypatch.setattr(reader_module, "read_definitions", changed)
    assert dumps.run(DATABASE)["status"] == 1
    assert len(calls) == 2
    (script,) = (dumps.folder / NAME / "dump" / DATABASE).glob("tables.sql")
    other = {"ADD": "`new` int(11)", "MODIFY": "`id` bigint(20)"}.get(
        statement.split()[3] if "ALTER" in statement else ""
    )
    assert (other in script.read_text()) if other else ("TABLE `other`" not in script.read_text())
    assert {one["name"]: one["rows"] for one in manifest_of(dumps)["tables"]}["rough"] == 1


@pytest.mark.parametrize(
    "statements",
    [
        ("DROP TABLE rough",),
        ("DROP TABLE rough", "CREATE TABLE rough (other INT PRIMARY KEY, x FLOAT)", "INSERT INTO rough VALUES (7, 1)"),
        ("CREATE TABLE made LIKE rough", "INSERT INTO made VALUES (7, 1)", "RENAME TABLE rough TO o, made TO rough"),
        ("TRUNCATE TABLE rough", "INSERT INTO rough VALUES (7, 1)"),
        ("ALTER TABLE rough ENGINE = InnoDB, ALGORITHM = COPY",),
    ],
    ids=["dropped", "made-anew", "swapped", "truncated", "copied"],
)
def test_a_change_before_the_turn_of_the_table(
    dumps: Dumps, monkeypatch: pytest.MonkeyPatch, statements: tuple[str, ...]
) -> None:
    """It comes after the definitions were read, and makes the dump begin again: the table is not taken for damaged."""
    calls: list[object] = []
    take = fingerprint.take

    def changing(connection: Any, database: str, table: Any, mode: str) -> Any:
        if table.name == "rough":
            calls.append(table)
            if len(calls) == 1:
                dumps.server.execute(f"USE {DATABASE}", *statements)
        return take(connection, database, table, mode)

    monkeypatch.setattr(reader_module, "take", changing)
    result = dumps.run(DATABASE)
    assert (result["status"], result["dump_errors"]) == (1, [])
    tables = {one["name"]: one["rows"] for one in manifest_of(dumps)["tables"]}
    assert tables.get("rough") == (None if statements == ("DROP TABLE rough",) else 1)
    assert len(calls) == (1 if "rough" not in tables else 2)


def test_tables_that_are_created_all_the_time(dumps: Dumps, monkeypatch: pytest.MonkeyPatch) -> None:
    def create(call: int) -> None:
        dumps.server.execute(f"CREATE TABLE {DATABASE}.new_{call} (id INT PRIMARY KEY)")

    run_after(snapshot_module, "plan_database", create, monkeypatch)
    result = dumps.run(DATABASE)
    assert result["status"] == 2
    assert result["dump_warnings"] == [f"{DATABASE}.new_4 was created while the dump began, and is not in it"]
    assert "new_3" in [one["name"] for one in manifest_of(dumps)["tables"]]


def test_tables_that_are_dropped_all_the_time(dumps: Dumps, monkeypatch: pytest.MonkeyPatch) -> None:
    dumps.server.execute(*(f"CREATE TABLE {DATABASE}.old_{number} (id INT)" for number in range(1, 6)))

    def drop(call: int) -> None:
        dumps.server.execute(f"DROP TABLE {DATABASE}.old_{call}")

    run_after(snapshot_module, "plan_database", drop, monkeypatch)
    error = dumps.failure(DATABASE)
    assert f"{DATABASE}.old_4 was dropped during each of 4 attempts: start at another time" in str(error)
