# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Retention in a bucket: what goes, in which order, and what keeps a backup at the last moment."""

from __future__ import annotations

import datetime
import typing as t
from unittest import mock

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RUN_NAME, RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    Interrupted,
    OptionError,
    StoreFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._repository import prune as prune_module
from ansible_collections.vex.backup.plugins.module_utils._repository.prune import Pruned, Request, prune_objects
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_log import Removal
from ansible_collections.vex.backup.plugins.module_utils._repository.retention import Policy, decide
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Refused
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import Crash, FakeBucket, Opened

START = datetime.datetime(2026, 1, 1, 3)
DAY = datetime.timedelta(days=1)
NOW = START + 4 * DAY
KEY = "0123456789abcdef"
UUID = "6f0c5d0e-2f33-4ff5-8d83-6d3c14a8a001"


def key_of(day: int) -> str:
    taken = START + day * DAY
    return f"p/db1/{taken:%Y/%m}/{taken.strftime(RUN_NAME)}.zip"


@pytest.fixture
def bucket() -> FakeBucket:
    """Four backups of four days, and another host's."""
    made = FakeBucket()
    for day in range(4):
        made.put_backup(key_of(day), START + day * DAY)
    made.put_backup("p/db10/2026/01/backup_20250101_030000.zip", START)
    return made


def prune(bucket: FakeBucket, now: datetime.datetime = NOW, **changes: t.Any) -> Pruned:
    given = {"prefix": "/p/", "hostname": "db1", "policy": Policy(last=2), **changes}
    store: t.Any = bucket
    told: t.List[Removal] = []
    pruned = prune_objects(Request(**given), store, now, RunLog(None), told.append)
    assert told == ([] if given.get("check_mode") else pruned.removals)
    return pruned


def backups(bucket: FakeBucket) -> t.List[str]:
    """Days of the archives that are whole backups."""
    return [str(day) for day in range(4) if {key_of(day), f"{key_of(day)}.manifest.json"} <= bucket.objects.keys()]


def test_a_backup_goes_manifest_first_with_its_proof(bucket: FakeBucket) -> None:
    bucket.put(f"{key_of(0)}.proof.json", b"{}", START)
    bucket.put(f"{key_of(2)}.proof.json", b"{}", START)
    found = prune(bucket)
    deleted = [key for operation, key in bucket.requests if operation == "delete_object"]
    assert deleted == [
        f"{key_of(0)}.manifest.json",
        f"{key_of(0)}.proof.json",
        key_of(0),
        f"{key_of(1)}.manifest.json",
        key_of(1),
    ]
    assert backups(bucket) == ["2", "3"]
    assert "p/db10/2026/01/backup_20250101_030000.zip" in bucket.objects
    assert [one[:2] for one in found.removals] == [(UUID, key_of(0)), (UUID, key_of(1))]
    assert (found.markers, found.problems, found.leftovers, found.aborted) == ([], [], [], [])


def test_a_host_without_a_name_loses_nothing(bucket: FakeBucket) -> None:
    """Its rules would be applied to the backups of all hosts together."""
    before = dict(bucket.objects)
    with pytest.raises(OptionError, match="empty name"):
        prune(bucket, hostname="")
    assert bucket.objects == before


def test_a_dry_run_says_what_would_go(bucket: FakeBucket) -> None:
    before = dict(bucket.objects)
    bucket.uploads[key_of(0)] = START - 30 * DAY
    found = prune(bucket, check_mode=True)
    assert [(one.keep, one.reason) for one in found.decisions] == [
        (True, "1 of the newest 2"),
        (True, "2 of the newest 2"),
        (False, "no rule keeps it"),
        (False, "no rule keeps it"),
    ]
    assert bucket.objects == before
    assert len(found.removals) == 2
    assert found.aborted == list(bucket.uploads) == [key_of(0)]


def test_without_a_policy_the_bucket_is_only_listed(bucket: FakeBucket) -> None:
    assert all(one.keep for one in prune(bucket, policy=Policy()).decisions)
    assert [one[0] for one in bucket.requests] == ["list_objects_v2"]
    assert prune(FakeBucket()) == Pruned([], [], [], [], [], [])


def test_nothing_goes_while_the_rules_refuse(bucket: FakeBucket) -> None:
    found = prune(bucket, run="backup_20260105_030000")
    assert found.problems == ["nothing is removed: the bucket holds no whole backup of the run backup_20260105_030000"]
    assert backups(bucket) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("page", [1, 1000])
def test_what_is_not_what_it_seems_does_not_count(bucket: FakeBucket, page: int) -> None:
    bucket.page = page
    bucket.objects[f"{key_of(2)}.manifest.json"] = b"{"
    found = prune(bucket)
    assert backups(bucket) == ["1", "2", "3"]
    assert "is not the manifest of an archive" in found.decisions[1].reason


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda bucket: bucket.put(key_of(2), b"short", START), "has 5 bytes, its manifest says 7"),
        (
            lambda bucket: bucket.put(
                f"{key_of(2)}.manifest.json", bucket.objects[f"{key_of(1)}.manifest.json"], START
            ),
            "it lies beside the wrong archive",
        ),
        (
            lambda bucket: bucket.refused.update(
                {("get_object", f"{key_of(2)}.manifest.json"): Refused("gone", "NoSuchKey")}
            ),
            "it was removed a moment ago",
        ),
    ],
)
def test_a_manifest_must_be_of_its_archive(
    bucket: FakeBucket, spoil: t.Callable[[FakeBucket], None], reason: str
) -> None:
    spoil(bucket)
    found = prune(bucket)
    assert backups(bucket)[0] == "1"
    assert reason in found.decisions[1].reason


def test_with_a_key_only_what_it_signed_counts(bucket: FakeBucket) -> None:
    for day in (0, 1, 3):
        bucket.put_backup(key_of(day), START + day * DAY, signed_with=KEY)
    found = prune(bucket, manifest_keys=["another key of some length", KEY])
    assert backups(bucket) == ["1", "2", "3"]
    assert "is not signed" in found.decisions[1].reason


def test_a_run_that_is_none_is_not_noted(bucket: FakeBucket) -> None:
    bucket.put_backup(key_of(0), START, run_uuid="../../etc/x")
    assert [one.run_uuid for one in prune(bucket).removals] == [None, UUID]


def test_the_bucket_has_the_last_word(bucket: FakeBucket) -> None:
    bucket.put_backup(key_of(4), NOW)
    later = (NOW + DAY).replace(tzinfo=datetime.timezone.utc)
    bucket.locks[key_of(0)] = {"ObjectLockRetainUntilDate": later}
    bucket.locks[f"{key_of(1)}.manifest.json"] = {"ObjectLockLegalHoldStatus": "ON"}
    bucket.locks[key_of(2)] = {
        "ObjectLockLegalHoldStatus": "OFF",
        "ObjectLockRetainUntilDate": NOW.replace(tzinfo=datetime.timezone.utc),
    }
    found = prune(bucket)
    assert backups(bucket) == ["0", "1", "3"]
    assert [one.reason for one in found.decisions[3:]] == [
        "locked by the bucket: a legal hold",
        "locked by the bucket until 2026-01-06 03:00:00 (UTC)",
    ]
    assert found.problems == []


def test_what_is_held_while_retention_runs_stays(bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    def hold_meanwhile(*arguments: t.Any) -> t.Any:
        bucket.put(f"{key_of(0)}.hold", b"", NOW)
        return decide(*arguments)

    monkeypatch.setattr(prune_module, "decide", hold_meanwhile)
    assert prune(bucket).decisions[3].reason == "held, a moment ago"
    assert backups(bucket) == ["0", "2", "3"]


def test_a_refusal_is_told_once_and_the_others_go(bucket: FakeBucket) -> None:
    bucket.put_backup(key_of(4), NOW)
    for day in (0, 2):
        refused = ("delete_object", f"{key_of(day)}.manifest.json")
        bucket.refused[refused] = Refused(f"no: {key_of(day)}", "AccessDenied")
    found = prune(bucket)
    assert found.problems == [
        f"retention: backup_20260101_030000 is not removed: no: {key_of(0)}; so it is with 1 more"
    ]
    assert backups(bucket) == ["0", "2", "3"]
    assert [one.key for one in found.removals] == [key_of(1)]
    assert found.decisions[4][1:] == (True, f"the bucket refused to remove it: no: {key_of(0)}")
    # Asked once each: what was refused is not asked for again until the next run.
    deleted = [key for operation, key in bucket.requests if operation == "delete_object"]
    assert sorted(set(deleted)) == sorted(deleted)


def test_a_refusal_of_the_archive_is_told_too(bucket: FakeBucket) -> None:
    bucket.refused["delete_object", key_of(0)] = Refused(f"no: {key_of(0)}", "AccessDenied")
    found = prune(bucket)
    assert found.problems == [f"retention: backup_20260101_030000 is half removed: no: {key_of(0)}"]
    assert backups(bucket) == ["2", "3"]
    assert len(found.removals) == 2
    # What is left is seen by its archive, once it is old.
    bucket.put_backup(key_of(10), START + 10 * DAY)
    assert prune(bucket, now=START + 10 * DAY, policy=Policy(9)).leftovers == [key_of(0)]


@pytest.mark.parametrize("error", [StoreFailed("away"), Interrupted("away")])
def test_what_ends_it_is_told_with_what_went(bucket: FakeBucket, error: BackupError) -> None:
    """A store that goes away, or a signal: the log tables must hear of what went before."""
    bucket.refused["delete_object", key_of(0)] = error
    found = prune(bucket)
    assert found.problems == ["retention broke off: away"]
    assert [one.key for one in found.removals] == [key_of(0)]
    assert backups(bucket) == ["1", "2", "3"]


def test_a_manifest_that_may_not_be_read_ends_it(bucket: FakeBucket) -> None:
    bucket.refused["get_object", f"{key_of(2)}.manifest.json"] = Refused("no", "AccessDenied")
    assert prune(bucket).problems == ["retention broke off: no"]
    assert backups(bucket) == ["0", "1", "2", "3"]


def test_a_backup_that_may_not_be_looked_at_ends_it(bucket: FakeBucket) -> None:
    bucket.refused["head_object", f"{key_of(0)}.hold"] = Refused("no", "403")
    assert prune(bucket).problems == ["retention broke off: no"]
    assert backups(bucket) == ["0", "1", "2", "3"]


def test_markers_of_a_bucket_that_keeps_versions(bucket: FakeBucket) -> None:
    bucket.versioned = True
    assert prune(bucket, policy=Policy(last=3)).markers == [f"{key_of(0)}{suffix}" for suffix in (".manifest.json", "")]


@pytest.mark.parametrize("page", [1, 1000])
def test_uploads_that_will_not_end(bucket: FakeBucket, page: int) -> None:
    bucket.page = page
    old, young = START + 3 * DAY - 8 * DAY, START + 3 * DAY - 6 * DAY
    ours = [key_of(0), f"{key_of(1)}.manifest.json"]
    others = {key_of(2): young, "p/db1/something": old, "p/db10/2026/01/backup_20250101_030000.zip": old}
    bucket.uploads = {**dict.fromkeys(ours, old), **others}
    assert prune(bucket, policy=Policy(last=9)).aborted == ours
    assert bucket.uploads == others


def test_uploads_that_may_not_be_listed(bucket: FakeBucket) -> None:
    bucket.refused["list_multipart_uploads", "p/db1/"] = Refused("no", "AccessDenied")
    assert prune(bucket).problems == ["unfinished uploads were not looked for: no"]
    assert backups(bucket) == ["2", "3"]


@pytest.mark.parametrize("requests", range(30))
def test_a_crash_leaves_nothing_that_reads_as_a_backup_and_is_not(bucket: FakeBucket, requests: int) -> None:
    bucket.crash_after = requests
    try:
        prune(bucket)
    except Crash:
        assert all(key_of(int(day)) in bucket.objects for day in backups(bucket))
        for day in range(4):
            # Never a manifest without the archive that it vouches for.
            assert key_of(day) in bucket.objects or f"{key_of(day)}.manifest.json" not in bucket.objects
    assert backups(bucket)[-2:] == ["2", "3"]
    bucket.crash_after = None
    prune(bucket)
    assert backups(bucket) == ["2", "3"]


def options(**changes: t.Any) -> t.Dict[str, t.Any]:
    return {
        "access_key": "a",
        "secret_key": "s",
        "session_token": None,
        "profile": None,
        "region": None,
        "endpoint_url": "http://127.0.0.1:1",
        "ca_bundle": None,
        "request_checksum_calculation": "when_required",
        "bucket": "vex",
        "prefix": "p",
        "hostname": "db1",
        "name": None,
        **{f"keep_{name}": 0 for name in Policy._fields},
        "keep_last": 2,
        "unfinished_days": 7,
        "manifest_keys": [],
        "spool_dir": None,
        "retries": 0,
        "timeout": None,
        **changes,
    }


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_modules_result(bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch, check_mode: bool) -> None:
    monkeypatch.setattr(prune_module, "Store", Opened(bucket))
    monkeypatch.setattr(prune_module, "utc_now", lambda: NOW)
    removals = mock.Mock()
    removals.return_value.note = lambda: [f"noted {removals.return_value.keep.call_count}"]
    monkeypatch.setattr(prune_module, "Removals", removals)
    result = prune_module.prune_bucket(options(spool_dir="/s"), RunLog(None), check_mode=check_mode)
    assert result["changed"] is True
    assert [one["removed"] for one in result["decisions"]] == [False, False, not check_mode, not check_mode]
    assert result["decisions"][3]["name"] == "backup_20260101_030000"
    assert result.get("message") == (None if check_mode else "noted 2")
    assert result.get("warnings") == (None if check_mode else ["noted 2"])
    again = prune_module.prune_bucket(options(), RunLog(None), check_mode=check_mode)
    assert again["changed"] is check_mode


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unfinished_days": 0}, "unfinished_days must be at least 1"),
        ({"manifest_keys": ["short"]}, "can be guessed"),
        ({"keep_yearly": -1}, "keep_yearly must be at least 0"),
    ],
)
def test_options_that_cannot_work(changes: t.Dict[str, t.Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        prune_module.prune_bucket(options(**changes), RunLog(None), check_mode=False)
