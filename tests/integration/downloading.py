"""Downloads of one backup from a real object store."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._arguments import request
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError
from ansible_collections.vex.backup.plugins.module_utils._repository.download import DownloadRequest, download
from ansible_collections.vex.backup.plugins.module_utils._store.read import CHUNK_BYTES
from tests.destinations import s3_destination
from tests.servers.seaweedfs import SeaweedFS

NAME = "backup_20250720_161523"
KEY = f"mysql/db%201/2025/07/{NAME}.zip"
DATA = os.urandom(3 * CHUNK_BYTES + 5)


class Downloads:
    """One backup in the bucket, and downloads of it into *folder*."""

    def __init__(self, s3: SeaweedFS, folder: Path) -> None:
        self.s3 = s3
        self.client = s3.client()
        self.folder = folder
        self.archive = folder / f"{NAME}.zip"
        self.manifest = folder / f"{NAME}.zip.manifest.json"
        self.log = folder.with_name("restore.log")
        self.put(DATA)
        self.describe()

    def put(self, content: bytes) -> None:
        self.client.put_object(Bucket=self.s3.bucket, Key=KEY, Body=content)

    def describe(self, **changes: Any) -> None:
        """Put the manifest of :data:`DATA`, with *changes* in its description of the archive."""
        archive = {
            "name": f"{NAME}.zip",
            "size": len(DATA),
            "sha256": hashlib.sha256(DATA).hexdigest(),
            "format": "zip",
            "encrypted": False,
            "level": 0,
            **changes,
        }
        database = {"name": "shop", "tables": ["a", "b"], "views": ["v"], "programs": []}
        files = [{"path": "dump/a", "size": 7, "sha256": ""}]
        self.put_manifest(
            json.dumps({"name": NAME, "files": files, "databases": [database], "archive": archive}).encode()
        )

    def describe_for(self, hostname: str) -> None:
        self.put_manifest(json.dumps({**self.get_manifest(), "hostname": hostname}).encode())

    def put_manifest(self, content: bytes) -> None:
        self.client.put_object(Bucket=self.s3.bucket, Key=f"{KEY}.manifest.json", Body=content)

    def get_manifest(self) -> dict[str, Any]:
        answer = self.client.get_object(Bucket=self.s3.bucket, Key=f"{KEY}.manifest.json")
        found: dict[str, Any] = json.loads(answer["Body"].read())
        return found

    def options(self, **options: Any) -> dict[str, Any]:
        return {
            "access_key": self.s3.access_key,
            "secret_key": self.s3.secret_key,
            "endpoint_url": self.s3.endpoint,
            "bucket": self.s3.bucket,
            "key": KEY,
            "dest": str(self.folder),
            "patience": 0,
            **options,
        }

    def run(self, **options: Any) -> dict[str, Any]:
        given = self.options(**options)
        unset = dict.fromkeys(("key", "prefix", "hostname", "name", "at", "timeout"))
        switches = {"manifest_only": False, "thaw": False, "thaw_timeout": 0, "check_mode": False}
        defaults: dict[str, Any] = {**unset, **switches, "manifest_keys": [], "parallel": 4}
        return download(
            request(DownloadRequest, {**defaults, **given}, destination=s3_destination(given)), RunLog(str(self.log))
        )

    def refusal(self, error: type[BackupError], **options: Any) -> str:
        """Return the error message of an attempt that must leave nothing under a final name."""
        with pytest.raises(error) as caught:
            self.run(**options)
        assert not self.archive.exists()
        assert not self.manifest.exists()
        assert caught.value.details["status"] == 3
        assert self.s3.secret_key not in str(caught.value)
        return str(caught.value)

    def partials(self) -> list[Path]:
        return list(self.folder.glob("*.partial"))
