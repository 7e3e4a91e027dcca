"""Damaged backups, made from a good one and put beside it in the bucket, each for another server."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import Archive, with_archive
from tests.playbook import Installation

# Changes the unpacked backup and its manifest.
Change = Callable[[Path, dict[str, Any]], None]


class Original:
    """A good backup of *setup*, to make damaged copies of.

    :param key: the key of its archive
    :param folder: a directory to work in
    """

    def __init__(self, setup: Installation, key: str, folder: Path) -> None:
        self._store = setup.store
        self._client = setup.store.client()
        self._key = key
        self._folder = folder
        self.hostname = setup.hostname
        self.content = self._read(key)
        self.manifest: dict[str, Any] = json.loads(self._read(f"{key}.manifest.json"))

    def key_of(self, server: str) -> str:
        """Return the key of the copy for *server*."""
        return self._key.replace(self.hostname, server, 1)

    def put(self, server: str, content: bytes, manifest: dict[str, Any] | None) -> None:
        """Put a backup of *server* into the bucket, with or without a manifest."""
        key = self.key_of(server)
        self._client.put_object(Bucket=self._store.bucket, Key=key, Body=content)
        if manifest is not None:
            body = json.dumps({**manifest, "hostname": server}).encode()
            self._client.put_object(Bucket=self._store.bucket, Key=f"{key}.manifest.json", Body=body)

    def put_changed(self, server: str, change: Change, password: str = "") -> None:
        """Put a backup of *server* with *change* applied and otherwise whole."""
        folder = self._folder / server
        folder.mkdir()
        archive = folder / self.manifest["archive"]["name"]
        archive.write_bytes(self.content)
        subprocess.run([_sevenzip(), "x", archive.name], cwd=folder, check=True, capture_output=True)
        archive.unlink()
        root = folder / self.manifest["name"]
        manifest = {name: value for name, value in self.manifest.items() if name != "archive"}
        manifest["restore"] = manifest["restore"][1:]
        manifest = json.loads(json.dumps({**manifest, "hostname": server}))
        change(root, manifest)
        files = sorted(path for path in (root / "dump").rglob("*") if path.is_file())
        manifest["files"] = [
            {"path": str(path.relative_to(root)), "size": path.stat().st_size, "sha256": _sha256(path.read_bytes())}
            for path in files
        ]
        (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        options = ["-mem=AES256", "-p"] if password else []
        subprocess.run(
            [_sevenzip(), "a", "-tzip", "-mx=0", *options, archive.name, root.name],
            cwd=folder,
            input=f"{password}\n{password}\n".encode(),
            check=True,
            capture_output=True,
        )
        content = archive.read_bytes()
        described = Archive(archive.name, len(content), _sha256(content), "zip", encrypted=bool(password), level=0)
        self.put(server, content, with_archive(manifest, described))

    def _read(self, key: str) -> bytes:
        content: bytes = self._client.get_object(Bucket=self._store.bucket, Key=key)["Body"].read()
        return content


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change the content of a compressed file."""
    text = subprocess.run(["zstd", "-q", "-d", "-c", path], check=True, capture_output=True).stdout
    packed = subprocess.run(["zstd", "-q", "-c"], input=change(text), check=True, capture_output=True).stdout
    path.write_bytes(packed)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sevenzip() -> str:
    found = shutil.which("7zz") or shutil.which("7z") or shutil.which("7za")
    assert found
    return found
