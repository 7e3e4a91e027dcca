"""What retention removed gets into the log tables, at once or later, and only where it belongs."""

from __future__ import annotations

import datetime
import uuid
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import (
    LogDatabase as Target,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import log_database
from ansible_collections.vex.backup.plugins.module_utils._log_db.state import State
from ansible_collections.vex.backup.plugins.module_utils._log_db.tables import upsert
from ansible_collections.vex.backup.plugins.module_utils._log_db.uploads import Uploaded, uploads_to
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_log import Removal, Removals
from tests.playbook import LogDatabase
from tests.playbook import away as without
from tests.servers.mariadb import MariaDB

NOW = datetime.datetime(2026, 3, 31, 3)


class Uploads:
    """Rows of uploads, and what is said of their removal."""

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
            "connect_timeout": 2,
            "spool_dir": str(spool),
        }

    def add(self, key: str) -> str:
        """A run that uploaded *key*: its identity."""
        run = str(uuid.uuid4())
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
            upsert(connection, State(run, backup, upload, {}), moment)
        return run

    def removed(self, run: str) -> datetime.datetime | None:
        """When the log tables say that it went."""
        query = "SELECT removido_em FROM upload_s3_log u JOIN backup_log b ON b.id = u.backup_id WHERE run_uuid = %s"
        (row,) = self.database.rows(query, run)
        found: datetime.datetime | None = row["removido_em"]
        return found

    def record(self, *removals: Removal) -> list[str]:
        noted = Removals(self.params)
        for removal in removals:
            noted.keep(removal)
        return noted.note()


@pytest.fixture
def uploads(log_database: LogDatabase, tmp_path: Path) -> Uploads:
    return Uploads(log_database, tmp_path / "spool")


def test_only_the_row_of_that_archive_is_marked(uploads: Uploads) -> None:
    run, other = uploads.add("db1/a.zip"), uploads.add("db1/b.zip")
    assert uploads.record(Removal(run, "db1/a.zip", NOW), Removal(other, "db1/a.zip", NOW)) == []
    assert (uploads.removed(run), uploads.removed(other)) == (NOW, None)
    # The first word stands; what has no row, or names no run, is nobody's.
    later = NOW + datetime.timedelta(days=1)
    unknown = Removal(str(uuid.uuid4()), "db1/c.zip", later)
    assert uploads.record(Removal(run, "db1/a.zip", later), unknown, Removal(None, "db1/b.zip", later)) == []
    assert (uploads.removed(run), uploads.removed(other)) == (NOW, None)
    assert list((uploads.spool / "removals").iterdir()) == []


def test_nothing_to_say_needs_no_log_database(uploads: Uploads, log_mariadb: MariaDB) -> None:
    with without(log_mariadb):
        assert uploads.record() == []


def test_what_could_not_be_noted_is_kept(uploads: Uploads, log_mariadb: MariaDB) -> None:
    run = uploads.add("db1/a.zip")
    with without(log_mariadb):
        (problem,) = uploads.record(Removal(run, "db1/a.zip", NOW))
    assert f"what was removed is kept in {uploads.spool}/removals and noted by a later run" in problem
    assert uploads.removed(run) is None
    assert uploads.record() == []
    assert uploads.removed(run) == NOW


def test_what_a_killed_process_removed_is_noted_by_the_next(uploads: Uploads) -> None:
    run = uploads.add("db1/a.zip")
    Removals(uploads.params).keep(Removal(run, "db1/a.zip", NOW))
    assert uploads.removed(run) is None
    assert uploads.record() == []
    assert uploads.removed(run) == NOW


def test_a_spool_that_cannot_be_used_keeps_nothing_from_the_log_database(uploads: Uploads) -> None:
    uploads.spool.write_text("a file")
    run, other = uploads.add("db1/a.zip"), uploads.add("db1/b.zip")
    problems = uploads.record(Removal(run, "db1/a.zip", NOW), Removal(other, "db1/b.zip", NOW))
    assert [f"{uploads.spool}/removals" in problem for problem in problems] == [True, True]
    assert (uploads.removed(run), uploads.removed(other)) == (NOW, NOW)


def test_what_cannot_be_read_is_set_aside(uploads: Uploads) -> None:
    folder = uploads.spool / "removals"
    folder.mkdir(parents=True)
    (folder / "x.json").write_text('{"run_uuid": "x", "key": "k", "moment": "yesterday"}')
    (problem,) = uploads.record()
    assert "look at x.json.corrupt by hand" in problem


def test_what_the_log_tables_say_of_a_bucket(uploads: Uploads) -> None:
    run, other = uploads.add("audited/a.zip"), uploads.add("AUDITED/a.zip")
    assert uploads.record(Removal(run, "audited/a.zip", NOW)) == []
    with log_database(Target.from_options(uploads.params)) as connection:
        assert uploads_to(connection, "vex", "audited/") == {"audited/a.zip": Uploaded(run, None, 1, removed=True)}
        assert uploads_to(connection, "vex", "AUDITED/") == {"AUDITED/a.zip": Uploaded(other, None, 1, removed=False)}
        assert uploads_to(connection, "another", "audited/") == {}
