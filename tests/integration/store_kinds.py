"""The backups of one host in a store of any kind, by the functions that the modules call."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ansible_collections.vex.backup.plugins.module_utils._arguments import request
from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import build
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RUN_NAME, RunLog, utc_now
from ansible_collections.vex.backup.plugins.module_utils._log_db.uploads import Uploaded
from ansible_collections.vex.backup.plugins.module_utils._repository.audit import AuditRequest, audit_bucket
from ansible_collections.vex.backup.plugins.module_utils._repository.download import DownloadRequest, download
from ansible_collections.vex.backup.plugins.module_utils._repository.hold import HoldRequest, hold
from ansible_collections.vex.backup.plugins.module_utils._repository.list import ListRequest, list_backups
from ansible_collections.vex.backup.plugins.module_utils._repository.prune import PruneRequest, prune_bucket
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.s3_client import S3Settings
from ansible_collections.vex.backup.plugins.module_utils._store.upload import UploadRequest, upload
from ansible_collections.vex.backup.plugins.module_utils._verify.proof import ProofRequest, put_proof
from tests.servers.moto import ACCESS_KEY, SECRET_KEY

MEBIBYTE = 1024 * 1024
HOST = "db 1"
FIRST = datetime.datetime(2026, 1, 1, 3)
# One request, and two parts.
SINGLE, PARTS = 1000, 5 * MEBIBYTE + 7


class Backups:
    """The backups of :data:`HOST` in *bucket*, and what a host does with them.

    :param folder: for archives and the log
    :param settings: of the store
    :param encryption: ``server_side_encryption``
    """

    def __init__(self, folder: Path, bucket: str, encryption: str | None, **settings: Any) -> None:
        self.folder = folder
        self.bucket = bucket
        self.log = folder / "log"
        self.uploaded: dict[str, Uploaded] = {}
        self._common: dict[str, Any] = {
            "destination": Destination(
                "s3",
                "s3",
                bucket,
                S3Settings(access_key=ACCESS_KEY, secret_key=SECRET_KEY, server_side_encryption=encryption, **settings),
            ),
            "prefix": "mysql",
            "hostname": HOST,
            "patience": 0,
            "timeout": 300,
            "check_mode": False,
        }

    def upload(self, day: int, size: int, storage_class: str | None = None) -> str:
        """Upload the backup of a day, and return its key."""
        name = (FIRST + day * datetime.timedelta(days=1)).strftime(RUN_NAME)
        key = build("mysql", HOST, name, "zip")
        archive = self.folder / f"{name}.zip"
        archive.write_bytes(os.urandom(size))
        sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
        described = {
            "name": archive.name,
            "size": size,
            "sha256": sha256,
            "format": "zip",
            "encrypted": False,
            "level": 0,
        }
        manifest = self.folder / f"{name}.zip.manifest.json"
        manifest.write_text(
            json.dumps({"name": name, "hostname": HOST, "files": [], "databases": [], "archive": described})
        )
        given = {
            **self._common,
            "src": str(archive),
            "manifest": str(manifest),
            "key": key,
            "destination": dataclasses.replace(self._common["destination"], storage_class=storage_class),
            "run_uuid": None,
            "metadata": {},
            "part_size": 5,
            "parallel": 4,
            "rate": 0,
        }
        assert upload(request(UploadRequest, given), RunLog(str(self.log)))["changed"] is True
        assert upload(request(UploadRequest, given), RunLog(str(self.log)))["changed"] is False
        self.uploaded[key] = Uploaded("u1", sha256, 1, removed=False)
        return key

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = list_backups(request(ListRequest, {**self._common, "manifest_keys": []}))[
            "backups"
        ]
        return found

    def hold(self, name: str, state: str = "present") -> None:
        assert hold(request(HoldRequest, {**self._common, "name": name, "state": state}))["changed"] is True

    def prove(self, key: str) -> None:
        facts = {"server_version": "10.11", "sha256": self.uploaded[key].sha256, "tables": 1, "rows": 1}
        given = {**self._common, **facts, "key": key, "recovery_seconds": 1, "compared": None, "notes": []}
        put_proof(request(ProofRequest, {**given, "manifest_key": None, "manifest_keys": []}))

    def download(self, name: str | None = None, **options: Any) -> dict[str, Any]:
        """Download a backup, by default the newest, into a directory of its own, and compare it with the original."""
        given = {
            **self._common,
            "key": None,
            "name": name,
            "at": None,
            "dest": str(self.folder / "restore"),
            "manifest_only": False,
            "manifest_keys": [],
            "thaw": False,
            "thaw_timeout": 60,
            "parallel": 4,
            **options,
        }
        result = download(request(DownloadRequest, given), RunLog(str(self.log)))
        original = self.folder / Path(result["archive"]).name
        assert given["manifest_only"] or Path(result["archive"]).read_bytes() == original.read_bytes()
        return result

    def audit(self, *, deep: bool = True) -> list[tuple[str, str]]:
        """Return kind and key of each finding."""
        given = {**self._common, "log_database": None, "manifest_keys": [], "deep": deep}
        later = utc_now() + datetime.timedelta(days=1)
        result = audit_bucket(request(AuditRequest, given), lambda: self.uploaded, later)
        return [(one["kind"], one["key"]) for one in result["findings"]]

    def prune(self, keep_last: int) -> dict[str, Any]:
        """Apply retention."""
        keep: dict[str, Any] = dict.fromkeys(("keep_daily", "keep_weekly", "keep_monthly", "keep_yearly"), 0)
        options: dict[str, Any] = {
            "name": None,
            "unfinished_days": 7,
            "manifest_keys": [],
            "spool_dir": None,
            "log_database": None,
        }
        given = {**self._common, **keep, **options, "keep_last": keep_last}
        result = prune_bucket(request(PruneRequest, given), RunLog(str(self.log)))
        for one in result["decisions"]:
            if one["removed"]:
                self.uploaded[one["key"]] = self.uploaded[one["key"]]._replace(removed=True)
        return result
