"""Records that wait in the spool while the log database cannot be written."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common import patience as patience_module
from ansible_collections.vex.backup.plugins.module_utils._common.spool import Spool
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError
from ansible_collections.vex.backup.plugins.module_utils._log_db import upsert as tables_module
from ansible_collections.vex.backup.plugins.module_utils._log_db.merge import State
from tests.integration.log_db import LogDatabase, migrate, run_module
from tests.integration.recording import DOWN, Writer, migrated
from tests.playbook import HANGS
from tests.servers.mariadb import MariaDB


@pytest.fixture
def write(log_mariadb: MariaDB, tmp_path: Path) -> Iterator[Writer]:
    with migrated(log_mariadb, tmp_path / "spool") as writer:
        yield writer


def test_log_database_is_down_at_the_start(write: Writer) -> None:
    opened = write(stage="dump", **DOWN)
    assert opened["spooled"]
    assert "check login_unix_socket" in opened["message"]
    assert opened["warnings"] == [opened["message"]]
    run = opened["run_uuid"]
    assert write.kept() == [f"{run}.json"]
    closed = write(run_uuid=run, status=1, uploads=[{"status": 1}])
    assert closed["replayed"] == [run]
    assert write.backups("run_uuid, status_backup, etapa, CAST(data_inicio AS CHAR)") == [
        (run, 1, "dump", opened["started"])
    ]
    assert write.uploads() == [(run, 1)]
    assert write.kept() == []


def test_log_database_is_down_in_the_middle(write: Writer) -> None:
    run = write(stage="dump")["run_uuid"]
    assert write(run_uuid=run, stage="pack", backup={"dump_bytes": 2_000_000}, **DOWN)["spooled"]
    assert write(run_uuid=run, stage="upload", uploads=[{"status": 0}], **DOWN)["spooled"]
    assert write.backups("status_backup, etapa") == [(0, "dump")]
    write(run_uuid=run, status=3, backup={"notes": ["lost"]})
    assert write.backups("status_backup, etapa, observacao, tamanho_arquivo + 0.0") == [(3, "upload", "lost", 2.0)]
    assert write.uploads() == [(run, 0)]
    assert write.kept() == []


def test_record_of_the_end_is_replayed_by_another_run(write: Writer) -> None:
    run = write(stage="dump")["run_uuid"]
    write(run_uuid=run, status=1, **DOWN)
    other = write()
    assert other["replayed"] == [run]
    assert other["changed"]
    assert write.backups() == [(run, 1), (other["run_uuid"], 0)]
    assert write.kept() == []


def test_log_database_is_killed_and_started_again(fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    database = LogDatabase(fresh_mariadb)
    migrate(database.login)
    write = Writer(database, tmp_path)
    run = write()["run_uuid"]
    fresh_mariadb.kill()
    assert write(run_uuid=run, status=2)["spooled"]
    fresh_mariadb.start()
    assert write(run_uuid=run)["replayed"] == [run]
    assert write.backups() == [(run, 2)]


def test_connection_is_lost_within_the_transaction(write: Writer) -> None:
    run = write()["run_uuid"]
    with contextlib.closing(write.database.server.connect(database=write.database.name)) as holder:
        holder.begin()
        with holder.cursor() as cursor:
            cursor.execute("SELECT id FROM backup_log FOR UPDATE")
        killer = threading.Thread(target=_kill_waiting, args=[write.database])
        killer.start()
        result = write(run_uuid=run, status=1, uploads=[{"status": 1}])
        killer.join()
    assert result["spooled"]
    assert "the connection was lost" in result["message"] or "Lost connection" in result["message"]
    assert write.backups() == [(run, 0)]
    assert write.uploads() == []
    write(run_uuid=run)
    assert write.backups() == [(run, 1)]
    assert write.uploads() == [(run, 1)]


def _kill_waiting(database: LogDatabase) -> None:
    """Wait until a session waits for a lock of the database, and kill it."""
    waiting = (
        "SELECT id FROM information_schema.processlist JOIN information_schema.innodb_trx ON trx_mysql_thread_id = id"
        f" WHERE trx_state = 'LOCK WAIT' AND db = '{database.name}'"
    )
    deadline = time.monotonic() + HANGS
    while not (found := database.server.execute(waiting)):
        assert time.monotonic() < deadline
        # The server refreshes the list when nobody has read it for a tenth of a second.
        time.sleep(0.2)
    database.server.execute(f"KILL {found[0][0]}")


def test_a_late_running_record_does_not_reopen_an_ended_run(write: Writer) -> None:
    run = write(stage="dump")["run_uuid"]
    write(run_uuid=run, status=1, stage="mail", uploads=[{"status": 1}])
    before = write.backups("*"), write.uploads("*")
    Spool(str(write.spool), "records").write(
        run,
        State(
            run, {"hostname": "db1", "status_backup": 0, "etapa": "dump"}, {"s3": {"status_upload": 0}}, {}
        )._asdict(),
    )
    write()
    assert write.backups("*")[0] == before[0][0]
    assert write.uploads("*") == before[1]
    assert write.kept() == []


def test_a_record_of_an_earlier_release_is_of_the_destination_s3(write: Writer) -> None:
    run, other = write()["run_uuid"], write()["run_uuid"]
    spool = Spool(str(write.spool), "records")
    old = {"backup": {"hostname": "db1", "status_backup": 1}, "restore": {}}
    spool.write(run, {**old, "run_uuid": run, "upload": {"status_upload": 1}})
    spool.write(other, {**old, "run_uuid": other, "upload": {}})
    assert sorted(write()["replayed"]) == sorted([run, other])
    assert write.uploads("run_uuid, destino, tipo_destino, status_upload") == [(run, "s3", "s3", 1)]


def test_a_crash_after_the_write_replays_nothing_older(write: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write()["run_uuid"]
    write(run_uuid=run, stage="pack", **DOWN)

    def crash(*_arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Spool, "remove", crash)
        with pytest.raises(KeyboardInterrupt):
            write(run_uuid=run, stage="mail", backup={"notes": ["last"]})
    assert write.kept() == [f"{run}.json"]
    write()
    assert write.backups("etapa, observacao")[0] == ("mail", "last")
    assert write.kept() == []


def test_a_corrupt_spool_file_is_set_aside_and_blocks_nothing(write: Writer) -> None:
    run = write()["run_uuid"]
    write(run_uuid=run, status=1, **DOWN)
    other = str(uuid.uuid4())
    (write.spool / "records" / f"{other}.json").write_text('{"run_uuid": ')
    result = write()
    assert result["replayed"] == [run]
    assert result["warnings"] == [result["message"]]
    assert f"inspect {other}.json.corrupt" in result["message"]
    assert not result["spooled"]
    # The warning is repeated until the file is removed.
    assert write(run_uuid=run)["message"] == result["message"]
    assert write.kept() == [f"{other}.json.corrupt"]
    (write.spool / "records" / f"{other}.json.corrupt").unlink()
    assert "message" not in write(run_uuid=run)
    (write.spool / "records" / f"{run}.json").write_text("")
    own = write(run_uuid=run, stage="mail")
    assert f"{run}.json.corrupt" in own["message"]
    assert write.backups("status_backup, etapa")[0] == (1, "mail")


def test_a_refused_record_stays_and_delays_no_other(write: Writer) -> None:
    spool = Spool(str(write.spool), "records")
    poison, good = "00000000-0000-4000-8000-000000000000", "ffffffff-ffff-4fff-8fff-ffffffffffff"
    spool.write(poison, State(poison, {"hostname": "h", "no_such_column": 1}, {}, {})._asdict())
    spool.write(
        good,
        State(
            good, {"hostname": "h", "status_backup": 3, "data_encerramento": "2025-07-20 16:15:23"}, {}, {}
        )._asdict(),
    )
    result = write()
    assert result["replayed"] == [good]
    assert poison in result["message"]
    assert "no_such_column" in result["message"]
    assert "1 of the records in" in result["message"]
    assert result["warnings"] == [result["message"]]
    assert not result["spooled"]
    assert write.kept() == [f"{poison}.json"]
    assert (good, "2025-07-20 16:15:23") in write.backups("run_uuid, CAST(data_inicio AS CHAR)")


def test_record_is_lost_without_log_database_and_spool(
    write: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    run = write()["run_uuid"]
    write(run_uuid=run, stage="pack", **DOWN)
    monkeypatch.setattr(Spool, "write", full)
    lost = write(run_uuid=run, status=3, **DOWN)
    assert re.search(r"check login_unix_socket.*could not be kept in .*No space left", lost["message"])
    assert lost["warnings"] == [lost["message"]]
    assert (lost["spooled"], lost["changed"]) == (False, False)
    # With the log database back, the full disk does not matter.
    write(run_uuid=run, status=3)
    assert write.backups("status_backup, etapa") == [(3, "pack")]
    assert write.kept() == []


def test_a_run_opens_with_neither_log_database_nor_spool(write: Writer) -> None:
    result = run_module("backup_log_record", {**write.options, **DOWN, "spool_dir": "/proc/vex"})
    assert not result.get("failed")
    assert uuid.UUID(result["run_uuid"])
    assert result["name"].startswith("backup_")
    assert not result["spooled"]
    assert "check login_unix_socket" in result["message"]
    assert "could not be kept in /proc/vex/records" in result["message"]
    assert "could not be kept in /proc/vex/records" in json.dumps(result["warnings"])


def test_a_conflict_that_does_not_end_is_kept(write: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every attempt waits for the lock of another transaction, which times out after a second."""
    run = write()["run_uuid"]
    monkeypatch.setattr(tables_module, "ATTEMPTS", 2)
    write.database.server.execute("SET GLOBAL innodb_lock_wait_timeout = 1")
    try:
        with contextlib.closing(write.database.server.connect(database=write.database.name)) as holder:
            holder.begin()
            with holder.cursor() as cursor:
                cursor.execute("SELECT id FROM backup_log FOR UPDATE")
            assert "Lock wait timeout" in write(run_uuid=run, status=1)["message"]
    finally:
        write.database.server.execute("SET GLOBAL innodb_lock_wait_timeout = DEFAULT")
    write(run_uuid=run)
    assert write.backups() == [(run, 1)]


def test_a_wrong_login_and_a_missing_database_are_kept_and_named(write: Writer) -> None:
    wrong = write(login_user="nobody", login_password="canary")
    assert "refused the login of nobody: check login_user and login_password" in wrong["message"]
    assert "canary" not in json.dumps(wrong)
    assert "has no database elsewhere" in write(login_database="elsewhere")["message"]
    write.database.server.create_account("blind", "pw", f"INSERT ON {write.database.name}.backup_log")
    assert "denied" in write(login_user="blind", login_password="pw")["message"]
    assert len(write.kept()) == 3
    assert len(write()["replayed"]) == 3


def test_a_kept_record_of_any_text_is_replayed_as_it_was(write: Writer, tmp_path: Path) -> None:
    (tmp_path / "run.log").write_bytes(b"\xff\xf0\x9f\x98\x80\x00\r\n" * 200_000)
    options: dict[str, Any] = {"backup": {"notes": ["😀\ud800"]}, "run_log_file": str(tmp_path / "run.log")}
    direct, kept = write(**options)["run_uuid"], write(**options, **DOWN)["run_uuid"]
    write()
    rows = {run: texts for run, *texts in write.backups("run_uuid, observacao, log_execucao")}
    assert rows[direct] == rows[kept]


def test_only_a_record_that_ends_the_run_waits(write: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience_module, "LONGEST_PAUSE", 0.1)
    link, log = tmp_path / "log.sock", tmp_path / "logs" / "run.log"
    away: dict[str, Any] = {"login_unix_socket": str(link), "patience": 60, "run_log": str(log)}
    begin_wait = patience_module.Patience._begin_wait
    kept: list[list[str]] = []

    def come_back(self: patience_module.Patience, error: BackupError) -> None:
        kept.append(write.kept())
        begin_wait(self, error)
        link.symlink_to(write.options["login_unix_socket"])

    monkeypatch.setattr(patience_module.Patience, "_begin_wait", come_back)
    opened = write(stage="dump", status=0, **away)
    assert (opened["spooled"], kept) == (True, [])
    run = opened["run_uuid"]
    ended = write(run_uuid=run, status=1, **away)
    assert (ended["spooled"], ended["replayed"], ended.get("message")) == (False, [run], None)
    # While it waited, it was in the spool.
    assert kept == [[f"{run}.json"]]
    assert (write.kept(), write.backups()) == ([], [(run, 1)])
    assert "the log database does not answer (" in log.read_text()


def test_a_record_that_waits_in_vain_is_kept_once(write: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience_module, "LONGEST_PAUSE", 0.1)
    result = write(stage="dump", status=3, patience=1, **DOWN)
    assert "tried " in result["message"]
    assert "the record is kept in" in result["message"]
    assert write.kept() == [f"{result['run_uuid']}.json"]


def test_a_refused_login_is_not_tried_again(write: Writer) -> None:
    result = write(stage="dump", status=3, patience=600, login_password="not it")
    assert "refused the login" in result["message"]
    assert result["spooled"]
