"""``backup_trial`` on a real store, whose refusals come from a proxy in front of it."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._arguments import request
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, OptionError, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.trial import CONTENT, TrialRequest, try_bucket
from tests.destinations import s3_destination
from tests.servers.s3_proxy import S3Proxy, operation_of
from tests.servers.seaweedfs import SeaweedFS

NEEDS = ["list", "write", "read", "remove", "parts"]
MET = dict.fromkeys(NEEDS, "")
DENIED = "AccessDenied"


class Bucket:
    """A bucket of the store behind a proxy, and the trials in it."""

    def __init__(self, s3: SeaweedFS, proxy: S3Proxy, name: str) -> None:
        self.s3 = s3
        self.proxy = proxy
        self.name = name
        self.client = s3.client()
        self.hostname = f"db-{secrets.token_hex(4)}"
        self.key = f"mysql/{self.hostname}/vex-backup-check"

    def run(self, **options: Any) -> dict[str, Any]:
        given = {
            "access_key": self.s3.access_key,
            "secret_key": self.s3.secret_key,
            "endpoint_url": self.proxy.endpoint,
            "bucket": self.name,
            "prefix": "mysql",
            "hostname": self.hostname,
            "retention": True,
            "timeout": 60,
            **options,
        }
        return try_bucket(request(TrialRequest, given, destination=s3_destination(given)))

    def failures(self, **options: Any) -> dict[str, str]:
        """Return what was tried of a trial that fails."""
        with pytest.raises(BackupError) as caught:
            self.run(**options)
        needs: dict[str, str] = caught.value.details["needs"]
        assert all(text in str(caught.value) for text in needs.values())
        assert self.s3.secret_key not in str(caught.value)
        return needs

    @property
    def operations(self) -> list[str | None]:
        """The operations of the trials so far."""
        return [operation_of(*one) for one in self.proxy.requests]

    def contents(self) -> tuple[list[Any], list[Any], list[Any]]:
        """Return all versions, delete markers and unfinished uploads of the host, without their times."""
        prefix = f"mysql/{self.hostname}/"
        listed = self.client.list_object_versions(Bucket=self.name, Prefix=prefix)
        uploads = self.client.list_multipart_uploads(Bucket=self.name, Prefix=prefix).get("Uploads", [])
        return (
            [(one["Key"], one["VersionId"], one["IsLatest"]) for one in listed.get("Versions", [])],
            [(one["Key"], one["VersionId"]) for one in listed.get("DeleteMarkers", [])],
            [one["Key"] for one in uploads],
        )


@pytest.fixture
def bucket(s3: SeaweedFS, s3_proxy: S3Proxy) -> Iterator[Bucket]:
    made = Bucket(s3, s3_proxy, s3.bucket)
    yield made
    for upload in made.client.list_multipart_uploads(Bucket=made.name).get("Uploads", []):
        made.client.abort_multipart_upload(Bucket=made.name, Key=upload["Key"], UploadId=upload["UploadId"])
    made.client.delete_object(Bucket=made.name, Key=made.key)


@pytest.fixture
def versioned(s3: SeaweedFS, s3_proxy: S3Proxy) -> Bucket:
    """Make a bucket that keeps versions, and may lock them."""
    made = Bucket(s3, s3_proxy, f"locked-{secrets.token_hex(4)}")
    s3.make_bucket(made.name, locked=True)
    return made


def test_all_is_tried_and_nothing_left(bucket: Bucket) -> None:
    result = bucket.run(storage_class="STANDARD")
    assert result == {"changed": False, "bucket": bucket.name, "key": bucket.key, "needs": MET, "notes": {}}
    assert {
        *("ListObjectsV2", "PutObject", "HeadObject", "GetObject", "DeleteObject"),
        *("ListMultipartUploads", "CreateMultipartUpload", "UploadPart", "ListParts", "AbortMultipartUpload"),
    } == set(bucket.operations)
    assert bucket.contents() == ([], [], [])


@pytest.mark.parametrize(
    ("operation", "need", "right", "is_for_readers"),
    [
        ("ListObjectsV2", "list", "s3:ListBucket", True),
        ("PutObject", "write", "s3:PutObject", False),
        ("GetObject", "read", "s3:GetObject", True),
        ("DeleteObject", "remove", "s3:DeleteObject", True),
        ("ListMultipartUploads", "parts", "s3:ListBucketMultipartUploads", True),
        ("ListParts", "parts", "s3:ListMultipartUploadParts", True),
        ("CreateMultipartUpload", "parts", "s3:PutObject", False),
        ("UploadPart", "parts", "s3:PutObject", False),
        ("AbortMultipartUpload", "parts", "s3:AbortMultipartUpload", False),
    ],
)
def test_a_refused_right_is_named(bucket: Bucket, operation: str, need: str, right: str, is_for_readers: bool) -> None:
    bucket.proxy.denied = {operation: DENIED}
    needs = bucket.failures()
    assert [name for name, text in needs.items() if text] == [need]
    left = f": s3://{bucket.name}/{bucket.key} remains, and no later check writes a second one"
    left = left if need == "remove" else ""
    assert needs[need].startswith(f"{right} is refused{left}: {operation} of s3://{bucket.name}/")
    assert set(needs) == ({"list", "write", "parts"} if need == "write" else set(NEEDS))
    if is_for_readers:
        result = bucket.run(retention=False)
        assert (result["needs"], list(result["notes"])) == (MET, [need])
        assert result["notes"][need] == f"{right} is refused, which only retention, list and restore need{left}"


def test_a_store_that_lists_no_uploads(bucket: Bucket) -> None:
    bucket.proxy.denied = dict.fromkeys(("ListMultipartUploads", "ListParts"), "NotImplemented")
    result = bucket.run()
    assert result["needs"] == MET
    assert result["notes"] == {"parts": "the store does not list unfinished uploads, so nobody finds them"}


def test_every_refusal_is_named(bucket: Bucket) -> None:
    bucket.proxy.denied = dict.fromkeys(("ListObjectsV2", "GetObject", "DeleteObject", "AbortMultipartUpload"), DENIED)
    needs = bucket.failures()
    assert [name for name, text in needs.items() if text] == ["list", "read", "remove", "parts"]


def test_what_could_not_be_removed_stays_one(bucket: Bucket) -> None:
    bucket.proxy.denied = {"DeleteObject": DENIED, "AbortMultipartUpload": DENIED}
    for _ in range(2):
        bucket.failures()
        assert bucket.contents()[::2] == ([(bucket.key, "null", True)], [bucket.key])
    bucket.proxy.denied = {}
    assert bucket.run()["needs"] == MET
    assert bucket.contents() == ([], [], [])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bucket": "nowhere"}, "the bucket does not exist"),
        ({"secret_key": "canary"}, "correct secret_key"),
        ({"endpoint_url": "http://127.0.0.1:1"}, "could not be reached"),
    ],
)
def test_a_store_that_takes_no_request_is_reported_once(bucket: Bucket, options: dict[str, str], words: str) -> None:
    needs = bucket.failures(**options)
    assert list(needs) == ["list"]
    assert words in needs["list"]


def test_an_object_in_cold_storage_is_not_read(bucket: Bucket) -> None:
    bucket.proxy.denied = {"GetObject": "InvalidObjectState"}
    result = bucket.run()
    assert result["needs"] == MET
    assert result["notes"] == {"read": "objects of this storage class cannot be read before they are thawed"}


def test_an_object_that_changes_on_its_way(bucket: Bucket) -> None:
    changed = b"x" * len(CONTENT)

    def change() -> None:
        bucket.client.put_object(Bucket=bucket.name, Key=bucket.key, Body=changed)

    # The first GET is the list.
    bucket.proxy.call_at("GET", 2, change)
    needs = bucket.failures()
    assert [name for name, text in needs.items() if text] == ["read"]
    assert "was read as other bytes than were written" in needs["read"]
    assert bucket.contents() == ([], [], [])


def test_another_object_of_this_name(bucket: Bucket) -> None:
    """It is not the check's, so the check removes it like a leftover: no backup has such a key."""
    bucket.client.put_object(Bucket=bucket.name, Key=bucket.key, Body=b"of somebody else")
    assert bucket.run()["needs"] == MET
    assert bucket.contents() == ([], [], [])


def test_a_bucket_with_versions_is_left_as_it_was(versioned: Bucket) -> None:
    assert (versioned.run()["needs"], versioned.contents()) == (MET, ([], [], []))


def test_a_version_that_may_not_be_removed(versioned: Bucket) -> None:
    versioned.proxy.denied = {"DeleteObjectVersion": DENIED}
    result = versioned.run()
    assert result["needs"] == MET
    assert result["notes"] == {
        "remove": f"a version of s3://{versioned.name}/{versioned.key} remains, because the bucket refused to remove "
        "it, behind a delete marker, as of all that retention removes"
    }


def test_a_locked_object_remains_and_stays_one(versioned: Bucket) -> None:
    rule: Any = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}}
    versioned.client.put_object_lock_configuration(
        Bucket=versioned.name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)
    for _ in range(2):
        result = versioned.run()
        assert result["needs"] == MET
        assert result["notes"]["remove"].startswith(
            f"s3://{versioned.name}/{versioned.key} remains, and no later check writes a second one: "
            f"locked by the bucket until {until:%Y-%m-%d}"
        )
        versions, markers, uploads = versioned.contents()
        assert ([(key, latest) for key, _version, latest in versions], markers, uploads) == (
            [(versioned.key, True)],
            [],
            [],
        )


def test_a_lock_that_may_not_be_seen(versioned: Bucket) -> None:
    """Without the right to see locks, the refusal of the removal shows it; the marker is taken back."""
    versioned.client.put_object_lock_configuration(
        Bucket=versioned.name,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
        },
    )
    versioned.proxy.denied = {"HeadObject": DENIED, "GetObject": DENIED}
    for _ in range(2):
        result = versioned.run(retention=False)
        assert result["notes"]["remove"] == (
            f"a version of s3://{versioned.name}/{versioned.key} remains, because the bucket refused to remove it"
        )
        assert len(versioned.contents()[0]) == 1


def test_options_that_cannot_work(bucket: Bucket) -> None:
    with pytest.raises(OptionError, match="the hostname is empty"):
        bucket.run(hostname="")
    with pytest.raises(StoreFailed, match="took longer than"):
        bucket.run(timeout=0.000001)
