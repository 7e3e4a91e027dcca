# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of removals from a store that is away for a while; the others are in test_prune.py."""

from __future__ import annotations

import datetime
import typing as t

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._common import patience as patience_module
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._repository import removal as removal_module
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import read_catalog
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_log import Removal, RemovalNotes
from ansible_collections.vex.backup.plugins.module_utils._repository.removal import Attempt, remove_backups
from ansible_collections.vex.backup.plugins.module_utils._repository.retention import Decision
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import (
    FakeBucket,
    open_store,
    refusal,
)

NOW = datetime.datetime(2026, 1, 2)
KEY = "db1/2026/01/backup_20260101_030000.zip"
MANIFEST = f"{KEY}.manifest.json"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> FakeBucket:
    monkeypatch.setattr(patience_module, "LONGEST_PAUSE", 0.0)
    monkeypatch.setattr(removal_module, "HOLD_SECONDS", 0.0)
    made = FakeBucket()
    made.put_backup(KEY, datetime.datetime(2026, 1, 1, 3))
    return made


NOTES = RemovalNotes(*[lambda _removal: None] * 3)


def remove_after(meanwhile: t.Callable[[], object], bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch) -> Attempt:
    """Remove the backup; the store is away for the first deletion, and *meanwhile* happens."""
    delete = bucket.delete_object
    outages: t.List[t.Callable[[], object]] = [meanwhile]

    def delete_later(**params: t.Any) -> t.Dict[str, t.Any]:
        if outages:
            outages.pop()()
            raise refusal("DeleteObject", "503", 503)
        return delete(**params)

    monkeypatch.setattr(bucket, "delete_object", delete_later)
    with open_store(bucket, patience=600) as store:
        (backup,) = read_catalog(store, "", "db1").backups
        doomed = [(Decision(backup, False, "no rule keeps it"), Removal(None, KEY, NOW))]
        (attempt,) = remove_backups(store, doomed, NOTES, RunLog(None), check_mode=False)
        return attempt


def test_a_removal_goes_on_when_the_store_is_back(bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    assert remove_after(lambda: None, bucket, monkeypatch).removal is not None
    assert bucket.objects == {}


def test_a_repetition_at_once_does_not_look_for_a_hold(bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal_module, "HOLD_SECONDS", 600.0)
    assert remove_after(lambda: None, bucket, monkeypatch).removal is not None
    assert bucket.requests.count(("head_object", f"{KEY}.hold")) == 1


def test_a_hold_that_is_set_while_the_store_is_away_counts(bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = remove_after(lambda: bucket.put(f"{KEY}.hold", b"", NOW), bucket, monkeypatch)
    assert (attempt.removal, attempt.kept) == (None, "a hold was set a moment ago")
    assert bucket.objects.keys() == {KEY, MANIFEST, f"{KEY}.hold"}


def test_without_knowing_of_a_hold_nothing_is_removed(bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        bucket.refuse("head_object", f"{KEY}.hold", "AccessDenied")

    attempt = remove_after(refuse, bucket, monkeypatch)
    assert (attempt.kept or "").startswith("the bucket refused to remove it: HeadObject of s3://vex/db1")
    assert bucket.objects.keys() == {KEY, MANIFEST}
