# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Retention in a bucket: unfinished uploads, backups that are being restored, and proofs that count."""

from __future__ import annotations

import typing as t

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._repository.prune import NO_NOTES, prune_objects
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._repository.pruning import (
    DAY,
    KEY,
    NOW,
    REQUEST,
    START,
    UUID,
    backups,
    key_of,
    make_bucket,
    prune,
)
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import FakeBucket, open_store


@pytest.fixture
def bucket() -> FakeBucket:
    return make_bucket()


@pytest.mark.parametrize("page", [1, 1000])
def test_unfinished_uploads_are_aborted(bucket: FakeBucket, page: int) -> None:
    bucket.page = page
    old, young = START + 3 * DAY - 8 * DAY, START + 3 * DAY - 6 * DAY
    ours = [key_of(0), f"{key_of(1)}.manifest.json"]
    others = {key_of(2): young, "p/db1/something": old, "p/db10/2026/01/backup_20250101_030000.zip": old}
    bucket.uploads = {**dict.fromkeys(ours, old), **others}
    bucket.parts = {ours[0]: [old] * 3}
    assert prune(bucket, keep_last=9).aborted == ours
    assert bucket.uploads == others


def test_unfinished_uploads_are_aborted_where_all_backups_are_kept(bucket: FakeBucket) -> None:
    bucket.uploads = {key_of(0): START - 30 * DAY}
    found = prune(bucket, keep_last=0)
    assert (found.aborted, bucket.uploads, found.removals) == ([key_of(0)], {}, [])
    assert backups(bucket) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("page", [1, 1000])
def test_an_upload_that_still_gets_parts_is_in_progress(bucket: FakeBucket, page: int) -> None:
    """A slow one of another run, host or account began long ago."""
    bucket.page = page
    old, young = START + 3 * DAY - 8 * DAY, START + 3 * DAY - 6 * DAY
    bucket.uploads = {key_of(0): old, key_of(1): old, key_of(2): old}
    bucket.parts = {key_of(0): [old, old, young], key_of(1): [young, old], key_of(2): []}
    assert prune(bucket, keep_last=9).aborted == [key_of(2)]
    assert list(bucket.uploads) == [key_of(0), key_of(1)]


def test_an_upload_that_ends_meanwhile_is_no_failure(bucket: FakeBucket) -> None:
    bucket.uploads = {key_of(0): START - 30 * DAY}
    bucket.refuse("list_parts", key_of(0), "NoSuchUpload")
    bucket.refuse("abort_multipart_upload", key_of(0), "NoSuchUpload")
    found = prune(bucket, keep_last=9)
    assert (found.aborted, found.problems) == ([key_of(0)], [])


def test_an_upload_whose_parts_may_not_be_listed_is_left_alone(bucket: FakeBucket) -> None:
    bucket.uploads = {key_of(0): START - 30 * DAY}
    bucket.uploads[key_of(1)] = START - 30 * DAY
    bucket.refuse("list_parts", key_of(0), "AccessDenied")
    found = prune(bucket, keep_last=9)
    assert (found.problems, found.aborted) == ([], [key_of(1)])
    assert list(bucket.uploads) == [key_of(0)]


def test_without_a_list_of_parts_the_beginning_counts(bucket: FakeBucket) -> None:
    bucket.uploads = {key_of(0): START - 30 * DAY}
    bucket.refuse("list_parts", key_of(0), "NotImplemented")
    assert prune(bucket, keep_last=9).aborted == [key_of(0)]


def test_a_refusal_of_all_requests_ends_the_aborts(bucket: FakeBucket) -> None:
    bucket.uploads = {key_of(0): START - 30 * DAY}
    bucket.refuse("list_parts", key_of(0), "ExpiredToken")
    (problem,) = prune(bucket, keep_last=9).problems
    assert problem.startswith("unfinished uploads were not aborted: ListParts of s3://vex/")


def test_a_backup_that_is_being_restored_stays(bucket: FakeBucket) -> None:
    for day in (0, 1):
        bucket.put_backup(key_of(day), START + day * DAY, run_uuid=f"{UUID[:-1]}{day}")
    reader = {f"{UUID[:-1]}0": "a restore on db9, since 2026-01-05 02:59:00 (UTC)"}
    with open_store(bucket) as store:
        found = prune_objects(REQUEST, store, NOW, RunLog(None), NO_NOTES, lambda: reader)
    assert backups(bucket) == ["0", "2", "3"]
    assert [(one.keep, one.reason) for one in found.decisions[2:]] == [
        (False, "no rule keeps it"),
        (True, "in use: a restore on db9, since 2026-01-05 02:59:00 (UTC)"),
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, "is not a proof of this release"),
        ({"sha256": "0" * 64}, "proves an archive of SHA-256 000"),
        ({"proven": "2025-12-31 03:00:00"}, "is of 2025-12-31 03:00:00, and the archive was uploaded later"),
        ({"signed_with": "another key of some length"}, "does not have a valid signature of the manifest key"),
        ({"signed_with": None}, "is not signed, and a manifest key is set"),
    ],
)
def test_a_proof_that_is_not_believed_keeps_no_backup(
    bucket: FakeBucket, changes: t.Dict[str, t.Any], reason: str
) -> None:
    for day in range(4):
        bucket.put_backup(key_of(day), START + day * DAY, signed_with=KEY)
    bucket.put_proof(key_of(0), NOW, **{"signed_with": KEY, **changes})
    bucket.put_proof(key_of(1), NOW, signed_with=KEY)
    found = prune(bucket, manifest_keys=[KEY])
    assert backups(bucket) == ["1", "2", "3"]
    assert f"{key_of(0)}.proof.json" not in bucket.objects
    assert found.decisions[2].reason == "the newest that was proven to restore"
    assert found.decisions[3].reason.startswith(
        f"no rule keeps it, and its proof is not believed: s3://vex/{key_of(0)}.proof.json {reason}"
    )


def test_unfinished_uploads_that_may_not_be_listed(bucket: FakeBucket) -> None:
    bucket.refuse("list_multipart_uploads", "p/db1/", "AccessDenied")
    (problem,) = prune(bucket).problems
    assert problem.startswith("unfinished uploads were not aborted: ListMultipartUploads of s3://vex/")
    assert backups(bucket) == ["2", "3"]
