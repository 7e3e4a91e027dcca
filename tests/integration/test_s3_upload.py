"""s3_upload on a real object store, and through a proxy that fails on purpose."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._arguments import request
from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.files import sha256_of
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    Interrupted,
    ObjectDiffers,
    StoreFailed,
    UploadFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._store import s3 as s3_module
from ansible_collections.vex.backup.plugins.module_utils._store import write as write_module
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import Part
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import S3Settings
from ansible_collections.vex.backup.plugins.module_utils._store.upload import UploadRequest, upload
from tests.modules import ModuleProcess
from tests.servers.ports import free_port
from tests.servers.s3_proxy import S3Proxy
from tests.servers.seaweedfs import SeaweedFS

MEBIBYTE = 1024 * 1024
KEY = "mysql/db%201/2025/07/backup_20250720_161523.zip"


class Uploads:
    """Uploads of one archive and its manifest, and the state of the bucket.

    :param path: the archive
    """

    def __init__(self, s3: SeaweedFS, path: Path) -> None:
        self.s3 = s3
        self.client = s3.client()
        self.path = path
        self.manifest = Path(f"{path}.manifest.json")
        self.log = path.with_name("backup_script.log")
        self.describe()

    def describe(self) -> None:
        """Write the manifest of the archive as it is now."""
        self.manifest.write_text(json.dumps({"archive": {"sha256": sha256_of(str(self.path))}}))

    def grow(self, size: int) -> None:
        """Make the archive *size* bytes long."""
        os.truncate(self.path, size)
        self.describe()

    def options(self, **options: Any) -> dict[str, Any]:
        return {
            "access_key": self.s3.access_key,
            "secret_key": self.s3.secret_key,
            "endpoint_url": self.s3.endpoint,
            "request_checksum_calculation": "when_required",
            "src": str(self.path),
            "manifest": str(self.manifest),
            "bucket": self.s3.bucket,
            "key": KEY,
            "part_size": 5,
            "retries": 2,
            **options,
        }

    def run(self, **options: Any) -> dict[str, Any]:
        given = self.options(**options)
        unset = dict.fromkeys(("storage_class", "server_side_encryption", "kms_key_id", "timeout"))
        defaults: dict[str, Any] = {**unset, "metadata": {}, "parallel": 4, "check_mode": False}
        settings = S3Settings.from_options({**vars(S3Settings()), **given})
        return upload(request(UploadRequest, {**defaults, **given}, s3=settings), RunLog(str(self.log)))

    def refusal(self, error: type[BackupError], **options: Any) -> str:
        """Return the error message of an attempt that must not change the bucket."""
        before = self.bucket()
        with pytest.raises(error) as caught:
            self.run(**options)
        assert self.bucket() == before
        assert self.unfinished() == []
        assert caught.value.details["status"] == 3
        message = str(caught.value)
        assert self.s3.secret_key not in message
        return message

    def bucket(self) -> dict[str, tuple[int, str]]:
        """Return size and ETag of every object."""
        listed = self.client.list_objects_v2(Bucket=self.s3.bucket).get("Contents", [])
        return {item["Key"]: (item["Size"], item["ETag"]) for item in listed}

    def unfinished(self) -> list[str]:
        return [item["Key"] for item in self.client.list_multipart_uploads(Bucket=self.s3.bucket).get("Uploads", [])]

    def wait_for_parts(self) -> None:
        """Wait until an upload has sent its first parts."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for item in self.client.list_multipart_uploads(Bucket=self.s3.bucket).get("Uploads", []):
                sent = self.client.list_parts(Bucket=self.s3.bucket, Key=item["Key"], UploadId=item["UploadId"])
                if sent.get("Parts"):
                    return
            time.sleep(0.01)
        raise AssertionError("no part was sent")

    def content(self, key: str) -> bytes:
        found: bytes = self.client.get_object(Bucket=self.s3.bucket, Key=key)["Body"].read()
        return found


@pytest.fixture(autouse=True)
def clean_bucket(s3: SeaweedFS) -> Iterator[None]:
    yield
    client = s3.client()
    for item in client.list_objects_v2(Bucket=s3.bucket).get("Contents", []):
        client.delete_object(Bucket=s3.bucket, Key=item["Key"])
    for unfinished in client.list_multipart_uploads(Bucket=s3.bucket).get("Uploads", []):
        client.abort_multipart_upload(Bucket=s3.bucket, Key=unfinished["Key"], UploadId=unfinished["UploadId"])


@pytest.fixture(params=[1000, 12 * MEBIBYTE + 1], ids=["single", "parts"])
def uploads(request: pytest.FixtureRequest, s3: SeaweedFS, tmp_path: Path) -> Uploads:
    path = tmp_path / "b.zip"
    path.write_bytes(os.urandom(request.param))
    return Uploads(s3, path)


only_parts = pytest.mark.parametrize("uploads", [12 * MEBIBYTE + 1], indirect=True)
only_single = pytest.mark.parametrize("uploads", [1000], indirect=True)


def test_upload_and_repeat(uploads: Uploads) -> None:
    result = uploads.run(metadata={"run_uuid": "u1"})
    data = uploads.path.read_bytes()
    parts = 1 if len(data) == 1000 else 3
    assert result == {
        "bucket": uploads.s3.bucket,
        "key": KEY,
        "manifest_key": f"{KEY}.manifest.json",
        "url": f"s3://{uploads.s3.bucket}/{KEY}",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "etag": result["etag"],
        "parts": parts,
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
    assert f"its manifest says {packed}: the archive was changed after it was packed" in message
    uploads.describe()
    uploads.run()
    uploads.manifest.write_text(json.dumps({"archive": {"sha256": packed}}))
    uploads.refusal(ObjectDiffers)


def test_a_repeated_upload_finds_that_the_archive_changed(uploads: Uploads) -> None:
    uploads.run()
    with uploads.path.open("r+b") as stream:
        stream.write(b"changed")
    assert "the archive was changed after it was packed" in uploads.refusal(UploadFailed)


def test_no_such_bucket(uploads: Uploads) -> None:
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


@only_single
def test_connection_refused(uploads: Uploads) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    message = uploads.refusal(StoreFailed, endpoint_url=endpoint, retries=0)
    assert f"{endpoint} could not be reached" in message
    assert "check endpoint_url" in message


def test_503_for_a_while(uploads: Uploads, s3_proxy: S3Proxy) -> None:
    s3_proxy.refuse(times=3)
    assert uploads.run(endpoint_url=s3_proxy.endpoint, retries=5)["changed"] is True
    assert uploads.content(KEY) == uploads.path.read_bytes()


@pytest.mark.parametrize("method", [None, "PUT"])
def test_503_without_end(uploads: Uploads, s3_proxy: S3Proxy, method: str | None) -> None:
    s3_proxy.refuse(method=method)
    message = uploads.refusal(StoreFailed, endpoint_url=s3_proxy.endpoint, retries=1)
    assert "answered 503 for " in message
    assert "(2 attempts)" in message
    assert s3_proxy.endpoint in message


def test_connections_that_break(uploads: Uploads, s3_proxy: S3Proxy) -> None:
    s3_proxy.drop(times=2, method="PUT")
    assert uploads.run(endpoint_url=s3_proxy.endpoint, retries=5)["changed"] is True
    assert uploads.content(KEY) == uploads.path.read_bytes()


def test_connections_that_always_break(uploads: Uploads, s3_proxy: S3Proxy) -> None:
    s3_proxy.drop(method="PUT")
    message = uploads.refusal(StoreFailed, endpoint_url=s3_proxy.endpoint, retries=0)
    assert "could not be reached" in message


@only_parts
def test_the_deadline_ends_a_running_upload(uploads: Uploads, s3_proxy: S3Proxy) -> None:
    s3_proxy.refuse(method="PUT")
    began = time.monotonic()
    message = uploads.refusal(StoreFailed, endpoint_url=s3_proxy.endpoint, retries=50, timeout=3)
    assert "longer than 3 seconds: raise timeout" in message
    # A thread may be waiting before its next attempt.
    assert time.monotonic() - began < 20


@only_single
def test_the_deadline_ends_the_wait_for_a_server_that_hangs(uploads: Uploads) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        began = time.monotonic()
        message = uploads.refusal(StoreFailed, endpoint_url=endpoint, retries=10, timeout=2)
    assert "longer than 2 seconds" in message
    assert time.monotonic() - began < 10


def test_a_body_that_the_deadline_cuts_short_is_no_network_failure(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Impatient(Deadline):
        """A deadline that stops, once, when a body is read for sending."""

        sending = ended = False

        def check(self) -> None:
            if self.sending and not self.ended:
                Impatient.ended = True
                self.stop()
            super().check()

    make = s3_module.Store.request

    def request(self: s3_module.Store, operation: str, **params: Any) -> dict[str, Any]:
        if operation in ("put_object", "upload_part"):
            Impatient.sending = True
        return make(self, operation, **params)

    monkeypatch.setattr(s3_module.Store, "request", request)
    monkeypatch.setattr(s3_module, "Deadline", Impatient)
    assert "the upload was stopped because another part of it failed" in uploads.refusal(StoreFailed, retries=0)


@only_parts
def test_an_interrupted_upload_leaves_nothing(uploads: Uploads) -> None:
    uploads.grow(400 * MEBIBYTE)

    def interrupt() -> None:
        uploads.wait_for_parts()
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with ending_children():
        uploads.refusal(Interrupted)
        thread.join()


@only_parts
def test_a_failed_upload_that_is_interrupted_leaves_nothing(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    put_part, cancel = write_module._put_part, s3_module.Store.cancel

    def put_one_part(store: s3_module.Store, key: str, upload_id: str, part: Part) -> dict[str, Any]:
        if part.number == 2:
            raise StoreFailed("the second part fails")
        return put_part(store, key, upload_id, part)

    def interrupt(store: s3_module.Store, seconds: int) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        cancel(store, seconds)

    monkeypatch.setattr(write_module, "_put_part", put_one_part)
    monkeypatch.setattr(s3_module.Store, "cancel", interrupt)
    with ending_children():
        assert "told to end" in uploads.refusal(Interrupted)


@only_parts
def test_an_interrupted_module_leaves_nothing(uploads: Uploads) -> None:
    uploads.grow(400 * MEBIBYTE)
    module = ModuleProcess("s3_upload", uploads.options(run_log=str(uploads.log)))
    uploads.wait_for_parts()
    module.process.send_signal(signal.SIGTERM)
    result = module.result()
    assert "told to end (SIGTERM)" in result["msg"]
    assert (uploads.bucket(), uploads.unfinished()) == ({}, [])
    assert "told to end" in uploads.log.read_text()


def test_the_module(uploads: Uploads) -> None:
    module = ModuleProcess("s3_upload", uploads.options(run_log=str(uploads.log), metadata={"run_uuid": "u1"}))
    result = module.result()
    assert (result["changed"], result["status"], result["url"]) == (True, 1, f"s3://vex/{KEY}")
    assert uploads.content(KEY) == uploads.path.read_bytes()
    assert uploads.s3.secret_key not in module.output + uploads.log.read_text()
    assert ModuleProcess("s3_upload", uploads.options()).result()["changed"] is False


def test_the_modules_failure(uploads: Uploads) -> None:
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
