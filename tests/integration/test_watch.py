"""``backup_watch`` on a real server: it closes unfinished runs and returns each overdue server once."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._arguments import request
from ansible_collections.vex.backup.plugins.module_utils._errors import SchemaMismatch
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import REQUIRED_VERSION
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase as Target
from ansible_collections.vex.backup.plugins.module_utils._log_db.watch import WatchRequest, watch
from tests.integration.log_db import LogDatabase, migrate, run_module
from tests.servers.mariadb import MariaDB


def now() -> datetime.datetime:
    """Return the time in UTC, as the log tables have it."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)


class Watched:
    """A log database, and the calls of the module for it."""

    def __init__(self, database: LogDatabase) -> None:
        self.database = database
        self.options = {**database.login, "longest_run": 48, "overdue": []}

    def __call__(self, *overdue: str, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        given = {**self.options, "overdue": list(overdue), **options}
        return watch(request(WatchRequest, given, log_database=Target.from_options(given), patience=0), check_mode)

    def run(self, number: int, *, hours_ago: int, status: int = 0) -> None:
        """Insert a run of server ``db<number>``."""
        started = now() - datetime.timedelta(hours=hours_ago)
        self.database.server.execute(
            f"INSERT INTO `{self.database.name}`.backup_log (run_uuid, hostname, data_inicio, status_backup, etapa)"
            f" VALUES ('{number:036}', 'db{number}', '{started}', {status}, 'dump')"
        )

    def statuses(self) -> list[tuple[Any, ...]]:
        return self.database.rows("SELECT hostname, status_backup, data_encerramento FROM backup_log ORDER BY hostname")

    def reported(self) -> list[str]:
        """Return the names of the servers that are noted as overdue."""
        rows = self.database.rows("SELECT hostname FROM servidor WHERE avisado_em IS NOT NULL ORDER BY hostname")
        return [hostname for (hostname,) in rows]


@pytest.fixture
def watched(log_mariadb: MariaDB) -> Iterator[Watched]:
    database = LogDatabase(log_mariadb)
    migrate(database.login)
    log_mariadb.execute(f"INSERT INTO `{database.name}`.servidor (hostname) VALUES ('db1'), ('db2'), ('db 3%')")
    yield Watched(database)
    database.drop()


def test_a_run_is_closed_after_the_limit_and_not_before(watched: Watched) -> None:
    watched.run(1, hours_ago=49)
    watched.run(2, hours_ago=47)
    watched.run(3, hours_ago=100, status=1)
    foreseen = watched(check_mode=True)
    assert [run["hostname"] for run in foreseen["closed"]] == ["db1"]
    assert watched.statuses() == [("db1", 0, None), ("db2", 0, None), ("db3", 1, None)]
    before = now()
    done = watched()
    assert done["changed"]
    assert [run["hostname"] for run in done["closed"]] == ["db1"]
    assert "has not ended after 48 hours, in stage dump" in done["closed"][0]["message"]
    assert watched.statuses()[1:] == [("db2", 0, None), ("db3", 1, None)]
    assert watched.statuses()[0][1] == 3
    assert watched.statuses()[0][2] >= before
    assert not watched()["changed"]


def test_a_server_without_a_schedule_has_not_recovered(watched: Watched) -> None:
    watched("db1", "db2")
    watched.database.server.execute(f"UPDATE `{watched.database.name}`.servidor SET ativo = 0 WHERE hostname = 'db1'")
    assert watched()["recovered"] == ["db2"]
    assert watched.reported() == []


def test_each_overdue_server_is_reported_once_until_it_recovers(watched: Watched) -> None:
    assert watched("db1", check_mode=True)["overdue"] == ["db1"]
    assert watched.reported() == []
    assert watched("db1")["overdue"] == ["db1"]
    assert watched("db1") == {"changed": False, "closed": [], "overdue": [], "recovered": []}
    second = watched("db1", "db 3%")
    assert (second["overdue"], second["recovered"]) == (["db 3%"], [])
    assert watched.reported() == ["db 3%", "db1"]
    third = watched("db 3%")
    assert (third["overdue"], third["recovered"]) == ([], ["db1"])
    assert watched("db1", "db 3%")["overdue"] == ["db1"], "it is overdue anew"
    assert watched("unknown")["overdue"] == []


def test_a_schema_without_the_column_is_named(watched: Watched) -> None:
    watched.database.server.execute(f"DELETE FROM `{watched.database.name}`.versao_esquema WHERE numero > 21")
    with pytest.raises(
        SchemaMismatch, match=rf"version 21, this release needs {REQUIRED_VERSION}: run playbooks/schema\.yml"
    ):
        watched()


def test_the_module_reports_as_ansible_expects(watched: Watched) -> None:
    done = run_module("backup_watch", {**watched.options, "overdue": ["db2"]})
    assert done["overdue"] == ["db2"], done
    again = run_module("backup_watch", {**watched.options, "overdue": ["db2"]})
    assert again["changed"] is False
