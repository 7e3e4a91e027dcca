"""``backup_log_record`` on a real server: one row for each run, whatever fails."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pymysql.err
import pytest

from ansible_collections.vex.backup.plugins.module_utils._log_db import records as records_module
from ansible_collections.vex.backup.plugins.module_utils._log_db import upsert as tables_module
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import REQUIRED_VERSION
from tests.integration.log_db import MIGRATIONS, LogDatabase, migrate, run_module
from tests.integration.recording import DOWN, Writer, migrated
from tests.servers.mariadb import MariaDB


@pytest.fixture
def write(log_mariadb: MariaDB, tmp_path: Path) -> Iterator[Writer]:
    with migrated(log_mariadb, tmp_path / "spool") as writer:
        yield writer


def test_a_run_is_opened_moved_on_and_closed_in_one_row(write: Writer) -> None:
    opened = write(stage="dump")
    run = opened["run_uuid"]
    assert opened["name"] == "backup_" + opened["started"].translate(str.maketrans(" ", "_", "-:"))
    assert opened["changed"]
    assert not opened["spooled"]
    assert write.backups("run_uuid, hostname, status_backup, etapa, data_encerramento") == [
        (run, "db1", 0, "dump", None)
    ]
    moved = write(run_uuid=run, stage="upload", uploads=[{"status": 0, "bucket": "b"}])
    assert "name" not in moved
    assert moved["diff"]["after"]["backup_log.etapa"] == "upload"
    assert moved["diff"]["before"]["backup_log.etapa"] == "dump"
    assert write.uploads() == [(run, 0)]
    write(run_uuid=run, status=2, backup={"databases": ["a"], "dump_bytes": 6_214_999_999}, uploads=[{"status": 1}])
    assert write.backups("status_backup, etapa, nome_database, tamanho_arquivo + 0.0, data_encerramento IS NULL") == [
        (2, "upload", "a", pytest.approx(6215.00), 0)
    ]
    assert write.uploads("status_upload, bucket, u.data_encerramento IS NULL") == [(1, "b", 0)]
    assert write.kept() == []


def test_a_run_has_an_upload_for_each_destination(write: Writer) -> None:
    run = write()["run_uuid"]
    uploads = [{"destination": "s3", "status": 0}, {"destination": "vault", "type": "gcs", "status": 0}]
    moved = write(run_uuid=run, uploads=uploads)
    assert moved["diff"]["after"]["upload_s3_log.vault.tipo_destino"] == "gcs"
    assert "upload_s3_log.s3.tipo_destino" not in moved["diff"]["after"]
    ended = [{"destination": "vault", "status": 3, "notes": ["[ERROR] no"]}, {"destination": "s3", "status": 1}]
    write(run_uuid=run, status=1, uploads=ended)
    assert write.uploads("destino, tipo_destino, status_upload, u.observacao") == [
        ("s3", "s3", 1, None),
        ("vault", "gcs", 3, "[ERROR] no"),
    ]
    write(run_uuid=run, uploads=[{"destination": "vault", "status": 1, "notes": []}])
    assert write.uploads("destino, status_upload") == [("s3", 1), ("vault", 1)]
    assert write(check_mode=True, uploads=uploads)["diff"]["after"]["upload_s3_log.vault.status_upload"] == 0


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
        "uploads": [{"status": 1, "archive_bytes": 7_000_000, "key": "k", "started": "2025-07-20 16:15:23"}],
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


def test_check_mode_writes_nothing_and_shows_the_change(write: Writer) -> None:
    foreseen = write(check_mode=True, uploads=[{"status": 0}])
    assert foreseen["changed"]
    assert foreseen["name"].startswith("backup_")
    assert foreseen["diff"]["after"]["upload_s3_log.s3.status_upload"] == 0
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
            uploads=[{"status": number % 2}],
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
        assert (
            f"at version {steps}, this release needs {REQUIRED_VERSION}: run playbooks/schema.yml" in result["message"]
        )
        migrate(database.login)
        assert write(run_uuid=result["run_uuid"], status=1)["replayed"] == [result["run_uuid"]]
        assert write.backups() == [(result["run_uuid"], 1)]
    finally:
        database.drop()


def test_any_text_fits_and_comes_back(write: Writer, tmp_path: Path) -> None:
    (tmp_path / "run.log").write_bytes(b"first\n" + b"\xf0\x9f\x98\x80" * 1_250_000 + b"\nlast\n")
    (tmp_path / "dump.log").write_bytes(b"\xff" * 3_000_000)
    notes = ["😀" * 5000, "x" * 10_000, b"\xe9".decode("utf-8", "surrogateescape")]
    result = write(
        hostname="😀" * 200,
        backup={"notes": notes, "databases": ["banco com espaço 😀"] * 10_000, "server_version": "v" * 500},
        uploads=[{"key": "k" * 5000, "bucket": "ç" * 600, "archive_name": "n" * 65, "status": 0}],
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


def test_the_module_reports_as_ansible_expects(write: Writer) -> None:
    opened = run_module("backup_log_record", {**write.options, "stage": "dump"})
    assert opened["changed"]
    assert "warnings" not in opened
    away = run_module(
        "backup_log_record", {**write.options, **DOWN, "run_uuid": opened["run_uuid"], "status": 1, "patience": 0}
    )
    assert not away.get("failed")
    assert away["spooled"]
    assert "check login_unix_socket" in json.dumps(away["warnings"])
    assert not away.get("deprecations")
    malformed = run_module("backup_log_record", {**write.options, "run_uuid": "x"})
    assert malformed["failed"]
    assert "run_uuid 'x' is not a UUID" in malformed["msg"]


def test_a_record_is_quick(write: Writer) -> None:
    run = write()["run_uuid"]

    def seconds() -> float:
        start = time.monotonic()
        write(run_uuid=run, stage="pack")
        return time.monotonic() - start

    # The quickest of them is as quick on a busy machine.
    assert min(seconds() for _ in range(10)) < 0.5


def test_unexpected_errors_are_raised(write: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    def trouble(*_arguments: Any, **_options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(records_module, "upsert", trouble)
    with pytest.raises(ZeroDivisionError):
        write()
