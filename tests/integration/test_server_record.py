"""``backup_server_record`` on a real server: one row for each server, which stays without backups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._arguments import request
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase as Target
from ansible_collections.vex.backup.plugins.module_utils._log_db.servers import ServerRequest, record_server
from tests.integration.log_db import LogDatabase, migrate, run_module
from tests.servers.mariadb import MariaDB

COLUMNS = "hostname, versao_servidor, agenda, fuso, tolerancia_minutos, ativo"
EXPECTED = ("db1", "MariaDB 11.8.3", "0 3 * * *", "America/Sao_Paulo", 90, 1)


@pytest.fixture
def database(log_mariadb: MariaDB) -> Iterator[LogDatabase]:
    made = LogDatabase(log_mariadb)
    migrate(made.login)
    yield made
    made.drop()


OPTIONS = {
    "hostname": "db1",
    "schedule": "0 3 * * *",
    "time_zone": "America/Sao_Paulo",
    "tolerance_minutes": 90,
    "server_version": "MariaDB 11.8.3",
}


def record(database: LogDatabase, *, check: bool = False, **changes: Any) -> dict[str, Any]:
    """Call ``backup_server_record`` in this process."""
    options = {**OPTIONS, "state": "present", "patience": 0, **changes}
    server = request(ServerRequest, options, log_database=Target.from_options(database.login))
    return record_server(server, check_mode=check)


def rows(database: LogDatabase) -> list[tuple[Any, ...]]:
    return database.rows(f"SELECT {COLUMNS} FROM servidor ORDER BY id")


def test_a_server_is_recorded_once(database: LogDatabase) -> None:
    foreseen = record(database, check=True)
    assert foreseen["changed"]
    assert rows(database) == []
    assert record(database)["diff"] == foreseen["diff"]
    assert rows(database) == [EXPECTED]
    assert not record(database)["changed"]


def test_the_module_records_a_server(database: LogDatabase) -> None:
    assert run_module("backup_server_record", {**database.login, **OPTIONS})["changed"]
    assert rows(database) == [EXPECTED]


def test_changes_are_shown_and_written(database: LogDatabase) -> None:
    record(database)
    changed = record(database, schedule="", server_version="")
    assert changed["diff"] == {"before": {"agenda": "0 3 * * *"}, "after": {"agenda": None}}
    assert rows(database) == [(*EXPECTED[:2], None, *EXPECTED[3:])]


def test_a_server_without_backups_keeps_its_row(database: LogDatabase) -> None:
    assert not record(database, state="absent")["changed"]
    assert rows(database) == []
    record(database)
    assert record(database, state="absent", check=True)["changed"]
    assert record(database, state="absent")["changed"]
    assert rows(database) == [(*EXPECTED[:5], 0)]
    assert not record(database, state="absent")["changed"]
    assert record(database)["changed"]
    assert rows(database) == [EXPECTED]


def test_an_unreachable_log_database_is_named(database: LogDatabase) -> None:
    options = {**database.login, **OPTIONS, "login_unix_socket": "/nowhere.sock", "patience": 0}
    found = run_module("backup_server_record", options)
    assert found["failed"]
    assert found["msg"].startswith("log database: the server at /nowhere.sock could not be reached")
