"""``backup_log_record`` on a real server: one row for each run, whatever fails."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pymysql.err
import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.spool import Spool
from ansible_collections.vex.backup.plugins.module_utils._log_db import records as records_module
from ansible_collections.vex.backup.plugins.module_utils._log_db import tables as tables_module
from ansible_collections.vex.backup.plugins.module_utils._log_db.state import State
from tests.integration.log_db import MIGRATIONS, LogDatabase, migrate, record, run_module
from tests.servers.mariadb import MariaDB

DOWN: dict[str, Any] = {"login_unix_socket": "/nowhere.sock"}


class Writer:
    """The calls of the module for one database and one spool."""

    def __init__(self, database: LogDatabase, spool: Path) -> None:
        self.database = database
        self.spool = spool
        self.options = {**database.login, "hostname": "db1", "spool_dir": str(spool)}

    def __call__(self, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        return record({**self.options, **options}, check_mode=check_mode)

    def kept(self) -> list[str]:
        """Return the names in the spool, with those of unreadable files."""
        return sorted(path.name for path in (self.spool / "records").glob("*"))

    def backups(self, columns: str = "run_uuid, status_backup") -> list[tuple[Any, ...]]:
        return self.database.rows(f"SELECT {columns} FROM backup_log ORDER BY id")

    def uploads(self, columns: str = "run_uuid, status_upload") -> list[tuple[Any, ...]]:
        return self.database.rows(
            f"SELECT {columns} FROM upload_s3_log u JOIN backup_log b ON b.id = u.backup_id ORDER BY u.id"
        )


@pytest.fixture
def write(log_mariadb: MariaDB, tmp_path: Path) -> Iterator[Writer]:
    database = LogDatabase(log_mariadb)
    migrate(database.login)
    yield Writer(database, tmp_path / "spool")
    database.drop()


def test_a_run_is_opened_moved_on_and_closed_in_one_row(write: Writer) -> None:
    opened = write(stage="dump")
    run = opened["run_uuid"]
    assert opened["name"] == "backup_" + opened["started"].translate(str.maketrans(" ", "_", "-:"))
    assert opened["changed"]
    assert not opened["spooled"]
    assert write.backups("run_uuid, hostname, status_backup, etapa, data_encerramento") == [
        (run, "db1", 0, "dump", None)
    ]
    moved = write(run_uuid=run, stage="upload", upload={"status": 0, "bucket": "b"})
    assert "name" not in moved
    assert moved["diff"]["after"]["backup_log.etapa"] == "upload"
    assert moved["diff"]["before"]["backup_log.etapa"] == "dump"
    assert write.uploads() == [(run, 0)]
    write(run_uuid=run, status=2, backup={"databases": ["a"], "dump_bytes": 6_214_999_999}, upload={"status": 1})
    assert write.backups("status_backup, etapa, nome_database, tamanho_arquivo + 0.0, data_encerramento IS NULL") == [
        (2, "upload", "a", pytest.approx(6215.00), 0)
    ]
    assert write.uploads("status_upload, bucket, u.data_encerramento IS NULL") == [(1, "b", 0)]
    assert write.kept() == []


def test_the_same_record_again_changes_nothing(write: Writer, tmp_path: Path) -> None:
    run = write()["run_uuid"]
    (tmp_path / "log").write_text("linha\n😀\n")
    options: dict[str, Any] = {
        "run_uuid": run,
        "stage": "mail",
        "status": 1,
        "backup": {
            "databases": ["a, b", "ç"],
            "dump_bytes": 5,
            "notes": ["[ERROR] a", "ç"],
            "dump_started": "2025-07-20 16:15:23",
        },
        "upload": {"status": 1, "archive_bytes": 7_000_000, "key": "k", "started": "2025-07-20 16:15:23"},
        "run_log_file": str(tmp_path / "log"),
    }
    assert write(**options)["changed"]
    ((names, listed),) = write.backups("bancos, nome_database")
    assert (json.loads(names), listed) == (["a, b", "ç"], "a, b, ç")
    before = write.backups("*"), write.uploads("*")
    time.sleep(1.1)
    again = write(**options)
    assert not again["changed"]
    assert again["diff"] == {"before": {}, "after": {}}
    assert (write.backups("*"), write.uploads("*")) == before


def test_check_mode_writes_nothing_and_says_what_would_change(write: Writer) -> None:
    foreseen = write(check_mode=True, upload={"status": 0})
    assert foreseen["changed"]
    assert foreseen["name"].startswith("backup_")
    assert foreseen["diff"]["after"]["upload_s3_log.status_upload"] == 0
    assert write.backups() == []
    run = write()["run_uuid"]
    assert write(check_mode=True, run_uuid=run, status=1)["changed"]
    assert not write(check_mode=True, run_uuid=run)["changed"]
    assert write.backups() == [(run, 0)]
    away = write(check_mode=True, run_uuid=run, **DOWN)
    assert away["changed"]
    assert not away["spooled"]
    assert "would be kept" in away["message"]
    assert write.kept() == []
    write(run_uuid=run, status=1, **DOWN)
    assert write(check_mode=True, run_uuid=run)["replayed"] == [run]
    assert len(write.kept()) == 1


def test_down_at_the_start_and_back_later(write: Writer) -> None:
    opened = write(stage="dump", **DOWN)
    assert opened["spooled"]
    assert "check login_unix_socket" in opened["message"]
    assert opened["warnings"] == [opened["message"]]
    run = opened["run_uuid"]
    assert write.kept() == [f"{run}.json"]
    closed = write(run_uuid=run, status=1, upload={"status": 1})
    assert closed["replayed"] == [run]
    assert write.backups("run_uuid, status_backup, etapa, CAST(data_inicio AS CHAR)") == [
        (run, 1, "dump", opened["started"])
    ]
    assert write.uploads() == [(run, 1)]
    assert write.kept() == []


def test_down_in_the_middle(write: Writer) -> None:
    run = write(stage="dump")["run_uuid"]
    assert write(run_uuid=run, stage="pack", backup={"dump_bytes": 2_000_000}, **DOWN)["spooled"]
    assert write(run_uuid=run, stage="upload", upload={"status": 0}, **DOWN)["spooled"]
    assert write.backups("status_backup, etapa") == [(0, "dump")]
    write(run_uuid=run, status=3, backup={"notes": ["lost"]})
    assert write.backups("status_backup, etapa, observacao, tamanho_arquivo + 0.0") == [(3, "upload", "lost", 2.0)]
    assert write.uploads() == [(run, 0)]
    assert write.kept() == []


def test_down_at_the_end_another_run_brings_it_in(write: Writer) -> None:
    run = write(stage="dump")["run_uuid"]
    write(run_uuid=run, status=1, **DOWN)
    other = write()
    assert other["replayed"] == [run]
    assert other["changed"]
    assert write.backups() == [(run, 1), (other["run_uuid"], 0)]
    assert write.kept() == []


def test_a_server_that_dies_and_comes_back(fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    database = LogDatabase(fresh_mariadb)
    migrate(database.login)
    write = Writer(database, tmp_path)
    run = write()["run_uuid"]
    fresh_mariadb.kill()
    assert write(run_uuid=run, status=2)["spooled"]
    fresh_mariadb.start()
    assert write(run_uuid=run)["replayed"] == [run]
    assert write.backups() == [(run, 2)]


def test_the_connection_lost_within_the_transaction(write: Writer) -> None:
    run = write()["run_uuid"]
    with contextlib.closing(write.database.server.connect(database=write.database.name)) as holder:
        holder.begin()
        with holder.cursor() as cursor:
            cursor.execute("SELECT id FROM backup_log FOR UPDATE")
        killer = threading.Timer(0.5, _kill_waiting, [write.database])
        killer.start()
        result = write(run_uuid=run, status=1, upload={"status": 1})
        killer.join()
    assert result["spooled"]
    assert "the connection was lost" in result["message"] or "Lost connection" in result["message"]
    assert write.backups() == [(run, 0)]
    assert write.uploads() == []
    write(run_uuid=run)
    assert write.backups() == [(run, 1)]
    assert write.uploads() == [(run, 1)]


def _kill_waiting(database: LogDatabase) -> None:
    database.server.execute(
        "BEGIN NOT ATOMIC FOR found IN (SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() "
        f"AND db = '{database.name}' AND info LIKE '%WHERE run_uuid%') DO KILL found.id; END FOR; END"
    )


def test_a_late_running_record_does_not_reopen_an_ended_run(write: Writer) -> None:
    run = write(stage="dump")["run_uuid"]
    write(run_uuid=run, status=1, stage="mail", upload={"status": 1})
    before = write.backups("*"), write.uploads("*")
    Spool(str(write.spool), "records").write(
        run, State(run, {"hostname": "db1", "status_backup": 0, "etapa": "dump"}, {"status_upload": 0}, {})._asdict()
    )
    write()
    assert write.backups("*")[0] == before[0][0]
    assert write.uploads("*") == before[1]
    assert write.kept() == []


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
    assert f"look at {other}.json.corrupt" in result["message"]
    assert not result["spooled"]
    # It says so until somebody has looked.
    assert write(run_uuid=run)["message"] == result["message"]
    assert write.kept() == [f"{other}.json.corrupt"]
    (write.spool / "records" / f"{other}.json.corrupt").unlink()
    assert "message" not in write(run_uuid=run)
    (write.spool / "records" / f"{run}.json").write_text("")
    own = write(run_uuid=run, stage="mail")
    assert f"{run}.json.corrupt" in own["message"]
    assert write.backups("status_backup, etapa")[0] == (1, "mail")


def test_a_kept_record_that_is_refused_stays_and_holds_up_no_other(write: Writer) -> None:
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


def test_neither_log_database_nor_spool(write: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


@pytest.mark.parametrize("same_spool", [True, False])
def test_many_writers_of_one_run_at_once(write: Writer, tmp_path: Path, same_spool: bool) -> None:
    run = str(uuid.uuid4())
    stages = ["dump", "pack", "upload", "mail"]

    def one(number: int) -> dict[str, Any]:
        spool = write.spool if same_spool else tmp_path / str(number)
        return write(
            run_uuid=run,
            status=number % 2,
            stage=stages[number % 4],
            upload={"status": number % 2},
            spool_dir=str(spool),
        )

    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(one, range(12)))
    assert not any(result["spooled"] for result in results), results
    assert write.backups() == [(run, 1)]
    assert write.uploads() == [(run, 1)]


@pytest.mark.parametrize("number", [1062, 1205, 1213])
def test_the_loser_of_a_conflict_tries_again(write: Writer, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Another writer inserts the row between the query for it and the insert."""
    run = str(uuid.uuid4())
    transaction = tables_module._transaction
    calls = []

    def lose_once(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            write.database.rows(
                f"INSERT INTO backup_log (run_uuid, hostname, data_inicio) VALUES ('{run}', 'db1', UTC_TIMESTAMP())"
            )
            raise pymysql.err.OperationalError(number, "conflict")
        return transaction(*arguments)

    monkeypatch.setattr(tables_module, "_transaction", lose_once)
    assert not write(run_uuid=run, status=1)["spooled"]
    assert len(calls) == 2
    assert write.backups() == [(run, 1)]


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


@pytest.mark.parametrize("steps", [0, 3])
def test_a_schema_that_is_too_old_names_the_playbook(log_mariadb: MariaDB, tmp_path: Path, steps: int) -> None:
    database = LogDatabase(log_mariadb)
    log_mariadb.execute(f"CREATE DATABASE {database.name}")
    write = Writer(database, tmp_path / "spool")
    try:
        if steps:
            (tmp_path / "old").mkdir()
            for path in sorted(MIGRATIONS.glob("*.sql"))[:steps]:
                shutil.copy(path, tmp_path / "old")
            migrate({**database.login, "migrations": str(tmp_path / "old")})
        result = write()
        assert result["spooled"]
        assert f"at version {steps}, this release needs 26: run playbooks/schema.yml" in result["message"]
        migrate(database.login)
        assert write(run_uuid=result["run_uuid"], status=1)["replayed"] == [result["run_uuid"]]
        assert write.backups() == [(result["run_uuid"], 1)]
    finally:
        database.drop()


def test_a_wrong_login_and_a_missing_database_are_kept_and_named(write: Writer) -> None:
    wrong = write(login_user="nobody", login_password="canary")
    assert "refused the login of nobody: check login_user and login_password" in wrong["message"]
    assert "canary" not in json.dumps(wrong)
    assert "has no database elsewhere" in write(login_database="elsewhere")["message"]
    write.database.server.create_account("blind", "pw", f"INSERT ON {write.database.name}.backup_log")
    assert "denied" in write(login_user="blind", login_password="pw")["message"]
    assert len(write.kept()) == 3
    assert len(write()["replayed"]) == 3


def test_any_text_fits_and_comes_back(write: Writer, tmp_path: Path) -> None:
    (tmp_path / "run.log").write_bytes(b"first\n" + b"\xf0\x9f\x98\x80" * 1_250_000 + b"\nlast\n")
    (tmp_path / "dump.log").write_bytes(b"\xff" * 3_000_000)
    notes = ["😀" * 5000, "x" * 10_000, b"\xe9".decode("utf-8", "surrogateescape")]
    result = write(
        hostname="😀" * 200,
        backup={"notes": notes, "databases": ["banco com espaço 😀"] * 10_000, "server_version": "v" * 500},
        upload={"key": "k" * 5000, "bucket": "ç" * 600, "archive_name": "n" * 65, "status": 0},
        run_log_file=str(tmp_path / "run.log"),
        dump_log_file=str(tmp_path / "dump.log"),
    )
    assert not result["spooled"], result
    ((hostname, observation, run_log, dump_log),) = write.backups("hostname, observacao, log_execucao, log_dump")
    assert hostname == "😀" * 99 + "…"
    assert observation == f"{'😀' * 5000}\n{'x' * 10_000}\n\ufffd"
    assert run_log.startswith("first\n😀")
    assert run_log.endswith("😀\nlast\n")
    assert "bytes left out" in run_log
    assert len(dump_log) < 1_100_000
    assert len(json.dumps(result)) < 5000


def test_a_kept_record_of_any_text_is_replayed_as_it_was(write: Writer, tmp_path: Path) -> None:
    (tmp_path / "run.log").write_bytes(b"\xff\xf0\x9f\x98\x80\x00\r\n" * 200_000)
    options: dict[str, Any] = {"backup": {"notes": ["😀\ud800"]}, "run_log_file": str(tmp_path / "run.log")}
    direct, kept = write(**options)["run_uuid"], write(**options, **DOWN)["run_uuid"]
    write()
    rows = {run: texts for run, *texts in write.backups("run_uuid, observacao, log_execucao")}
    assert rows[direct] == rows[kept]


def test_the_module_reports_as_ansible_expects(write: Writer) -> None:
    opened = run_module("backup_log_record", {**write.options, "stage": "dump"})
    assert opened["changed"]
    assert "warnings" not in opened
    away = run_module("backup_log_record", {**write.options, **DOWN, "run_uuid": opened["run_uuid"], "status": 1})
    assert not away.get("failed")
    assert away["spooled"]
    assert "check login_unix_socket" in json.dumps(away["warnings"])
    assert not away.get("deprecations")
    malformed = run_module("backup_log_record", {**write.options, "run_uuid": "x"})
    assert malformed["failed"]
    assert "run_uuid 'x' is not a UUID" in malformed["msg"]


def test_a_record_is_quick(write: Writer) -> None:
    run = write()["run_uuid"]
    start = time.monotonic()
    for _ in range(10):
        write(run_uuid=run, stage="pack")
    assert (time.monotonic() - start) / 10 < 0.5


def test_unexpected_trouble_is_not_swallowed(write: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    def trouble(*_arguments: Any, **_options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(records_module, "upsert", trouble)
    with pytest.raises(ZeroDivisionError):
        write()
