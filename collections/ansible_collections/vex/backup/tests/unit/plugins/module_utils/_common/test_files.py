# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files that survive a power cut."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib

import pytest

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import Archive, with_archive
from ansible_collections.vex.backup.plugins.module_utils._common import files as files_module


@pytest.mark.parametrize("size", [0, 1, files_module.BLOCK_BYTES, files_module.BLOCK_BYTES * 2 + 7])
def test_sha256_of(tmp_path: pathlib.Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "f").write_bytes(data)
    assert files_module.sha256_of(str(tmp_path / "f")) == hashlib.sha256(data).hexdigest()


def test_commit_renames_files_and_directories(tmp_path: pathlib.Path) -> None:
    (tmp_path / "f.partial").write_text("x")
    (tmp_path / "d.partial").mkdir()
    for name in "fd":
        files_module.commit(str(tmp_path / f"{name}.partial"), str(tmp_path / name))
    assert sorted(os.listdir(tmp_path)) == ["d", "f"]


def test_rename_is_between_two_syncs(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []
    rename, fsync = os.rename, os.fsync

    def noted_rename(before: str, after: str) -> None:
        done.append("rename")
        rename(before, after)

    def noted_fsync(descriptor: int) -> None:
        done.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "rename", noted_rename)
    monkeypatch.setattr(os, "fsync", noted_fsync)
    (tmp_path / "f.partial").write_text("x")
    files_module.commit(str(tmp_path / "f.partial"), str(tmp_path / "f"))
    assert done == [str(tmp_path / "f.partial"), "rename", str(tmp_path)]


def test_json_file_is_private_and_replaces_a_partial_one(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "m.json"
    (tmp_path / "m.json.partial").write_text("left by a killed run")
    (tmp_path / "m.json.partial").chmod(0o644)
    files_module.write_json_durably(str(path), {"name": "ação 😀"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "ação 😀"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["m.json"]


def test_failed_write_keeps_the_old_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "m.json"
    path.write_text("before")
    with pytest.raises(TypeError):
        files_module.write_json_durably(str(path), {"name": object()})
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["m.json"]


def test_archive_is_added_to_a_copy_of_the_manifest() -> None:
    manifest = {"run": "u", "files": [1]}
    whole = with_archive(manifest, Archive("b.zip", 3, "ab", "zip", encrypted=False, level=0))
    assert whole["archive"] == {
        "name": "b.zip",
        "size": 3,
        "sha256": "ab",
        "format": "zip",
        "encrypted": False,
        "level": 0,
    }
    assert manifest == {"run": "u", "files": [1]}
    assert {**whole, "archive": None} == {**manifest, "archive": None}


def test_trial_of_writing_leaves_nothing(tmp_path: pathlib.Path) -> None:
    before = tmp_path.stat().st_mtime_ns
    files_module.try_writing(str(tmp_path))
    files_module.try_writing(str(tmp_path / "not" / "yet"))
    assert (os.listdir(tmp_path), tmp_path.stat().st_mtime_ns) == ([], before)
    (tmp_path / "file").touch()
    for path in ("file", "file/folder"):
        with pytest.raises(NotADirectoryError, match=f"Not a directory: '{tmp_path}/file'"):
            files_module.try_writing(str(tmp_path / path))
