# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups that are held and released."""

from __future__ import annotations

import base64
import datetime
import hashlib
import typing as t

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._errors import NoSuchBackup
from ansible_collections.vex.backup.plugins.module_utils._repository import hold as hold_module
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import (
    FakeBucket,
    destination,
    use,
)

KEY = "db1/2026/01/backup_20260101_030000.zip"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> FakeBucket:
    made = FakeBucket()
    made.put_backup(KEY, datetime.datetime(2026, 1, 1, 3))
    use(made, monkeypatch)
    return made


def hold(state: str, name: str = "backup_20260101_030000", *, check_mode: bool = False) -> t.Dict[str, t.Any]:
    request = hold_module.HoldRequest(
        destination=destination(server_side_encryption="aws:kms", kms_key_id="K"),
        prefix="",
        hostname="db1",
        name=name,
        state=state,
        patience=0,
        timeout=None,
        check_mode=check_mode,
    )
    return hold_module.hold(request)


def test_hold_and_release(bucket: FakeBucket) -> None:
    assert hold("present", check_mode=True) == {"changed": True, "key": KEY}
    assert hold("absent")["changed"] is False
    assert f"{KEY}.hold" not in bucket.objects
    assert [hold("present")["changed"], hold("present")["changed"]] == [True, False]
    assert bucket.objects[f"{KEY}.hold"] == b""
    assert [hold("absent")["changed"], f"{KEY}.hold" in bucket.objects] == [True, False]


def test_the_hold_has_a_checksum(bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket with a retention of its own refuses objects without one."""
    put, checksums = bucket.put_object, []

    def put_checked(**params: t.Any) -> t.Dict[str, t.Any]:
        checksums.append((params["ChecksumAlgorithm"], params["ChecksumSHA256"]))
        assert (params["ServerSideEncryption"], params["SSEKMSKeyId"]) == ("aws:kms", "K")
        return put(**params)

    monkeypatch.setattr(bucket, "put_object", put_checked)
    hold("present")
    assert checksums == [("SHA256", base64.b64encode(hashlib.sha256(b"").digest()).decode())]


@pytest.mark.usefixtures("bucket")
def test_a_missing_backup_is_not_held() -> None:
    with pytest.raises(NoSuchBackup):
        hold("present", "backup_20260102_030000")


def test_a_hold_that_comes_too_late(bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    put = bucket.put_object

    def put_late(**params: t.Any) -> t.Dict[str, t.Any]:
        del bucket.objects[f"{KEY}.manifest.json"]
        return put(**params)

    monkeypatch.setattr(bucket, "put_object", put_late)
    with pytest.raises(NoSuchBackup, match="was not held: retention removed it a moment ago"):
        hold("present")
