# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the proof that is written beside an archive."""

from __future__ import annotations

import datetime
import json
import typing as t

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._errors import NoSuchBackup
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import S3Settings
from ansible_collections.vex.backup.plugins.module_utils._verify import proof as proof_module
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import FakeBucket, use

KEY = "db1/2026/01/backup_20260101_030000.zip"
PROVEN: t.Dict[str, t.Any] = {
    "hostname": "verifier",
    "server_version": "10.11.19-MariaDB",
    "sha256": "a" * 64,
    "tables": 2,
    "rows": 7,
    "recovery_seconds": 3,
    "compared": {"columns": 5, "definitions": 3, "sampled_rows": 7, "tables_sampled": 2},
    "notes": ["ação"],
}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> FakeBucket:
    made = FakeBucket()
    made.put_backup(KEY, datetime.datetime(2026, 1, 1, 3))
    use(made, monkeypatch)
    return made


def prove(*, check_mode: bool = False) -> t.Dict[str, t.Any]:
    request = proof_module.ProofRequest(
        s3=S3Settings(),
        bucket="vex",
        key=KEY,
        server_side_encryption=None,
        kms_key_id=None,
        patience=0,
        timeout=0,
        check_mode=check_mode,
        **PROVEN,
    )
    return proof_module.put_proof(request)


def test_the_proof_has_all_values(bucket: FakeBucket) -> None:
    result = prove()
    assert (result["changed"], result["key"]) == (True, f"{KEY}.proof.json")
    proof = json.loads(bucket.objects[f"{KEY}.proof.json"])
    assert proof == {"format": 1, "key": KEY, "proven": result["proven"], **PROVEN}


def test_check_mode_writes_nothing(bucket: FakeBucket) -> None:
    assert prove(check_mode=True)["changed"]
    assert f"{KEY}.proof.json" not in bucket.objects


@pytest.mark.parametrize("gone", [KEY, f"{KEY}.manifest.json"])
def test_a_removed_backup_gets_no_proof(bucket: FakeBucket, gone: str) -> None:
    del bucket.objects[gone]
    with pytest.raises(NoSuchBackup, match="is no longer in the bucket: no proof was written"):
        prove()
    assert f"{KEY}.proof.json" not in bucket.objects
