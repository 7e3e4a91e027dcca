"""The removals of retention in the log tables: noted at once or later, and only in their own rows."""

from __future__ import annotations

import datetime
import uuid
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import (
    LogDatabase as Target,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import log_database
from ansible_collections.vex.backup.plugins.module_utils._log_db.merge import State
from ansible_collections.vex.backup.plugins.module_utils._log_db.uploads import (
    Copied,
    Uploaded,
    record_copy,
    uploads_to,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.upsert import upsert
from ansible_collections.vex.backup.plugins.module_utils._repository.audit import AuditRequest, audit
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_log import PruneLog, Removal
from tests.destinations import s3_destination
from tests.playbook import LogDatabase
from tests.playbook import away as without
from tests.servers.mariadb import MariaDB
from tests.servers.seaweedfs import SeaweedFS

NOW = datetime.datetime(2026, 3, 31, 3)


class Uploads:
    """Rows of uploads, and the removals noted in them."""

    def __init__(self, database: LogDatabase, spool: Path) -> None:
        self.database = database
        self.spool = spool
        self.params: dict[str, Any] = {
            "login_host": None,
            "login_port": None,
            "login_unix_socket": database.server.socket,
            "login_user": database.writer[0],
            "login_password": database.writer[1],
            "config_file": None,
            "ca_cert": None,
            "login_database": database.name,
            "connect_timeout": 30,
        }

    def add(self, key: str, run: str = "", destinations: tuple[str, ...] = ("s3",)) -> str:
        """Add a run that uploaded *key* to each destination; return its UUID."""
        run = run or str(uuid.uuid4())
        moment = "2026-03-30 03:00:00"
        with log_database(Target.from_options(self.params)) as connection:
            backup = {"hostname": "db1", "status_backup": 1, "data_inicio": moment, "data_encerramento": moment}
            upload = {
                "caminho_arquivo": key,
                "bucket": "vex",
                "status_upload": 1,
                "data_inicio": moment,
                "data_encerramento": moment,
            }
            upsert(connection, State(run, backup, dict.fromkeys(destinations, upload), {}), moment)
        return run

    def removed(self, run: str) -> datetime.datetime | None:
        """Return when the backup was removed, according to the log tables."""
        query = "SELECT removido_em FROM upload_s3_log u JOIN backup_log b ON b.id = u.backup_id WHERE run_uuid = %s"
        (row,) = self.database.rows(query, run)
        found: datetime.datetime | None = row["removido_em"]
        return found

    def record(self, *removals: Removal) -> list[str]:
        prune_log = self.prune_log()
        for removal in removals:
            prune_log.keep(removal)
        return prune_log.deliver()

    def prune_log(self) -> PruneLog:
        return PruneLog(str(self.spool), Target.from_options(self.params), 0, RunLog(None))


@pytest.fixture
def uploads(log_database: LogDatabase, tmp_path: Path) -> Uploads:
    return Uploads(log_database, tmp_path / "spool")


def test_only_the_row_of_that_archive_is_marked(uploads: Uploads) -> None:
    run, other = uploads.add("db1/a.zip"), uploads.add("db1/b.zip")
    assert uploads.record(Removal(run, "db1/a.zip", NOW), Removal(other, "db1/a.zip", NOW)) == []
    assert (uploads.removed(run), uploads.removed(other)) == (NOW, None)
    # The first time stays; a removal without a row or a run changes nothing.
    later = NOW + datetime.timedelta(days=1)
    unknown = Removal(str(uuid.uuid4()), "db1/c.zip", later)
    assert uploads.record(Removal(run, "db1/a.zip", later), unknown, Removal(None, "db1/b.zip", later)) == []
    assert (uploads.removed(run), uploads.removed(other)) == (NOW, None)
    assert list((uploads.spool / "removals").iterdir()) == []


def test_only_the_row_of_that_destination_is_marked(uploads: Uploads) -> None:
    run = uploads.add("db1/a.zip", destinations=("s3", "vault"))
    query = (
        "SELECT destino FROM upload_s3_log u JOIN backup_log b ON b.id = u.backup_id"
        " WHERE run_uuid = %s AND removido_em IS NOT NULL ORDER BY destino"
    )
    assert uploads.record(Removal(run, "db1/a.zip", NOW, "vault")) == []
    assert uploads.database.rows(query, run) == [{"destino": "vault"}]
    assert uploads.record(Removal(run, "db1/a.zip", NOW)) == []
    assert uploads.database.rows(query, run) == [{"destino": "s3"}, {"destino": "vault"}]


def test_a_copy_is_recorded_with_the_run(uploads: Uploads) -> None:
    run = uploads.add("db1/a.zip")
    copied = Copied("vault", "s3", "safe", "db1/a.zip", "ab" * 32, 5_000_000)
    times = ("2026-03-31 03:00:00", "2026-03-31 03:00:05")
    with log_database(Target.from_options(uploads.params)) as connection:
        assert record_copy(connection, run, copied, times)
        assert record_copy(connection, run, copied, times)
        assert not record_copy(connection, str(uuid.uuid4()), copied, times)
    query = (
        "SELECT destino, bucket, status_upload, u.tamanho_arquivo FROM upload_s3_log u"
        " JOIN backup_log b ON b.id = u.backup_id WHERE run_uuid = %s ORDER BY destino"
    )
    first, second = uploads.database.rows(query, run)
    assert (first["destino"], first["bucket"]) == ("s3", "vex")
    assert (second["destino"], second["bucket"], second["status_upload"]) == ("vault", "safe", 1)
    assert second["tamanho_arquivo"] == 5


def test_without_removals_the_log_database_is_not_needed(uploads: Uploads, log_mariadb: MariaDB) -> None:
    with without(log_mariadb):
        assert uploads.record() == []


def test_a_removal_waits_for_the_record_of_its_run(uploads: Uploads) -> None:
    run = str(uuid.uuid4())
    record = uploads.spool / "records" / f"{run}.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    assert uploads.record(Removal(run, "db1/a.zip", NOW)) == []
    assert (uploads.spool / "removals" / f"{run}.json").exists()
    record.unlink()
    uploads.add("db1/a.zip", run)
    assert uploads.record() == []
    assert uploads.removed(run) == NOW


def test_undelivered_removals_are_kept(uploads: Uploads, log_mariadb: MariaDB) -> None:
    run = uploads.add("db1/a.zip")
    with without(log_mariadb):
        (problem,) = uploads.record(Removal(run, "db1/a.zip", NOW))
    assert f"the removals are kept in {uploads.spool}/removals, and a later run notes them" in problem
    assert uploads.removed(run) is None
    assert uploads.record() == []
    assert uploads.removed(run) == NOW


def test_removals_of_a_killed_process_are_delivered_by_the_next(uploads: Uploads) -> None:
    run = uploads.add("db1/a.zip")
    uploads.prune_log().keep(Removal(run, "db1/a.zip", NOW))
    assert uploads.removed(run) is None
    assert uploads.record() == []
    assert uploads.removed(run) == NOW


def test_removals_are_delivered_without_a_usable_spool(uploads: Uploads) -> None:
    uploads.spool.write_text("a file")
    run, other = uploads.add("db1/a.zip"), uploads.add("db1/b.zip")
    problems = uploads.record(Removal(run, "db1/a.zip", NOW), Removal(other, "db1/b.zip", NOW))
    assert [f"{uploads.spool}/removals" in problem for problem in problems] == [True, True]
    assert (uploads.removed(run), uploads.removed(other)) == (NOW, NOW)


def test_unreadable_removals_are_set_aside(uploads: Uploads) -> None:
    folder = uploads.spool / "removals"
    folder.mkdir(parents=True)
    (folder / "x.json").write_text('{"run_uuid": "x", "key": "k", "moment": "yesterday"}')
    (problem,) = uploads.record()
    assert "inspect x.json.corrupt" in problem


def test_the_uploads_to_a_bucket(uploads: Uploads) -> None:
    run, other = uploads.add("audited/a.zip"), uploads.add("AUDITED/a.zip")
    assert uploads.record(Removal(run, "audited/a.zip", NOW)) == []
    with log_database(Target.from_options(uploads.params)) as connection:
        assert uploads_to(connection, "s3", "vex", "audited/") == {
            "audited/a.zip": Uploaded(run, None, 1, removed=True)
        }
        assert uploads_to(connection, "s3", "vex", "AUDITED/") == {
            "AUDITED/a.zip": Uploaded(other, None, 1, removed=False)
        }
        assert uploads_to(connection, "s3", "another", "audited/") == {}


def test_an_audit_reads_the_uploads_to_a_bucket(uploads: Uploads, s3: SeaweedFS) -> None:
    key = "audited/db1/2026/03/backup_20260330_030000.zip"
    run = uploads.add(key)
    request = AuditRequest(
        destination=s3_destination(
            {
                "access_key": s3.access_key,
                "secret_key": s3.secret_key,
                "endpoint_url": s3.endpoint,
                "bucket": s3.bucket,
            }
        ),
        log_database=Target.from_options(uploads.params),
        prefix="audited",
        hostname="db1",
        deep=False,
        manifest_keys=(),
        patience=0,
        timeout=None,
    )
    (finding,) = audit(request)["findings"]
    assert (finding["kind"], finding["key"]) == ("row_without_object", key)
    assert f"run {run} uploaded it" in finding["detail"]
