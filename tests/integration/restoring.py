"""Restores without Vex Backup: download a backup, run the commands of its manifest, compare."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from pymysql.connections import Connection

from tests.integration.fingerprint import fingerprint
from tests.servers.seaweedfs import SeaweedFS

# Runs a shell command in the directory of the backup, with an answer on its standard input.
Shell = Callable[[str, str], subprocess.CompletedProcess[str]]


class Server(Protocol):
    """A server that root can log in to."""

    def connect(self) -> Connection[Any]:
        """Open a connection."""


def restore(store: SeaweedFS, key: str, directory: Path, shell: Shell, answer: str = "") -> dict[str, Any]:
    """Download a backup and run the commands of its manifest; return the manifest.

    :param directory: the directory that *shell* runs in; it has a ``LOGIN.cnf``
    :param answer: the answer to a command that asks
    """
    client = store.client()
    manifest_path = directory / "manifest.json"
    client.download_file(store.bucket, f"{key}.manifest.json", str(manifest_path))
    manifest: dict[str, Any] = json.loads(manifest_path.read_text(encoding="utf-8"))
    archive = directory / manifest["archive"]["name"]
    client.download_file(store.bucket, key, str(archive))
    assert archive.stat().st_size == manifest["archive"]["size"]
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == manifest["archive"]["sha256"]
    unpack, *others = manifest["restore"]
    _follow(unpack, shell, answer)
    _check_files(directory / manifest["name"], manifest["files"])
    for command in others:
        _follow(command, shell)
    return manifest


def _follow(command: str, shell: Shell, answer: str = "") -> None:
    done = shell(command, answer)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def _check_files(root: Path, files: Sequence[dict[str, Any]]) -> None:
    listed = {file["path"] for file in files}
    assert listed == {str(path.relative_to(root)) for path in (root / "dump").rglob("*") if path.is_file()}
    for file in files:
        content = (root / file["path"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["size"], file["sha256"]), file["path"]


def assert_equal(source: Server, target: Server, databases: Sequence[str]) -> None:
    """Check that every table, view and stored program of *databases* is the same on both servers."""
    with contextlib.closing(source.connect()) as original, contextlib.closing(target.connect()) as restored:
        for name in databases:
            expected = fingerprint(original, name)
            assert any(kind == "table" for kind, _name in expected)
            found = fingerprint(restored, name)
            both = {key: (expected.get(key), found.get(key)) for key in {*expected, *found}}
            assert not {key: pair for key, pair in both.items() if pair[0] != pair[1]}, name
