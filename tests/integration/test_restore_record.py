"""``restore_log_record`` on a real server: one row for each restore, tied to the row of its backup."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import REQUIRED_VERSION
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase as Target
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_log import PruneLog
from tests.integration.log_db import LogDatabase, migrate, record, restore_record, run_module
from tests.servers.mariadb import MariaDB

COMPARED = {"tables_sampled": 3, "sampled_rows": 5, "definitions": 4, "columns": 11}
DOWN: dict[str, Any] = {"login_unix_socket": "/nowhere.sock"}
ALL = "run_uuid, tipo, hostname, servidor, status, tabelas, linhas, bytes, observacao, data_encerramento IS NOT NULL"


class Writer:
    """The calls of the module for one database and one spool."""

    def __init__(self, database: LogDatabase, spool: Path) -> None:
        self.database = database
        self.spool = spool
        self.common = {**database.login, "hostname": "spare", "spool_dir": str(spool)}
        self.options = {**self.common, "kind": "verify", "server": "db1"}

    def __call__(self, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        return restore_record({**self.options, **options}, check_mode=check_mode)

    def backup(self, **options: Any) -> str:
        return str(record({**self.common, "hostname": "db1", **options}, check_mode=False)["run_uuid"])

    def rows(self, columns: str = "run_uuid, status") -> list[tuple[Any, ...]]:
        return self.database.rows(f"SELECT {columns} FROM restauracao_log ORDER BY id")

    def compared(self) -> list[dict[str, int] | None]:
        return [text and json.loads(text) for (text,) in self.rows("comparado")]

    def kept(self) -> list[str]:
        return sorted(path.name for path in (self.spool / "records").glob("*"))


@pytest.fixture
def write(log_mariadb: MariaDB, tmp_path: Path) -> Iterator[Writer]:
    database = LogDatabase(log_mariadb)
    migrate(database.login)
    yield Writer(database, tmp_path / "spool")
    database.drop()


def test_a_restore_is_opened_and_closed_in_one_row(write: Writer) -> None:
    backup = write.backup()
    opened = write(backup_run_uuid=backup)
    run = opened["run_uuid"]
    assert opened["started"]
    assert opened["changed"]
    assert write.rows(ALL) == [(run, "verificacao", "spare", "db1", 0, None, None, None, None, 0)]
    closed: dict[str, Any] = {"run_uuid": run, "status": 2, "tables": 3, "rows": 5, "bytes": 9_000_000_000}
    closed["compared"] = COMPARED
    write(**closed, notes=["one", "two"], restored="2035-01-01 03:00:00")
    assert write.rows(ALL) == [(run, "verificacao", "spare", "db1", 2, 3, 5, 9_000_000_000, "one\ntwo", 1)]
    assert write.database.rows("SELECT b.run_uuid FROM restauracao_log r JOIN backup_log b ON b.id = r.backup_id") == [
        (backup,)
    ]
    assert write.rows("CAST(restaurado_em AS CHAR)") == [("2035-01-01 03:00:00",)]
    assert write.compared() == [COMPARED]
    again = write(**closed)
    assert (again["changed"], again["diff"]["after"]) == (False, {})
    write(run_uuid=run, status=0)
    assert write.rows("status") == [(2,)]


def test_a_restore_of_an_unknown_backup_has_a_row(write: Writer) -> None:
    write(kind="restore", backup_run_uuid=str(uuid.uuid4()), status=1)
    assert write.rows("tipo, backup_id, servidor, status") == [("restauracao", None, "db1", 1)]
    assert write.database.rows("SELECT COUNT(*) FROM backup_log") == [(0,)]


def test_a_kept_record_is_replayed_with_the_next_record_of_any_kind(write: Writer) -> None:
    backup = write.backup()
    opened = write(backup_run_uuid=backup, **DOWN)
    run = opened["run_uuid"]
    assert opened["spooled"]
    assert "the record is kept in" in opened["message"]
    write(run_uuid=run, status=3, notes=["a row too few"], compared=COMPARED, **DOWN)
    assert write.kept() == [f"{run}.json"]
    assert write.rows() == []
    record({**write.common, "hostname": "db1", "run_uuid": backup, "status": 1}, check_mode=False)
    assert write.kept() == []
    found = "r.run_uuid, r.status, r.observacao, b.run_uuid"
    joined = f"SELECT {found} FROM restauracao_log r JOIN backup_log b ON b.id = r.backup_id"
    assert write.database.rows(joined) == [(run, 3, "a row too few", backup)]
    assert write.compared() == [COMPARED]


def test_abandoned_restores_are_closed_by_the_next_one(write: Writer) -> None:
    dead = write()["run_uuid"]
    other_kind, elsewhere = write(kind="restore")["run_uuid"], write(hostname="other")["run_uuid"]
    ended = write(status=1)["run_uuid"]
    opened = write(close_others=True)
    assert [sentence.split(":")[0] for sentence in opened["abandoned"]] == ["db1"]
    found = dict(write.rows())
    assert found == {dead: 3, other_kind: 0, elsewhere: 0, ended: 1, opened["run_uuid"]: 0}
    assert "closed by the next one" in write.rows("observacao")[0][0]


def test_retention_sees_the_restores_that_have_not_ended(write: Writer, tmp_path: Path) -> None:
    read, proven, ended = write.backup(), write.backup(), write.backup()
    restore = write(kind="restore", backup_run_uuid=read)
    proof = write(backup_run_uuid=proven)
    write(backup_run_uuid=ended, status=1)
    retention = PruneLog(str(tmp_path / "removals"), Target.from_options(write.options), 0, RunLog(None))
    began = datetime.datetime.fromisoformat(restore["started"])
    assert retention.restores_in_progress(began) == {
        read: f"a restore on spare, since {restore['started']} (UTC)",
        proven: f"a proof on spare, since {proof['started']} (UTC)",
    }
    # The record of one that died may stay open.
    assert retention.restores_in_progress(began + datetime.timedelta(days=1)) == {}


def test_check_mode_writes_nothing(write: Writer) -> None:
    foreseen = write(check_mode=True, status=1)
    assert foreseen["diff"]["after"]["restauracao_log.status"] == 1
    assert write.rows() == []


def test_an_old_schema_is_named_and_the_record_is_kept(write: Writer) -> None:
    write.database.server.execute(
        f"DELETE FROM `{write.database.name}`.versao_esquema WHERE numero > 22",
    )
    kept = write(status=1)
    assert f"version 22, this release needs {REQUIRED_VERSION}: run playbooks/schema.yml" in kept["message"]
    assert write.kept() == [f"{kept['run_uuid']}.json"]


def test_an_invalid_uuid_is_refused(write: Writer) -> None:
    with pytest.raises(OptionError, match="is not a UUID"):
        write(backup_run_uuid="x'; --")


def test_the_module_as_ansible_runs_it(write: Writer) -> None:
    result = run_module("restore_log_record", {**write.options, "status": 1, "compared": COMPARED})
    assert (result["changed"], result["spooled"], result["replayed"]) == (True, False, [])
    assert write.rows() == [(result["run_uuid"], 1)]
    assert write.compared() == [COMPARED]
    refused = run_module("restore_log_record", {**write.options, "compared": {"columns": 1}})
    assert refused["msg"] == "missing required arguments: definitions, sampled_rows, tables_sampled found in compared"
