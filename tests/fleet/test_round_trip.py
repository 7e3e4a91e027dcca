"""Databases of one MySQL 9.7 restored on another, by the commands in the manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fleet import mysql_databases
from tests.fleet.fleet import Member, backup
from tests.fleet.hosts import Host
from tests.integration import odd_databases
from tests.integration.restoring import assert_equal, restore


@pytest.fixture
def databases(hosts: dict[str, Host]) -> Iterator[tuple[str, ...]]:
    """Create databases with unusual features, those of MySQL alone among them, on ``mysql-1``."""
    server = hosts["mysql-1"]
    yield (*odd_databases.fill(server, own_tables=()), *mysql_databases.fill(server))
    odd_databases.drop(server)
    mysql_databases.drop(server)


@pytest.fixture
def target(hosts: dict[str, Host]) -> Iterator[Host]:
    """Return the server that is restored to, and empty it afterwards."""
    server = hosts["mysql-2"]
    yield server
    names = [str(row[0]) for row in server.execute("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")]
    own = [name for name in names if name not in {"mysql", "sys", "information_schema", "performance_schema"}]
    server.execute("SET FOREIGN_KEY_CHECKS = 0", *(f"DROP DATABASE {odd_databases.quoted(name)}" for name in own))


def test_everything_comes_back(
    databases: tuple[str, ...],
    join: Callable[[str], Member],
    hosts: dict[str, Host],
    target: Host,
    inventory_directory: Path,
) -> None:
    """The defaults: one snapshot for each database, through the socket."""
    member = join("mysql-1")
    member.create_account()
    outcome = backup([member], inventory_directory)["mysql-1"]
    assert outcome.status == 0, outcome.output
    (target.exchange / "LOGIN.cnf").write_text(
        "[client]\nsocket=/run/mysqld/mysqld.sock\nuser=root\n", encoding="utf-8"
    )
    manifest = restore(
        member.control.store,
        outcome.key,
        target.exchange,
        lambda command, answer: target.shell(command, answer, directory="/exchange"),
    )
    assert {one["name"] for one in manifest["databases"]} == set(databases)
    assert_equal(hosts["mysql-1"], target, databases)
