"""``directory_copy`` as Ansible runs it, and the modules that then read, hold and remove the backups in a directory."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.modules import ModuleProcess

HOST = "db1"
NAMES = ["backup_20250720_161523", "backup_20250721_161523"]


class Directory:
    """A directory for backups, and the work directory of a host."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "mnt" / "backups"
        self.root.mkdir(parents=True)
        self.work = folder / "work"
        self.work.mkdir()
        self.destination = {"destination": {"type": "directory", "path": str(self.root)}}

    def copy(self, name: str, **options: Any) -> dict[str, Any]:
        """Pack nothing, but copy an archive with a manifest of its own."""
        archive = self.work / f"{name}.zip"
        archive.write_bytes(hashlib.sha256(name.encode()).digest() * 1000)
        described = {
            "name": archive.name,
            "size": archive.stat().st_size,
            "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
            "format": "zip",
            "encrypted": False,
            "level": 0,
        }
        manifest = Path(f"{archive}.manifest.json")
        content = {"name": name, "hostname": HOST, "status": 1, "files": [], "databases": [], "archive": described}
        manifest.write_text(json.dumps(content))
        given = {"src": str(archive), "manifest": str(manifest), "path": str(self.root), "key": key_of(name)}
        return ModuleProcess("directory_copy", {**given, "patience": 0, **options}).result()

    def run(self, module: str, **options: Any) -> dict[str, Any]:
        return ModuleProcess(module, {**self.destination, "patience": 0, "hostname": HOST, **options}).result()

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file())


def key_of(name: str) -> str:
    return f"{HOST}/2025/07/{name}.zip"


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path)


def test_the_life_of_backups_in_a_directory(directory: Directory) -> None:
    copied = directory.copy(NAMES[0])
    assert (copied["changed"], copied["url"]) == (True, f"file://{directory.root}/{key_of(NAMES[0])}")
    assert directory.copy(NAMES[0])["changed"] is False
    directory.copy(NAMES[1])
    assert directory.files() == [f"{key_of(name)}{end}" for name in NAMES for end in ("", ".manifest.json")]
    listed = directory.run("backup_info")["backups"]
    assert [(one["name"], one["manifest"], one["fault"]) for one in listed] == [
        (name, True, None) for name in reversed(NAMES)
    ]
    found = directory.run("backup_download", at="2025-07-20", dest=str(directory.work / "restore"))
    assert Path(found["archive"]).read_bytes() == (directory.root / key_of(NAMES[0])).read_bytes()
    assert directory.run("backup_hold", name=NAMES[0])["changed"] is True
    assert directory.run("backup_prune", keep_last=1)["changed"] is False
    assert directory.run("backup_hold", name=NAMES[0], state="absent")["changed"] is True
    pruned = directory.run("backup_prune", keep_last=1)
    assert [one["name"] for one in pruned["decisions"] if one["removed"]] == NAMES[:1]
    assert directory.files() == [f"{key_of(NAMES[1])}{end}" for end in ("", ".manifest.json")]


def test_a_trial_leaves_nothing(directory: Directory) -> None:
    options = {**directory.destination, "hostname": HOST, "retention": True}
    tried = ModuleProcess("backup_trial", options).result()
    assert tried["needs"] == dict.fromkeys(("list", "write", "read", "remove", "parts"), "")
    assert (tried["notes"], directory.files()) == ({}, [])


def test_a_share_that_is_not_mounted(directory: Directory) -> None:
    directory.root.rmdir()
    failed = directory.copy(NAMES[0], run_uuid="6f0c5d0e-2f33-4ff5-8d83-6d3c14a8a001")
    assert "is not a directory: mount it" in failed["msg"]
    assert (failed["status"], os.listdir(directory.root.parent)) == (3, [])
    assert (directory.work / f"{NAMES[0]}.zip.upload-directory.json").exists()
    assert "is not a directory: mount it" in directory.run("backup_info")["msg"]


def test_options_of_another_type(directory: Directory) -> None:
    directory.destination["destination"]["bucket"] = "b"
    assert "is of type directory, which has no bucket: remove it" in directory.run("backup_info")["msg"]
    del directory.destination["destination"]["path"]
    assert "path" in directory.run("backup_info")["msg"]
