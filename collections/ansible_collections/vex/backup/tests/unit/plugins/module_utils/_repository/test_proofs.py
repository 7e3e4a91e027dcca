# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Proofs that are believed and those that are not, and what else is read of backups."""

from __future__ import annotations

import datetime
import functools
import hashlib
import io
import json
import typing as t

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._archive.signature import signed
from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import build
from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestForged, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import find_backup, read_catalog
from ansible_collections.vex.backup.plugins.module_utils._repository.manifests import own_manifest
from ansible_collections.vex.backup.plugins.module_utils._repository.proofs import Doubt, Examined, examine
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import FakeBucket, open_store

UPLOADED = datetime.datetime(2026, 1, 1, 4)
LATER = datetime.datetime(2026, 1, 2, 3, 4, 5)
KEY = "p/db1/2026/01/backup_20260101_030000.zip"
PROOF = f"{KEY}.proof.json"
SECRET = "k" * 16


@pytest.fixture
def bucket() -> FakeBucket:
    made = FakeBucket()
    made.put_backup(KEY, UPLOADED, signed_with=SECRET, hostname="db1", name="backup_20260101_030000")
    made.put_proof(KEY, LATER, signed_with=SECRET)
    return made


def look(bucket: FakeBucket, *keys: str) -> Examined:
    """Examine the backup in the bucket."""
    with open_store(bucket) as store:
        (found,) = examine(store, read_catalog(store, "p", "db1").backups, keys)
    return found


@pytest.mark.parametrize("keys", [(), (SECRET,), ("another key of some length", SECRET)])
def test_a_proof_is_believed(bucket: FakeBucket, keys: t.Sequence[str]) -> None:
    found = look(bucket, *keys)
    assert (found.backup.proven, found.backup.proof) == (LATER, LATER)
    assert found.backup.run_uuid == "6f0c5d0e-2f33-4ff5-8d83-6d3c14a8a001"
    assert found.sha256 == hashlib.sha256(b"x" * 7).hexdigest()
    assert (found.backup.fault, found.backup.proof_fault, found.error, found.doubt) == (None, None, None, None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"proof"',
        b"7",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format": 1, "proven": "2026-01-02 03:04:05"}',
    ],
)
def test_a_proof_that_does_not_read_well(bucket: FakeBucket, content: bytes) -> None:
    bucket.put(PROOF, content, LATER)
    found = look(bucket)
    assert (found.backup.proven, found.doubt and found.doubt.kind) == (None, "proof_malformed")
    assert found.backup.proof_fault is not None
    assert found.backup.proof_fault.startswith(f"s3://vex/{PROOF} is not a proof of this release (")


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"format": None},
        {"proven": "yesterday"},
        {"proven": 7},
        {"proven": "2026-01-02T03:04:05Z"},
        {"sha256": None},
        {"sha256": "A" * 64},
        {"sha256": "a" * 63 + "\n"},
        {"tables": "2"},
        {"rows": None},
        {"hostname": ["spare"]},
    ],
)
def test_a_field_of_another_form(bucket: FakeBucket, changes: t.Dict[str, t.Any]) -> None:
    bucket.put_proof(KEY, LATER, signed_with=SECRET, **changes)
    found = look(bucket, SECRET)
    assert (found.backup.proven, found.doubt and found.doubt.kind) == (None, "proof_malformed")


def test_the_proof_of_another_archive(bucket: FakeBucket) -> None:
    bucket.put_proof(KEY, LATER, signed_with=SECRET, sha256="b" * 64)
    doubt = look(bucket, SECRET).doubt
    expected = f"s3://vex/{PROOF} proves an archive of SHA-256 {'b' * 64}, and not this one of"
    assert doubt is not None
    assert (doubt.kind, doubt.detail[: len(expected)]) == ("proof_foreign", expected)


def test_a_proof_that_was_copied_from_another_backup(bucket: FakeBucket) -> None:
    other = KEY.replace("0101_", "0103_")
    bucket.put_backup(other, LATER, size=9, signed_with=SECRET)
    bucket.put(f"{other}.proof.json", bucket.objects[PROOF], LATER)
    with open_store(bucket) as store:
        newer, older = examine(store, read_catalog(store, "p").backups, [SECRET])
    assert (newer.backup.proven, newer.doubt and newer.doubt.kind) == (None, "proof_foreign")
    assert older.backup.proven == LATER


@pytest.mark.parametrize(
    ("written", "proven", "is_believed"),
    [
        (UPLOADED, UPLOADED, True),
        (UPLOADED - datetime.timedelta(seconds=1), UPLOADED, False),
        # Put there again, long after it was made.
        (LATER, UPLOADED - datetime.timedelta(minutes=16), False),
        # The clock of the host that proves is a little behind the store's.
        (LATER, UPLOADED - datetime.timedelta(minutes=14), True),
    ],
)
def test_a_proof_is_newer_than_its_archive(
    bucket: FakeBucket, written: datetime.datetime, proven: datetime.datetime, is_believed: bool
) -> None:
    bucket.put_proof(KEY, written, signed_with=SECRET, proven=f"{proven:%Y-%m-%d %H:%M:%S}")
    found = look(bucket, SECRET)
    assert found.backup.proven == (min(written, proven) if is_believed else None)
    if not is_believed:
        moment = f"{min(written, proven):%Y-%m-%d %H:%M:%S}"
        detail = f"s3://vex/{PROOF} is of {moment}, and the archive was uploaded later, 2026-01-01 04:00:00"
        assert found.doubt == Doubt("proof_stale", detail)


def test_a_clock_that_is_ahead_does_not_keep_a_proof_young(bucket: FakeBucket) -> None:
    bucket.put_proof(KEY, LATER, signed_with=SECRET, proven="2999-01-01 00:00:00")
    assert look(bucket, SECRET).backup.proven == LATER


@pytest.mark.parametrize(
    "changed", [{"rows": 8}, {"hmac_sha256": "0" * 64}, {"hmac_sha256": 7}, {"more": 1}, "unsigned"]
)
def test_a_proof_without_a_valid_signature(bucket: FakeBucket, changed: t.Any) -> None:
    proof = json.loads(bucket.objects[PROOF])
    if changed == "unsigned":
        del proof["hmac_sha256"]
    else:
        proof.update(changed)
    bucket.put(PROOF, json.dumps(proof).encode(), LATER)
    assert look(bucket).backup.proven == LATER
    doubt = look(bucket, SECRET).doubt
    what = "is not signed, and a manifest key is set" if changed == "unsigned" else "does not have a valid signature"
    assert doubt is not None
    assert doubt.kind == "proof_unsigned"
    assert what in doubt.detail
    assert doubt.detail.endswith("set vex_backup_manifest_key on 'spare', which proved it, and prove the backup again")


def test_a_proof_signed_with_another_key(bucket: FakeBucket) -> None:
    bucket.put(PROOF, json.dumps(signed(json.loads(bucket.objects[PROOF]), "x" * 16)).encode(), LATER)
    doubt = look(bucket, SECRET).doubt
    assert doubt is not None
    assert doubt.kind == "proof_unsigned"


def test_a_proof_of_tables_whose_names_are_no_utf_8(bucket: FakeBucket) -> None:
    proof = signed({**json.loads(bucket.objects[PROOF]), "notes": ["caf\udce9"]}, SECRET)
    bucket.put(PROOF, json.dumps(proof, ensure_ascii=False).encode("utf-8", "surrogateescape"), LATER)
    assert look(bucket, SECRET).backup.proven == LATER


def test_the_proof_of_a_backup_that_cannot_be_verified_proves_nothing(bucket: FakeBucket) -> None:
    bucket.put_backup(KEY, UPLOADED, signed_with=SECRET, hostname="db2")
    found = look(bucket, SECRET)
    assert (found.backup.proven, found.doubt, found.sha256) == (None, None, None)
    assert found.backup.fault == str(found.error)
    assert "is of a backup of db2, and lies among those of db1" in found.backup.fault
    assert ("get_object", PROOF) not in bucket.requests


def test_a_proof_that_was_just_removed(bucket: FakeBucket) -> None:
    bucket.refuse("get_object", PROOF, "NoSuchKey")
    found = look(bucket)
    assert (found.backup.proven, found.backup.proof, found.doubt) == (None, None, None)


@pytest.mark.parametrize(
    ("code", "kind"), [("AccessDenied", "not_readable"), ("InvalidObjectState", "in_cold_storage")]
)
def test_a_proof_that_cannot_be_read(bucket: FakeBucket, code: str, kind: str) -> None:
    bucket.refuse("get_object", PROOF, code)
    found = look(bucket)
    assert (found.backup.proven, found.error, found.doubt and found.doubt.kind) == (None, None, kind)
    assert found.backup.proof_fault is not None
    assert PROOF in found.backup.proof_fault


@pytest.mark.parametrize("key", [PROOF, f"{KEY}.manifest.json"])
def test_a_store_that_is_away_ends_it(bucket: FakeBucket, key: str) -> None:
    bucket.refuse("get_object", key, "SlowDown")
    with pytest.raises(StoreFailed, match="SlowDown"):
        look(bucket)


@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_manifest_is_compared_with_what_its_upload_noted(
    bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch, is_damaged: bool
) -> None:
    """A byte may be flipped on the way; it is read again then."""
    get, answers = bucket.get_object, [b"damaged"] * (9 if is_damaged else 1)
    right = hashlib.sha256(bucket.objects[f"{KEY}.manifest.json"]).hexdigest()

    def answer(**params: t.Any) -> t.Dict[str, t.Any]:
        found = get(**params)
        if params["Key"].endswith(".manifest.json"):
            found["Metadata"] = {"sha256": right}
            if answers:
                found["Body"] = io.BytesIO(answers.pop() + str(len(answers)).encode())
        return found

    monkeypatch.setattr(bucket, "get_object", answer)
    found = look(bucket, SECRET)
    assert (found.error is not None, found.backup.proven) == ((True, None) if is_damaged else (False, LATER))


def test_many_backups_keep_their_order(bucket: FakeBucket) -> None:
    """One without a manifest is not read."""
    keys = [build("p", "db1", f"backup_202602{day:02}_030000", "zip") for day in range(1, 29)]
    for key in keys:
        bucket.put_backup(key, UPLOADED)
    del bucket.objects[f"{keys[3]}.manifest.json"]
    with open_store(bucket) as store:
        store.parallel = 4
        backups = read_catalog(store, "p").backups
        found = examine(store, backups, [])
    assert [one.backup.key for one in found] == [one.key for one in backups] == [*reversed(keys), KEY]
    assert [one.sha256 is None for one in found] == [one.key == keys[3] for one in backups]


@pytest.mark.parametrize(("key", "is_found"), [(KEY, True), (KEY[:-4], False), (KEY.replace("01/b", "02/b"), False)])
def test_one_backup_is_found_by_its_key(bucket: FakeBucket, key: str, is_found: bool) -> None:
    with open_store(bucket) as store:
        found = find_backup(store, key)
    assert (found is not None and found.key == KEY) is is_found


@pytest.mark.parametrize(("key", "is_own"), [("by/hand/x.zip", True), (KEY, False)])
def test_a_key_that_no_run_makes_is_nobodys_place(bucket: FakeBucket, key: str, is_own: bool) -> None:
    """Somebody uploaded the archive by hand."""
    bucket.put_backup(key, UPLOADED, hostname="db2")
    content = bucket.objects[f"{key}.manifest.json"]
    check = functools.partial(own_manifest, content, key, f"{key}.manifest.json", "it", [])
    if is_own:
        assert check()["hostname"] == "db2"
    else:
        with pytest.raises(ManifestForged):
            check()
