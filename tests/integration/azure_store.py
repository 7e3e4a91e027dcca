"""A container of Azurite as the product reaches it, directly or through a proxy that fails."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._store.azure import AzureStore
from ansible_collections.vex.backup.plugins.module_utils._store.azure_client import AzureSettings
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Upload, Written
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience
from ansible_collections.vex.backup.plugins.module_utils._store.write import find_existing, put_file
from tests.servers.azurite import Azurite
from tests.servers.fault_proxy import FaultProxy
from tests.servers.ports import LOOPBACK

MEBIBYTE = 1024 * 1024
KEY = "mysql/db%201/2025/07/backup_20250720_161523.zip"


class Container:
    """The first container of a server.

    :param folder: for files and the log
    """

    def __init__(self, azurite: Azurite, folder: Path) -> None:
        self.azurite = azurite
        self.client = azurite.client()
        self.folder = folder
        self.log = folder / "log"

    @contextlib.contextmanager
    def proxy(self) -> Iterator[FaultProxy]:
        """Run a proxy in front of the server."""
        with FaultProxy((LOOPBACK, self.azurite.port)) as proxy:
            yield proxy

    def settings(self, proxy: FaultProxy | None = None, **options: Any) -> AzureSettings:
        """Return the settings with the account's key, or those that are given."""
        port = self.azurite.port if proxy is None else proxy.port
        url = f"http://{LOOPBACK}:{port}/{self.azurite.account}"
        if options:
            return AzureSettings(account_url=url, account_name=self.azurite.account, **options)
        return AzureSettings(connection_string=self.azurite.connection_string_of(url))

    def store(
        self, settings: AzureSettings | None = None, *, place: str | None = None, patience: int = 0, timeout: int = 120
    ) -> Store:
        return AzureStore(
            settings or self.settings(),
            place or self.azurite.container,
            work="the test",
            timeout=timeout,
            patience=store_patience(patience, RunLog(str(self.log))),
            parallel=4,
        )

    def upload(self, size: int, key: str = KEY, storage_class: str | None = None, **metadata: str) -> Upload:
        """Return the upload of a new file."""
        path = self.folder / hashlib.sha256(key.encode()).hexdigest()
        path.write_bytes(os.urandom(size))
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        return Upload(str(path), size, sha256, key, {**metadata, "sha256": sha256}, storage_class)

    def put(self, store: Store, upload: Upload, part_bytes: int = 2 * MEBIBYTE) -> Written:
        """Upload a file, as the product does."""
        found = find_existing(store, upload)
        return put_file(store, upload, found, part_bytes, RunLog(str(self.log)))

    def content(self, key: str) -> bytes:
        found: bytes = self.client.get_blob_client(key).download_blob().readall()
        return found

    def keys(self) -> list[str]:
        return [blob.name for blob in self.client.list_blobs()]

    def unfinished(self) -> list[str]:
        """Return the keys that have uncommitted blocks and no blob."""
        found = [blob.name for blob in self.client.list_blobs(include=["uncommittedblobs"])]
        return [key for key in found if key not in self.keys()]
