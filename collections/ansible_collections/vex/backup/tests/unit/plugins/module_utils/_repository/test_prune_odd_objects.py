# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Retention in a bucket with objects that cannot be read: it names them, and goes on."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._repository.prune import NO_NOTES, Pruned, prune_objects
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._repository.pruning import (
    DAY,
    KEY,
    NOW,
    REQUEST,
    START,
    UUID,
    backups,
    key_of,
)
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import FakeBucket, open_store


@pytest.fixture
def bucket() -> FakeBucket:
    """Put four backups of four days."""
    made = FakeBucket()
    for day in range(4):
        made.put_backup(key_of(day), START + day * DAY)
    return made


def prune(bucket: FakeBucket, log: t.Optional[pathlib.Path] = None, manifest_keys: t.Sequence[str] = ()) -> Pruned:
    request = dataclasses.replace(REQUEST, manifest_keys=manifest_keys)
    with open_store(bucket) as store:
        return prune_objects(request, store, NOW, RunLog(str(log) if log else None), NO_NOTES)


def test_a_manifest_that_may_not_be_read_is_named_and_the_others_are_pruned(
    bucket: FakeBucket, tmp_path: pathlib.Path
) -> None:
    bucket.put_backup(key_of(4), START + 4 * DAY)
    for day in (0, 2):
        bucket.refuse("get_object", f"{key_of(day)}.manifest.json", "AccessDenied")
    log = tmp_path / "log"
    found = prune(bucket, log=log)
    (problem,) = found.problems
    assert problem.startswith("retention: backup_20260103_030000 could not be checked, so it stays: GetObject of s3://")
    assert problem.endswith("; 1 more could not be checked either")
    assert backups(bucket) == ["0", "2", "3"]
    assert log.read_text(encoding="utf-8").count("counts for no rule of retention, and stays: GetObject of s3://") == 2


def test_a_hold_that_may_not_be_looked_for_keeps_the_backup_alone(bucket: FakeBucket) -> None:
    bucket.refuse("head_object", f"{key_of(0)}.hold", "403")
    (problem,) = prune(bucket).problems
    assert problem.startswith("retention: backup_20260101_030000 was not removed: HeadObject of s3://")
    assert backups(bucket) == ["0", "2", "3"]


def test_cold_archives_are_pruned_like_others(bucket: FakeBucket) -> None:
    bucket.cold = {key_of(day) for day in range(4)}
    found = prune(bucket)
    assert found.problems == []
    assert backups(bucket) == ["2", "3"]


def test_cold_manifests_count_as_long_as_good_ones_and_displace_none(bucket: FakeBucket) -> None:
    bucket.cold = {f"{key_of(day)}.manifest.json" for day in (0, 2)}
    bucket.metadata = {key_of(day): {"run-uuid": UUID} for day in (0, 2)}
    found = prune(bucket)
    assert found.problems == []
    assert backups(bucket) == ["1", "2", "3"]
    assert [one.reason for one in found.decisions] == [
        "1 of the newest 2",
        "manifest in cold storage; 2 of the newest 2",
        "2 of the newest 2",
        "no rule keeps it",
    ]
    assert [one[:2] for one in found.removals] == [(UUID, key_of(0))]


@pytest.mark.parametrize("metadata", [{}, {"run-uuid": "../x"}])
def test_a_cold_manifest_of_an_unknown_run_stays(bucket: FakeBucket, metadata: t.Dict[str, str]) -> None:
    """Its removal could not be noted, nor a restore of it be found."""
    bucket.cold = {f"{key_of(0)}.manifest.json"}
    bucket.metadata = {key_of(0): metadata}
    assert prune(bucket).problems == []
    assert backups(bucket) == ["0", "2", "3"]


def test_a_cold_manifest_whose_archive_may_not_be_looked_at_stays(bucket: FakeBucket) -> None:
    bucket.cold = {f"{key_of(0)}.manifest.json"}
    bucket.refuse("head_object", key_of(0), "403")
    assert prune(bucket).problems == []
    assert backups(bucket) == ["0", "2", "3"]
    bucket.refuse("head_object", key_of(0), "ExpiredToken")
    (problem,) = prune(bucket).problems
    assert problem.startswith("retention stopped before its end: ")


def test_the_newest_backup_whose_proof_cannot_be_read_stays(bucket: FakeBucket) -> None:
    """It may be the only one that was proven."""
    for day in (0, 1):
        bucket.put_proof(key_of(day), START + 2 * DAY)
    bucket.cold = {f"{key_of(day)}.proof.json" for day in (0, 1)}
    found = prune(bucket)
    assert backups(bucket) == ["1", "2", "3"]
    assert found.decisions[2].reason == "the newest whose proof could not be read"


def test_a_cold_manifest_with_a_proof_stays(bucket: FakeBucket) -> None:
    bucket.put_proof(key_of(0), START + 2 * DAY)
    bucket.cold = {f"{key_of(0)}.manifest.json"}
    bucket.metadata = {key_of(0): {"run-uuid": UUID}}
    assert prune(bucket).problems == []
    assert backups(bucket) == ["0", "2", "3"]


def test_a_cold_manifest_whose_signature_cannot_be_checked_stays(bucket: FakeBucket) -> None:
    for day in range(4):
        bucket.put_backup(key_of(day), START + day * DAY, signed_with=KEY)
    bucket.cold = {f"{key_of(0)}.manifest.json"}
    found = prune(bucket, manifest_keys=[KEY])
    assert backups(bucket) == ["0", "2", "3"]
    assert found.decisions[3].reason.startswith(
        "counts for no rule and is not removed, check it: s3://vex/p/db1/2026/01/backup_20260101_030000.zip"
        ".manifest.json is in cold storage: a restore with --thaw (vex_backup_restore_thaw)"
    )


def test_a_newest_backup_with_a_cold_manifest_refuses_the_removals(bucket: FakeBucket) -> None:
    bucket.cold = {f"{key_of(3)}.manifest.json"}
    (problem,) = prune(bucket).problems
    assert "the newest backup, backup_20260104_030000, is not whole (s3://vex/" in problem
    assert backups(bucket) == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("operation", "key", "code"),
    [
        ("list_objects_v2", "p/db1/", "AccessDenied"),
        ("get_object", f"{key_of(2)}.manifest.json", "ExpiredToken"),
        ("head_object", f"{key_of(0)}.hold", "InvalidAccessKeyId"),
        ("delete_object", f"{key_of(0)}.manifest.json", "ExpiredToken"),
    ],
)
def test_a_refusal_of_all_objects_stops_retention(bucket: FakeBucket, operation: str, key: str, code: str) -> None:
    bucket.refuse(operation, key, code)
    (problem,) = prune(bucket).problems
    assert problem.startswith("retention stopped before its end: ")
    assert code in problem
    assert backups(bucket) == ["0", "1", "2", "3"]
