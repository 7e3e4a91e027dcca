"""s3_upload on a real object store, and through a proxy that fails on purpose."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.files import sha256_of
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    ObjectDiffers,
    StoreFailed,
    UploadFailed,
)
from tests.integration.uploading import KEY, MEBIBYTE, PARTS, SINGLE, SIZES, Uploads, cleared
from tests.modules import ModuleProcess
from tests.servers.s3_proxy import S3Proxy
from tests.servers.seaweedfs import SeaweedFS


@pytest.fixture(params=SIZES, ids=["single", "parts"])
def uploads(request: pytest.FixtureRequest, s3: SeaweedFS, tmp_path: Path) -> Iterator[Uploads]:
    with cleared(s3):
        yield Uploads(s3, tmp_path / "b.zip", request.param)


only_parts = pytest.mark.parametrize("uploads", [PARTS], indirect=True)
only_single = pytest.mark.parametrize("uploads", [SINGLE], indirect=True)


def test_upload_and_repeat(uploads: Uploads) -> None:
    result = uploads.run(metadata={"run_uuid": "u1"})
    data = uploads.path.read_bytes()
    parts = 1 if len(data) == SINGLE else 3
    assert result == {
        "bucket": uploads.s3.bucket,
        "key": KEY,
        "manifest_key": f"{KEY}.manifest.json",
        "url": f"s3://{uploads.s3.bucket}/{KEY}",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "etag": result["etag"],
        "parts": parts,
        "pending": [],
        "changed": True,
        "status": 1,
        "upload_started": result["upload_started"],
        "upload_finished": result["upload_finished"],
    }
    assert uploads.content(KEY) == data
    assert uploads.content(f"{KEY}.manifest.json") == uploads.manifest.read_bytes()
    head = uploads.client.head_object(Bucket=uploads.s3.bucket, Key=KEY, ChecksumMode="ENABLED")
    assert head["Metadata"] == {"sha256": result["sha256"], "run_uuid": "u1"}
    assert head["ETag"].strip('"') == result["etag"]
    assert "ChecksumSHA256" in head
    assert uploads.unfinished() == []
    before = uploads.bucket()
    again = uploads.run(metadata={"run_uuid": "u1"})
    times = {name: again[name] for name in ("upload_started", "upload_finished")}
    assert again == {**result, "changed": False, **times}
    assert uploads.bucket() == before


def test_the_manifest_comes_last(uploads: Uploads, s3_proxy: S3Proxy) -> None:
    uploads.run(endpoint_url=s3_proxy.endpoint)
    paths = [path.partition("?")[0] for _, path in s3_proxy.requests]
    writes = [path for (method, _), path in zip(s3_proxy.requests, paths, strict=True) if method in ("PUT", "POST")]
    assert writes[-1].endswith(".zip.manifest.json")
    assert not any(path.endswith(".manifest.json") for path in writes[:-1])
    # The archive is verified after its last write and before the first write of the manifest.
    first = max(index for index, path in enumerate(paths) if path == writes[-2])
    assert s3_proxy.requests[first][0] == "HEAD"


def test_only_the_archive(uploads: Uploads) -> None:
    assert uploads.run(manifest=None)["manifest_key"] is None
    assert list(uploads.bucket()) == [KEY]


@only_single
def test_an_empty_file(uploads: Uploads) -> None:
    uploads.path.write_bytes(b"")
    uploads.describe()
    assert uploads.run()["size"] == 0
    assert uploads.content(KEY) == b""
    assert uploads.run()["changed"] is False


def test_with_boto3s_own_checksums(uploads: Uploads) -> None:
    assert uploads.run(request_checksum_calculation="when_supported")["changed"] is True
    assert uploads.content(KEY) == uploads.path.read_bytes()


def test_another_object_of_the_same_key_stays(uploads: Uploads) -> None:
    uploads.client.put_object(Bucket=uploads.s3.bucket, Key=KEY, Body=b"other")
    assert f"s3://vex/{KEY} exists and is not" in uploads.refusal(ObjectDiffers)


def test_another_manifest_of_the_same_key_stays(uploads: Uploads) -> None:
    uploads.client.put_object(Bucket=uploads.s3.bucket, Key=f"{KEY}.manifest.json", Body=b"{}")
    assert "manifest.json exists and is not" in uploads.refusal(ObjectDiffers)


def test_an_upload_that_was_killed_before_its_manifest_is_completed(uploads: Uploads) -> None:
    uploads.run(manifest=None)
    before = uploads.bucket()
    assert uploads.run()["changed"] is True
    assert uploads.bucket()[KEY] == before[KEY]
    assert uploads.run()["changed"] is False


@only_parts
def test_a_damaged_object_of_a_killed_upload_gets_no_manifest(uploads: Uploads) -> None:
    metadata = {"sha256": sha256_of(str(uploads.path))}
    damaged = b"x" * uploads.path.stat().st_size
    uploads.client.put_object(Bucket=uploads.s3.bucket, Key=KEY, Body=damaged, Metadata=metadata)
    assert "checksum of" in uploads.refusal(UploadFailed)


@only_parts
def test_only_unfinished_uploads_of_the_key_are_aborted(uploads: Uploads) -> None:
    for key in (KEY, KEY, f"{KEY}.other", "elsewhere"):
        uploads.client.create_multipart_upload(Bucket=uploads.s3.bucket, Key=key)
    uploads.run()
    assert sorted(uploads.unfinished()) == ["elsewhere", f"{KEY}.other"]
    assert "aborted an unfinished upload" in uploads.log.read_text()


def test_an_archive_that_changed_after_it_was_packed_never_appears(uploads: Uploads) -> None:
    packed = sha256_of(str(uploads.path))
    with uploads.path.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(bytes([uploads.path.read_bytes()[-1] ^ 1]))
    message = uploads.refusal(UploadFailed)
    assert f"its manifest gives {packed}: the archive was changed after it was packed" in message
    uploads.describe()
    uploads.run()
    uploads.manifest.write_text(json.dumps({"archive": {"sha256": packed}}))
    uploads.refusal(ObjectDiffers)


def test_a_repeated_upload_finds_that_the_archive_changed(uploads: Uploads) -> None:
    uploads.run()
    with uploads.path.open("r+b") as stream:
        stream.write(b"changed")
    assert "the archive was changed after it was packed" in uploads.refusal(UploadFailed)


def test_a_missing_bucket_is_named(uploads: Uploads) -> None:
    message = uploads.refusal(StoreFailed, bucket="missing")
    assert "s3://missing/" in message
    assert "the bucket does not exist: create it, or correct bucket" in message
    assert uploads.s3.endpoint in message


def test_access_denied(uploads: Uploads) -> None:
    message = uploads.refusal(StoreFailed, access_key=uploads.s3.ro_access_key, secret_key=uploads.s3.ro_secret_key)
    assert "grant them s3:PutObject" in message
    assert uploads.s3.ro_secret_key not in message


@pytest.mark.parametrize(
    ("options", "remedy"),
    [({"access_key": "NOSUCHKEY"}, "correct access_key"), ({"secret_key": "wrong-secret"}, "correct secret_key")],
)
def test_bad_keys(uploads: Uploads, options: dict[str, str], remedy: str) -> None:
    message = uploads.refusal(StoreFailed, **options)
    assert remedy in message
    assert "wrong-secret" not in message


def test_the_module_as_ansible_runs_it(uploads: Uploads) -> None:
    module = ModuleProcess("s3_upload", uploads.options(run_log=str(uploads.log), metadata={"run_uuid": "u1"}))
    result = module.result()
    assert (result["changed"], result["status"], result["url"]) == (True, 1, f"s3://vex/{KEY}")
    assert uploads.content(KEY) == uploads.path.read_bytes()
    assert uploads.s3.secret_key not in module.output + uploads.log.read_text()
    assert ModuleProcess("s3_upload", uploads.options()).result()["changed"] is False


def test_failure_of_the_module(uploads: Uploads) -> None:
    result = ModuleProcess("s3_upload", uploads.options(bucket="missing", run_log=str(uploads.log))).result()
    assert (result["failed"], result["status"]) == (True, 3)
    assert "[ERROR] - PutObject" in uploads.log.read_text().replace("CreateMultipartUpload", "PutObject")


def test_check_mode(uploads: Uploads) -> None:
    def check(**options: Any) -> dict[str, Any]:
        before = uploads.bucket()
        result = uploads.run(check_mode=True, **options)
        assert uploads.bucket() == before
        return result

    assert check()["changed"] is True
    uploads.run(manifest=None)
    assert (check()["changed"], check(manifest=None)["changed"]) == (True, False)
    uploads.run()
    assert check()["changed"] is False
    uploads.path.write_bytes(b"other")
    uploads.describe()
    assert "exists and is not" in uploads.refusal(ObjectDiffers, check_mode=True)
    assert check(src="/none", manifest="/none")["changed"] is True
    assert "HeadBucket" in uploads.refusal(StoreFailed, check_mode=True, src="/none", bucket="missing")


@only_single
def test_memory_does_not_grow_with_the_file(uploads: Uploads) -> None:
    uploads.grow(256 * MEBIBYTE)
    module = ModuleProcess("s3_upload", uploads.options(part_size=64))
    status = Path(f"/proc/{module.process.pid}/status")
    peak = 0
    while found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text()):
        peak = int(found.group(1))
        time.sleep(0.01)
    assert module.result()["parts"] == 4
    assert 30 * 1024 < peak < 150 * 1024
