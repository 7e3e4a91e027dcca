"""A bucket in a server of Google Cloud Storage's interface, for one test."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.gcs import GcsStore
from ansible_collections.vex.backup.plugins.module_utils._store.gcs_client import GcsSettings
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Upload
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience
from tests.servers.gcs import Gcs

MEBIBYTE = 1024 * 1024
KEY = "mysql/db%201/2025/07/backup_20250720_161523.zip"


class Place:
    """A bucket of its own in the server, and its state."""

    def __init__(self, gcs: Gcs, folder: Path) -> None:
        self.gcs = gcs
        self.folder = folder
        self.bucket = f"vex-{os.urandom(4).hex()}"
        gcs.make_bucket(self.bucket)

    def destination(self, **options: Any) -> Destination:
        """Return the bucket as a destination.

        :param options: the settings that are not the usual ones, and ``bucket``
        """
        given = {
            "auth_kind": "serviceaccount",
            "service_account_contents": self.gcs.tokens.account(),
            "endpoint_url": self.gcs.endpoint,
            **options,
        }
        bucket = given.pop("bucket", self.bucket)
        return Destination("gcs", "gcs", bucket, GcsSettings(**given))

    @contextlib.contextmanager
    def store(self, *, seconds: int = 0, timeout: int = 300, **options: Any) -> Iterator[GcsStore]:
        to = self.destination(**options)
        assert isinstance(to.settings, GcsSettings)
        patience = store_patience(seconds)
        store = GcsStore(to.settings, to.place, work="the test", timeout=timeout, patience=patience, parallel=4)
        with store:
            yield store

    def file(self, size: int, key: str = KEY, **options: Any) -> Upload:
        path = self.folder / "archive"
        path.write_bytes(os.urandom(size))
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        return Upload(str(path), size, sha256, key, {"sha256": sha256}, **options)

    def settings(self, key: str = KEY) -> dict[str, Any]:
        """Return an object as a client sees it."""
        found = self.gcs.rules.describe(self.bucket, key)
        assert found is not None
        return found

    def content(self, key: str = KEY) -> bytes:
        found: bytes = self.gcs.client().bucket(self.bucket).blob(key).download_as_bytes()
        return found

    def lock(self, key: str = KEY, **settings: Any) -> None:
        """Lock an object by *settings* of Google's description of objects."""
        self.gcs.rules.settings.setdefault((self.bucket, key), {}).update(settings)
