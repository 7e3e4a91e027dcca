# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Retention in a bucket: the order of the removals, and the protections that the bucket itself gives."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
import typing as t

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RUN_NAME, RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    Interrupted,
    OptionError,
    StoreFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login
from ansible_collections.vex.backup.plugins.module_utils._repository import prune as prune_module
from ansible_collections.vex.backup.plugins.module_utils._repository.prune import Pruned, PruneRequest, prune_objects
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_log import Removal, RemovalNotes
from ansible_collections.vex.backup.plugins.module_utils._repository.retention import Policy, decide
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import S3Settings
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import (
    NAME,
    Crash,
    FakeBucket,
    open_store,
    use,
)

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
    """Put four backups of four days, and another host's."""
    made = FakeBucket()
    for day in range(4):
        made.put_backup(key_of(day), START + day * DAY)
    made.put_backup("p/db10/2026/01/backup_20250101_030000.zip", START)
    return made


REQUEST = PruneRequest(
    s3=S3Settings(),
    bucket=NAME,
    prefix="/p/",
    hostname="db1",
    name=None,
    keep_last=2,
    keep_daily=0,
    keep_weekly=0,
    keep_monthly=0,
    keep_yearly=0,
    unfinished_days=7,
    manifest_keys=(),
    spool_dir=None,
    log_database=None,
    patience=0,
    timeout=None,
    check_mode=False,
)


def prune(bucket: FakeBucket, now: datetime.datetime = NOW, **changes: t.Any) -> Pruned:
    request = dataclasses.replace(REQUEST, **changes)
    kept: t.List[Removal] = []
    begun: t.List[Removal] = []
    notes = RemovalNotes(begun.append, kept.append, begun.remove)
    with open_store(bucket) as store:
        pruned = prune_objects(request, store, now, RunLog(None), notes)
    assert kept == ([] if request.check_mode else pruned.removals)
    return pruned


def backups(bucket: FakeBucket) -> t.List[str]:
    """Return the days of the backups that have an archive and a manifest."""
    return [str(day) for day in range(4) if {key_of(day), f"{key_of(day)}.manifest.json"} <= bucket.objects.keys()]


def test_a_backup_is_removed_manifest_first_with_its_proof(bucket: FakeBucket) -> None:
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


def test_an_empty_hostname_removes_nothing(bucket: FakeBucket) -> None:
    """With an empty name, the rules would apply to the backups of all hosts together."""
    before = dict(bucket.objects)
    with pytest.raises(OptionError, match="the hostname is empty"):
        prune(bucket, hostname="")
    assert bucket.objects == before


def test_check_mode_returns_what_would_be_removed(bucket: FakeBucket) -> None:
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


def test_without_a_policy_nothing_is_read(bucket: FakeBucket) -> None:
    assert all(one.keep for one in prune(bucket, keep_last=0).decisions)
    assert [one[0] for one in bucket.requests] == ["list_objects_v2", "list_multipart_uploads"]
    assert prune(FakeBucket()) == Pruned([], [], [], [], [], [])


def test_nothing_is_removed_while_the_rules_refuse(bucket: FakeBucket) -> None:
    found = prune(bucket, name="backup_20260105_030000")
    (problem,) = found.problems
    assert "nothing is removed: the bucket holds no whole backup of the run backup_20260105_030000" in problem
    assert backups(bucket) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("page", [1, 1000])
def test_a_backup_with_a_damaged_manifest_does_not_count(bucket: FakeBucket, page: int) -> None:
    bucket.page = page
    bucket.objects[f"{key_of(2)}.manifest.json"] = b"{"
    found = prune(bucket)
    assert backups(bucket) == ["1", "2", "3"]
    assert "is not the manifest of an archive" in found.decisions[1].reason


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda bucket: bucket.put(key_of(2), b"short", START), "has 5 bytes, its manifest gives 7"),
        (
            lambda bucket: bucket.put(
                f"{key_of(2)}.manifest.json", bucket.objects[f"{key_of(1)}.manifest.json"], START
            ),
            "so it lies beside the wrong archive",
        ),
        (
            lambda bucket: bucket.refuse("get_object", f"{key_of(2)}.manifest.json", "NoSuchKey"),
            "was removed a moment ago",
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


def test_with_a_key_only_signed_manifests_count(bucket: FakeBucket) -> None:
    for day in (0, 1, 3):
        bucket.put_backup(key_of(day), START + day * DAY, signed_with=KEY)
    found = prune(bucket, manifest_keys=["another key of some length", KEY])
    assert backups(bucket) == ["1", "2", "3"]
    assert "is not signed" in found.decisions[1].reason


def test_a_run_uuid_that_is_no_uuid_is_not_noted(bucket: FakeBucket) -> None:
    bucket.put_backup(key_of(0), START, run_uuid="../../etc/x")
    assert [one.run_uuid for one in prune(bucket).removals] == [None, UUID]


def test_locked_backups_stay(bucket: FakeBucket) -> None:
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


def test_a_backup_that_is_held_during_retention_stays(bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    def hold_meanwhile(*arguments: t.Any) -> t.Any:
        bucket.put(f"{key_of(0)}.hold", b"", NOW)
        return decide(*arguments)

    monkeypatch.setattr(prune_module, "decide", hold_meanwhile)
    assert prune(bucket).decisions[3].reason == "a hold was set a moment ago"
    assert backups(bucket) == ["0", "2", "3"]


def test_a_refusal_is_reported_once_and_the_others_are_removed(bucket: FakeBucket) -> None:
    bucket.put_backup(key_of(4), NOW)
    for day in (0, 2):
        bucket.refuse("delete_object", f"{key_of(day)}.manifest.json", "AccessDenied")
    found = prune(bucket)
    (problem,) = found.problems
    assert problem.startswith(
        f"retention: backup_20260101_030000 was not removed: DeleteObject of s3://vex/{key_of(0)}.manifest.json"
    )
    assert "grant them s3:DeleteObject" in problem
    assert problem.endswith("; 1 more could not be removed either")
    assert backups(bucket) == ["0", "2", "3"]
    assert [one.key for one in found.removals] == [key_of(1)]
    assert found.decisions[4].keep
    assert found.decisions[4].reason.startswith("the bucket refused to remove it: DeleteObject of")
    # One request each: a refused removal is tried again by the next run only.
    deleted = [key for operation, key in bucket.requests if operation == "delete_object"]
    assert sorted(set(deleted)) == sorted(deleted)


def test_a_refusal_of_the_archive_is_reported_too(bucket: FakeBucket) -> None:
    bucket.refuse("delete_object", key_of(0), "AccessDenied")
    found = prune(bucket)
    (problem,) = found.problems
    assert problem.startswith("retention: backup_20260101_030000 is only half removed: DeleteObject of")
    assert backups(bucket) == ["2", "3"]
    assert len(found.removals) == 2
    # The archive that is left is reported once it is old.
    bucket.put_backup(key_of(10), START + 10 * DAY)
    assert prune(bucket, now=START + 10 * DAY, keep_last=9).leftovers == [key_of(0)]


def test_a_store_that_deletes_nothing_for_now_is_waited_for_once(bucket: FakeBucket) -> None:
    for day in (0, 1):
        bucket.refuse("delete_object", f"{key_of(day)}.manifest.json", "SlowDown")
    (problem,) = prune(bucket).problems
    assert problem.startswith("retention stopped before its end: ")
    deleted = [key for operation, key in bucket.requests if operation == "delete_object"]
    assert deleted == [f"{key_of(0)}.manifest.json"]


@pytest.mark.parametrize("error", [StoreFailed("away"), Interrupted("away")])
def test_an_error_that_stops_retention_is_reported_with_the_removals(bucket: FakeBucket, error: BackupError) -> None:
    """The log tables must note the removals before an unreachable store, or a signal."""
    bucket.refused["delete_object", key_of(0)] = error
    found = prune(bucket)
    assert found.problems == ["retention stopped before its end: away"]
    assert [one.key for one in found.removals] == [key_of(0)]
    assert backups(bucket) == ["1", "2", "3"]


def test_a_signal_between_two_removals_notes_the_first(
    bucket: FakeBucket, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal is raised wherever the process is, such as before the log line of the second removal."""

    class InterruptedLog(RunLog):
        def info(self, message: str) -> None:
            if key_of(1) in message:
                raise Interrupted("this step was interrupted by SIGTERM")

    use(bucket, monkeypatch)
    request = dataclasses.replace(REQUEST, spool_dir=str(tmp_path / "spool"), log_database=UNREACHABLE)
    result = prune_module.prune_bucket(request, InterruptedLog(None))
    assert [one["removed"] for one in result["decisions"]] == [False, False, False, True]
    assert "retention stopped before its end: this step was interrupted by SIGTERM" in result["message"]
    assert "a later run notes them in the log tables" in result["message"], "the removal was not delivered"
    assert backups(bucket) == ["1", "2", "3"]


def test_markers_of_a_bucket_that_keeps_versions(bucket: FakeBucket) -> None:
    bucket.versioned = True
    assert prune(bucket, keep_last=3).markers == [f"{key_of(0)}{suffix}" for suffix in (".manifest.json", "")]


@pytest.mark.parametrize("page", [1, 1000])
def test_unfinished_uploads_are_aborted(bucket: FakeBucket, page: int) -> None:
    bucket.page = page
    old, young = START + 3 * DAY - 8 * DAY, START + 3 * DAY - 6 * DAY
    ours = [key_of(0), f"{key_of(1)}.manifest.json"]
    others = {key_of(2): young, "p/db1/something": old, "p/db10/2026/01/backup_20250101_030000.zip": old}
    bucket.uploads = {**dict.fromkeys(ours, old), **others}
    assert prune(bucket, keep_last=9).aborted == ours
    assert bucket.uploads == others


def test_unfinished_uploads_are_aborted_where_all_backups_are_kept(bucket: FakeBucket) -> None:
    bucket.uploads = {key_of(0): START - 30 * DAY}
    found = prune(bucket, keep_last=0)
    assert (found.aborted, bucket.uploads, found.removals) == ([key_of(0)], {}, [])
    assert backups(bucket) == ["0", "1", "2", "3"]


def test_unfinished_uploads_that_may_not_be_listed(bucket: FakeBucket) -> None:
    bucket.refuse("list_multipart_uploads", "p/db1/", "AccessDenied")
    (problem,) = prune(bucket).problems
    assert problem.startswith("unfinished uploads were not aborted: ListMultipartUploads of s3://vex/")
    assert backups(bucket) == ["2", "3"]


@pytest.mark.parametrize("requests", range(30))
def test_after_a_crash_every_backup_in_the_bucket_is_whole(bucket: FakeBucket, requests: int) -> None:
    bucket.crash_after = requests
    try:
        prune(bucket)
    except Crash:
        assert all(key_of(int(day)) in bucket.objects for day in backups(bucket))
        for day in range(4):
            # Never a manifest without its archive.
            assert key_of(day) in bucket.objects or f"{key_of(day)}.manifest.json" not in bucket.objects
    assert backups(bucket)[-2:] == ["2", "3"]
    bucket.crash_after = None
    prune(bucket)
    assert backups(bucket) == ["2", "3"]


UNREACHABLE = LogDatabase(
    Login(host="127.0.0.1", port=1, unix_socket=None, user="u", password="", ca_cert=None, connect_timeout=1), "log"
)


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_modules_result(
    bucket: FakeBucket, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, check_mode: bool
) -> None:
    use(bucket, monkeypatch)
    monkeypatch.setattr(prune_module, "utc_now", lambda: NOW)
    for day in (0, 1):
        bucket.put_backup(key_of(day), START + day * DAY, run_uuid=f"{UUID[:-1]}{day}")
    request = dataclasses.replace(
        REQUEST, spool_dir=str(tmp_path / "spool"), log_database=UNREACHABLE, check_mode=check_mode
    )
    result = prune_module.prune_bucket(request, RunLog(None))
    assert result["changed"] is True
    assert [one["removed"] for one in result["decisions"]] == [False, False, not check_mode, not check_mode]
    assert result["decisions"][3]["name"] == "backup_20260101_030000"
    spooled = sorted(path.name for path in tmp_path.glob("spool/removals/*"))
    if check_mode:
        assert (spooled, result.keys() & {"message", "warnings"}) == ([], set())
    else:
        assert spooled == [f"{UUID[:-1]}0.json", f"{UUID[:-1]}1.json"]
        assert "a later run notes them in the log tables" in result["message"]
        assert result["warnings"] == [result["message"]]
    again = prune_module.prune_bucket(dataclasses.replace(REQUEST, check_mode=check_mode), RunLog(None))
    assert again["changed"] is check_mode


def test_the_options_make_the_policy() -> None:
    request = dataclasses.replace(REQUEST, keep_last=1, keep_daily=2, keep_weekly=3, keep_monthly=4, keep_yearly=5)
    assert request.policy == Policy(last=1, daily=2, weekly=3, monthly=4, yearly=5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unfinished_days": 0}, "unfinished_days must be at least 1"),
        ({"manifest_keys": ["short"]}, "can be guessed"),
        *(
            ({f"keep_{name}": -1}, f"keep_{name} must be at least 0")
            for name in ("last", "daily", "weekly", "monthly", "yearly")
        ),
    ],
)
def test_options_that_cannot_work(changes: t.Dict[str, t.Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        prune_module.prune_bucket(dataclasses.replace(REQUEST, **changes), RunLog(None))
