"""Uploads of one archive by ``s3_upload``."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._arguments import request
from ansible_collections.vex.backup.plugins.module_utils._common.files import sha256_of
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
)
from ansible_collections.vex.backup.plugins.module_utils._store.upload import UploadRequest, upload
from tests.destinations import s3_destination
from tests.playbook import HANGS
from tests.servers.seaweedfs import SeaweedFS

MEBIBYTE = 1024 * 1024
# Sizes of the archive in bytes: one request, and three parts of at most 5 MiB.
SINGLE = 1000
PARTS = 12 * MEBIBYTE + 1
SIZES = (SINGLE, PARTS)
KEY = "mysql/db%201/2025/07/backup_20250720_161523.zip"


class Uploads:
    """Uploads of one archive and its manifest, and the state of the bucket.

    :param path: the archive, which is created
    :param size: its size in bytes
    """

    def __init__(self, s3: SeaweedFS, path: Path, size: int) -> None:
        path.write_bytes(os.urandom(size))
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
            "patience": 0,
            **options,
        }

    def run(self, **options: Any) -> dict[str, Any]:
        given = self.options(**options)
        unset = dict.fromkeys(("timeout", "run_uuid"))
        defaults: dict[str, Any] = {**unset, "metadata": {}, "parallel": 4, "rate": 0, "check_mode": False}
        return upload(
            request(UploadRequest, {**defaults, **given}, destination=s3_destination(given)), RunLog(str(self.log))
        )

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
        deadline = time.monotonic() + HANGS
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


@contextlib.contextmanager
def cleared(s3: SeaweedFS) -> Iterator[None]:
    """Delete every object and unfinished upload of the bucket at the end of the block."""
    try:
        yield
    finally:
        client = s3.client()
        for item in client.list_objects_v2(Bucket=s3.bucket).get("Contents", []):
            client.delete_object(Bucket=s3.bucket, Key=item["Key"])
        for unfinished in client.list_multipart_uploads(Bucket=s3.bucket).get("Uploads", []):
            client.abort_multipart_upload(Bucket=s3.bucket, Key=unfinished["Key"], UploadId=unfinished["UploadId"])
