"""Abandoned runs: the next run of their host closes them, and no others."""

from __future__ import annotations

import contextlib
import datetime
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from tests.integration.log_db import LogDatabase, migrate, record
from tests.servers.mariadb import MariaDB

HOUR_AGO = datetime.datetime.now(datetime.UTC).replace(microsecond=0, tzinfo=None) - datetime.timedelta(hours=1)


class Host:
    """The runs of one host in one log database."""

    def __init__(self, database: LogDatabase, directory: Path) -> None:
        self.database = database
        self.work = directory / "work"
        self.work.mkdir()
        self.options = {
            **database.login,
            "hostname": "db1",
            "spool_dir": str(directory / "spool"),
            "work_dir": str(self.work),
            "abandoned_after": 600,
        }

    def open(self, **options: Any) -> dict[str, Any]:
        """Open a run."""
        return record({**self.options, "stage": "dump", "status": 0, **options})

    def old_run(self, **columns: Any) -> str:
        """Insert the row of a run that began an hour ago and has not ended; return its ``run_uuid``."""
        run_uuid = str(uuid.uuid4())
        values = {"run_uuid": run_uuid, "hostname": "db1", "data_inicio": HOUR_AGO, "etapa": "upload", **columns}
        with contextlib.closing(self.database.server.connect(database=self.database.name)) as connection:
            with connection.cursor() as cursor:
                marks = ", ".join(["%s"] * len(values))
                cursor.execute(f"INSERT INTO backup_log ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))
            connection.commit()
        return run_uuid

    def log(self, *, written: datetime.datetime) -> str:
        """Write a log of the old run, last modified at *written*; return its path."""
        path = self.work / f"{HOUR_AGO:backup_%Y%m%d_%H%M%S}.logs/backup_script.log"
        RunLog(str(path)).info("uploading")
        stamp = written.replace(tzinfo=datetime.UTC).timestamp()
        os.utime(path, (stamp, stamp))
        return str(path)

    def row(self, run_uuid: str, columns: str = "status_backup, data_encerramento") -> tuple[Any, ...]:
        """Return columns of a run and of its upload."""
        (row,) = self.database.rows(
            f"SELECT {columns} FROM backup_log b LEFT JOIN upload_s3_log u ON u.backup_id = b.id"
            f" WHERE run_uuid = '{run_uuid}'"
        )
        return row


@pytest.fixture
def host(log_mariadb: MariaDB, tmp_path: Path) -> Iterator[Host]:
    database = LogDatabase(log_mariadb)
    migrate(database.login)
    yield Host(database, tmp_path)
    database.drop()


STATUS = "status_backup"


def test_an_abandoned_run_is_closed_with_its_log_and_its_upload(host: Host) -> None:
    dead = host.old_run(observacao="disk nearly full")
    host.database.server.execute(
        f"INSERT INTO `{host.database.name}`.upload_s3_log (backup_id, data_inicio)"
        f" SELECT id, data_inicio FROM `{host.database.name}`.backup_log"
    )
    last_sign = HOUR_AGO + datetime.timedelta(minutes=20)
    host.log(written=last_sign)
    opened = host.open()
    (sentence,) = opened["abandoned"]
    assert "was abandoned in stage upload" in sentence
    assert f"since {last_sign}" in sentence
    assert sentence in opened["warnings"]
    note = f"[ERROR] {sentence}"
    columns = "status_backup, b.data_encerramento, b.observacao, status_upload, u.data_encerramento, u.observacao"
    assert host.row(dead, columns) == (3, last_sign, f"disk nearly full\n{note}", 3, last_sign, note)
    assert host.row(dead, "log_execucao LIKE '%uploading%', log_dump") == (1, None)
    assert host.row(opened["run_uuid"], STATUS) == (0,)
    assert host.open(abandoned_after=600)["abandoned"] == []


def test_every_upload_in_progress_of_an_abandoned_run_is_closed(host: Host) -> None:
    dead, other = host.old_run(), host.old_run(data_inicio=HOUR_AGO + datetime.timedelta(minutes=1))
    name = host.database.name
    for destination, status in (("s3", 0), ("vault", 0), ("done", 1)):
        host.database.server.execute(
            f"INSERT INTO `{name}`.upload_s3_log (backup_id, destino, status_upload, data_inicio)"
            f" SELECT id, '{destination}', {status}, data_inicio FROM `{name}`.backup_log WHERE run_uuid = '{dead}'"
        )
    assert len(host.open()["abandoned"]) == 2
    rows = host.database.rows("SELECT destino, status_upload FROM upload_s3_log ORDER BY destino")
    assert rows == [("done", 1), ("s3", 3), ("vault", 3)]
    assert host.row(other, STATUS) == (3,)


def test_a_log_that_cannot_be_read_does_not_replace_the_recorded_one(host: Host) -> None:
    dead = host.old_run(log_execucao="what the record has")
    log = Path(host.log(written=HOUR_AGO))
    log.unlink()
    log.mkdir()
    stamp = HOUR_AGO.replace(tzinfo=datetime.UTC).timestamp()
    os.utime(log, (stamp, stamp))
    assert len(host.open()["abandoned"]) == 1
    assert host.row(dead, "status_backup, log_execucao") == (3, "what the record has")


def test_an_abandoned_run_without_files_ends_when_it_began(host: Host) -> None:
    dead = host.old_run(etapa=None)
    (sentence,) = host.open()["abandoned"]
    assert "was abandoned in stage unknown" in sentence
    assert host.row(dead, "status_backup, b.data_encerramento") == (3, HOUR_AGO)


def test_a_run_that_may_be_alive_stays_open(host: Host) -> None:
    alive = host.old_run()
    other = host.old_run(hostname="db2")
    log = host.log(written=datetime.datetime.now(datetime.UTC).replace(tzinfo=None))
    assert host.open()["abandoned"] == [], "its log has just been written"
    host.log(written=HOUR_AGO)
    stamp = HOUR_AGO.replace(tzinfo=datetime.UTC).timestamp()
    os.utime(log, (stamp, stamp))
    with RunLog(log).mark_alive():
        assert host.open()["abandoned"] == [], "a module works on it"
    assert host.row(alive, STATUS) == (0,)
    assert len(host.open()["abandoned"]) == 1
    assert (host.row(alive, STATUS), host.row(other, STATUS)) == ((3,), (0,))


def test_a_later_record_of_a_closed_run_counts(host: Host) -> None:
    alive = host.old_run()
    host.open()
    closed = record({**host.options, "run_uuid": alive, "status": 1})
    assert closed["abandoned"] == []
    assert host.row(alive, STATUS) == (1,)


def test_only_a_run_that_opens_closes_abandoned_runs(host: Host) -> None:
    dead = host.old_run()
    own = record({**host.options, "run_uuid": str(uuid.uuid4()), "status": 0})
    assert own["abandoned"] == []
    assert record({**host.options, "work_dir": None})["abandoned"] == []
    assert host.row(dead, STATUS) == (0,)
