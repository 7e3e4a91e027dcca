# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the removals that the log tables note; those with a log database are in tests/restore."""

from __future__ import annotations

import datetime
import pathlib
import typing as t

import pytest

pytest.importorskip("pymysql")

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_log import PruneLog, Removal
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import (
    NAME,
    FakeBucket,
    open_store,
)

MOMENT = datetime.datetime(2026, 1, 5, 3)
RUN = "6f0c5d0e-2f33-4ff5-8d83-6d3c14a8a001"
KEY = "db1/2026/01/backup_20260101_030000.zip"
REMOVAL = Removal(RUN, KEY, MOMENT)


def prune_log_in(folder: pathlib.Path) -> PruneLog:
    nowhere = LogDatabase(Login("", 0, "/nowhere.sock", "backup", "", None), "vex")
    return PruneLog(str(folder), nowhere, 0, RunLog(None))


def kept_in(folder: pathlib.Path) -> t.Set[str]:
    """Return the directories of the spool that have an entry."""
    return {path.parent.name for path in folder.rglob("*.json")}


@pytest.fixture
def bucket() -> FakeBucket:
    """Return a bucket with one backup, whose removal has begun in the next tests."""
    made = FakeBucket()
    made.put_backup(KEY, MOMENT)
    made.put(f"{KEY}.proof.json", b"{}", MOMENT)
    return made


def test_a_half_done_removal_is_ended(tmp_path: pathlib.Path, bucket: FakeBucket) -> None:
    prune_log_in(tmp_path).begin(NAME, REMOVAL)
    del bucket.objects[f"{KEY}.manifest.json"]
    later = prune_log_in(tmp_path)
    with open_store(bucket) as store:
        later.finish(store, "s3")
    assert bucket.objects == {}
    assert kept_in(tmp_path) == {"removals"}


def test_what_is_gone_is_not_deleted_again(tmp_path: pathlib.Path, bucket: FakeBucket) -> None:
    prune_log_in(tmp_path).begin(NAME, REMOVAL)
    bucket.objects.clear()
    with open_store(bucket) as store:
        prune_log_in(tmp_path).finish(store, "s3")
    assert [operation for operation, _key in bucket.requests] == ["head_object"] * 4
    assert kept_in(tmp_path) == {"removals"}


@pytest.mark.parametrize("beside", [".manifest.json", ".incomplete.json"])
def test_a_removal_that_deleted_nothing_is_forgotten(tmp_path: pathlib.Path, bucket: FakeBucket, beside: str) -> None:
    prune_log_in(tmp_path).begin(NAME, REMOVAL)
    bucket.put(f"{KEY}{beside}", bucket.objects.pop(f"{KEY}.manifest.json"), MOMENT)
    before = dict(bucket.objects)
    with open_store(bucket) as store:
        prune_log_in(tmp_path).finish(store, "s3")
    assert bucket.objects == before
    assert kept_in(tmp_path) == set()


def test_a_refusal_of_one_removal_stops_no_other(tmp_path: pathlib.Path, bucket: FakeBucket) -> None:
    other = Removal("7f0c5d0e-2f33-4ff5-8d83-6d3c14a8a001", KEY.replace("0101", "0102"), MOMENT)
    bucket.put(other.key, b"x", MOMENT)
    del bucket.objects[f"{KEY}.manifest.json"]
    for removal in (REMOVAL, other):
        prune_log_in(tmp_path).begin(NAME, removal)
    bucket.refuse("delete_object", KEY, "AccessDenied")
    with open_store(bucket) as store:
        (problem,) = prune_log_in(tmp_path).finish(store, "s3")
    assert problem.startswith(f"what a killed retention left was not removed: DeleteObject of s3://{NAME}/{KEY}")
    assert list(bucket.objects) == [KEY]
    assert kept_in(tmp_path) == {"removals"}


def test_a_refusal_of_all_requests_leaves_the_notes(tmp_path: pathlib.Path, bucket: FakeBucket) -> None:
    del bucket.objects[f"{KEY}.manifest.json"]
    prune_log_in(tmp_path).begin(NAME, REMOVAL)
    bucket.refuse("delete_object", KEY, "ExpiredToken")
    with open_store(bucket) as store, pytest.raises(StoreFailed):
        prune_log_in(tmp_path).finish(store, "s3")
    assert "removing" in kept_in(tmp_path)


def test_a_removal_from_another_bucket_waits(tmp_path: pathlib.Path, bucket: FakeBucket) -> None:
    prune_log_in(tmp_path).begin("another", REMOVAL)
    (tmp_path / "removing" / "torn.json").write_text("{")
    with open_store(bucket) as store:
        prune_log_in(tmp_path).finish(store, "s3")
    assert bucket.requests == []
    assert kept_in(tmp_path) == {"removing"}


def test_a_removal_from_another_destination_waits(tmp_path: pathlib.Path, bucket: FakeBucket) -> None:
    """Its bucket may have the same name, at another address."""
    vault = REMOVAL._replace(destination="vault")
    prune_log_in(tmp_path).begin(NAME, vault)
    with open_store(bucket) as store:
        prune_log_in(tmp_path).finish(store, "s3")
    assert bucket.requests == []
    prune_log = prune_log_in(tmp_path)
    prune_log.keep(REMOVAL)
    prune_log.keep(vault)
    assert sorted(path.name for path in (tmp_path / "removals").iterdir()) == [f"{RUN}.json", f"{RUN}.vault.json"]


def test_a_removal_without_a_run_is_not_noted(tmp_path: pathlib.Path) -> None:
    notes = prune_log_in(tmp_path).notes(NAME)
    for note in notes:
        note(Removal(None, KEY, MOMENT))
    assert kept_in(tmp_path) == set()


def test_a_removal_that_ends_leaves_its_record(tmp_path: pathlib.Path) -> None:
    notes = prune_log_in(tmp_path).notes(NAME)
    notes.begin(REMOVAL)
    assert kept_in(tmp_path) == {"removing"}
    notes.keep(REMOVAL)
    notes.end(REMOVAL)
    assert kept_in(tmp_path) == {"removals"}


def test_without_removals_the_log_database_is_not_needed(tmp_path: pathlib.Path) -> None:
    nowhere = LogDatabase(Login("", 0, "/nowhere.sock", "backup", "", None), "vex")
    assert PruneLog(str(tmp_path / "spool"), nowhere, 600, RunLog(None)).deliver() == []


def test_while_the_log_database_is_away_nothing_is_known_of_restores(tmp_path: pathlib.Path) -> None:
    """Retention waits for it once, and not again when it notes the removals."""
    nowhere = LogDatabase(Login("", 0, "/nowhere.sock", "backup", "", None), "vex")
    log = tmp_path / "log"
    prune_log = PruneLog(str(tmp_path / "spool"), nowhere, 0.2, RunLog(str(log)))
    assert prune_log.restores_in_progress(MOMENT) == {}
    prune_log.keep(Removal("6f0c5d0e-2f33-4ff5-8d83-6d3c14a8a001", "k", MOMENT))
    (problem,) = prune_log.deliver()
    assert "a later run notes them in the log tables" in problem
    assert "tried" not in problem
    waited = log.read_text(encoding="utf-8")
    assert "retention does not know which backups are being restored: log database: " in waited
    assert waited.count("does not answer") == 1
