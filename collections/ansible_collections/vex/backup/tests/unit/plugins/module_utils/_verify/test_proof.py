# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the proof that is written beside an archive."""

from __future__ import annotations

import datetime
import hashlib
import json
import typing as t

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._archive.signature import check_signature
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    ManifestForged,
    NoSuchBackup,
    ObjectDiffers,
    OptionError,
)
from ansible_collections.vex.backup.plugins.module_utils._verify import proof as proof_module
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import (
    FakeBucket,
    destination,
    use,
)

KEY = "db1/2026/01/backup_20260101_030000.zip"
MOMENT = datetime.datetime(2026, 1, 1, 3)
PROVEN: t.Dict[str, t.Any] = {
    "hostname": "verifier",
    "server_version": "10.11.19-MariaDB",
    "sha256": hashlib.sha256(b"x" * 7).hexdigest(),
    "tables": 2,
    "rows": 7,
    "recovery_seconds": 3,
    "compared": {"columns": 5, "definitions": 3, "sampled_rows": 7, "tables_sampled": 2},
    "notes": ["ação"],
}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> FakeBucket:
    made = FakeBucket()
    made.put_backup(KEY, MOMENT)
    use(made, monkeypatch)
    return made


def prove(**changes: t.Any) -> t.Dict[str, t.Any]:
    unset = dict.fromkeys(("manifest_key",))
    options: t.Dict[str, t.Any] = {**unset, "check_mode": False, "manifest_keys": [], **PROVEN, **changes}
    request = proof_module.ProofRequest(destination=destination(), key=KEY, patience=0, timeout=0, **options)
    return proof_module.put_proof(request)


def test_the_proof_has_all_values(bucket: FakeBucket) -> None:
    result = prove()
    assert (result["changed"], result["key"], "message" in result) == (True, f"{KEY}.proof.json", False)
    proof = json.loads(bucket.objects[f"{KEY}.proof.json"])
    assert proof == {"format": 1, "key": KEY, "proven": result["proven"], **PROVEN}


def test_with_a_key_the_proof_is_signed(bucket: FakeBucket) -> None:
    bucket.put_backup(KEY, MOMENT, signed_with="k" * 16)
    assert "message" not in prove(manifest_key="n" * 16, manifest_keys=["n" * 16, "k" * 16])
    proof = json.loads(bucket.objects[f"{KEY}.proof.json"])
    check_signature(proof, "the proof", ["n" * 16])


def test_a_host_without_the_key_of_the_backup_says_so(bucket: FakeBucket) -> None:
    bucket.put_backup(KEY, MOMENT, signed_with="k" * 16)
    result = prove()
    assert "hosts with a manifest key do not believe it; set vex_backup_manifest_key on this host" in result["message"]
    assert result["warnings"] == [result["message"]]


@pytest.mark.parametrize("key", ["manifest_key", "manifest_keys"])
def test_a_key_that_can_be_guessed_is_refused(bucket: FakeBucket, key: str) -> None:
    with pytest.raises(OptionError, match="can be guessed"):
        prove(**{key: "short" if key == "manifest_key" else ["short"]})
    assert bucket.requests == []


@pytest.mark.parametrize(
    ("manifest", "error", "message"),
    [
        ({"hostname": "db2"}, ManifestForged, "is of a backup of db2, and lies among those of db1"),
        ({"name": "backup_20260102_030000"}, ManifestForged, "is of the backup backup_20260102_030000"),
        ({"status": 3}, ManifestForged, "somebody renamed it"),
        ({"size": 8}, ObjectDiffers, "it was replaced meanwhile, so no proof was written; prove it again"),
        ({"signed_with": "another key of some length"}, ManifestForged, "does not have a valid signature"),
    ],
)
def test_a_backup_that_is_not_the_restored_one_gets_no_proof(
    bucket: FakeBucket, manifest: t.Dict[str, t.Any], error: t.Type[Exception], message: str
) -> None:
    bucket.put_backup(KEY, MOMENT, **{"signed_with": "k" * 16, **manifest})
    with pytest.raises(error, match=message):
        prove(manifest_keys=["k" * 16])
    assert f"{KEY}.proof.json" not in bucket.objects


def test_check_mode_writes_nothing(bucket: FakeBucket) -> None:
    assert prove(check_mode=True)["changed"]
    assert f"{KEY}.proof.json" not in bucket.objects


@pytest.mark.parametrize("gone", [KEY, f"{KEY}.manifest.json"])
def test_a_removed_backup_gets_no_proof(bucket: FakeBucket, gone: str) -> None:
    del bucket.objects[gone]
    with pytest.raises(NoSuchBackup, match="is no longer in the bucket: no proof was written"):
        prove()
    assert f"{KEY}.proof.json" not in bucket.objects
