# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The folders of dumps that run and that failed, and the list of a dump's files."""

from __future__ import annotations

import hashlib
import os
import pathlib
import stat
import subprocess
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._dump.chunk_compression import Packed
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.files import (
    data_bytes,
    discard_failed,
    finish_files,
    hold_directory,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout, OptionError

FAILED = [f"backup_2026010{day}_030000.partial" for day in range(1, 5)]
UNBOUND = Deadline(0, "the dump")


def fail(folder: pathlib.Path) -> None:
    for name in FAILED:
        (folder / name / "dump").mkdir(parents=True)
        (folder / name / "dump" / "a.sql").write_text("x", encoding="ascii")


@pytest.mark.parametrize("keep", [0, 1, 3, 4, 9])
def test_the_newest_failures_stay(tmp_path: pathlib.Path, keep: int) -> None:
    fail(tmp_path)
    discard_failed(str(tmp_path), keep)
    assert sorted(os.listdir(tmp_path)) == FAILED[max(0, len(FAILED) - keep) :]


def test_what_is_no_failed_dump_stays(tmp_path: pathlib.Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    fail(elsewhere)
    others = [
        "backup_20260101_030000",
        "backup_20260101_030000.zip.partial",
        "other.partial",
        "xbackup_20260101_030000.partial",
    ]
    for name in others:
        (tmp_path / name).mkdir()
    (tmp_path / FAILED[0]).symlink_to(elsewhere / FAILED[0])
    (tmp_path / FAILED[1]).write_text("x", encoding="ascii")
    os.mkfifo(tmp_path / FAILED[2])
    discard_failed(str(tmp_path), 0)
    assert sorted(os.listdir(tmp_path)) == sorted([*others, *FAILED[:3], "elsewhere"])
    assert sorted(os.listdir(elsewhere)) == FAILED


def test_a_dump_that_runs_is_no_failed_one(tmp_path: pathlib.Path) -> None:
    with hold_directory(str(tmp_path / FAILED[0])):
        assert stat.S_IMODE((tmp_path / FAILED[0]).stat().st_mode) == 0o700
        discard_failed(str(tmp_path), 0)
        assert os.listdir(tmp_path) == FAILED[:1]
    discard_failed(str(tmp_path), 0)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_exists_is_not_taken(tmp_path: pathlib.Path) -> None:
    fail(tmp_path)
    with pytest.raises(OptionError, match="exists: another run"), hold_directory(str(tmp_path / FAILED[0])):
        pytest.fail("the folder of another run was taken")


@pytest.mark.parametrize(("compression", "suffix"), [("zstd", ".zst"), ("gzip", ".gz"), ("none", "")])
def test_every_file_is_listed_as_it_ends_up(tmp_path: pathlib.Path, compression: str, suffix: str) -> None:
    tables = tmp_path / "dump" / "we ird" / "tables"
    tables.mkdir(parents=True)
    for number in range(3):
        (tables / f"a{number}.sql").write_bytes(b"row\n" * 1000 * number)
    (tables / "metadata").write_text("Finished dump at: x\n", encoding="ascii")
    assert data_bytes(str(tmp_path / "dump"), {}) == 12020
    compressor = Compressor(compression) if suffix else None
    packed: t.Dict[str, Packed] = {}
    if compressor:
        compressor.compress(str(tables), ["a1.sql"], 60)
        packed = {"we ird/tables/a1.sql": Packed(4000, Count(1000, "1f"))}
    assert data_bytes(str(tmp_path / "dump"), packed) == 12020
    files, broken = finish_files(str(tmp_path), compressor, [], packed, UNBOUND)
    assert broken == []
    names = [f"dump/we ird/tables/a{number}.sql{suffix}" for number in range(3)]
    assert [file["path"] for file in files] == [*names, "dump/we ird/tables/metadata"]
    for file in files:
        content = (tmp_path / file["path"]).read_bytes()
        assert file["size"] == len(content)
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert data_bytes(str(tmp_path / "dump"), {}) == sum(file["size"] for file in files)


def test_what_was_compressed_early_is_tested_too(tmp_path: pathlib.Path) -> None:
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "a.00001.sql").write_bytes(b"row\n")
    compressor = Compressor("zstd")
    compressor.compress(str(tmp_path / "dump"), ["a.00001.sql"], 60)
    piece = tmp_path / "dump" / "a.00001.sql.zst"
    piece.write_bytes(piece.read_bytes()[:-1])
    packed = {"a.00001.sql": Packed(4, Count(1, "1f"))}
    _files, broken = finish_files(str(tmp_path), compressor, [], packed, UNBOUND)
    assert broken == ["a.00001.sql.zst"]


def test_a_file_that_compression_spoilt_is_named(tmp_path: pathlib.Path) -> None:
    class Spoiler(Compressor):
        def compress(self, folder: str, names: object, timeout: object) -> None:
            subprocess.run(["sh", "-c", "for f in *.sql; do mv $f $f.zst; done"], cwd=folder, check=True)

    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "a.sql").write_text("not zstd", encoding="ascii")
    _files, broken = finish_files(str(tmp_path), Spoiler("zstd"), [], {}, UNBOUND)
    assert broken == ["a.sql.zst"]


def test_a_bound_that_is_used_up_ends_it(tmp_path: pathlib.Path) -> None:
    (tmp_path / "dump").mkdir()
    deadline = Deadline(1, "the dump")
    deadline._end = 0
    with pytest.raises(CommandTimeout, match="the dump took longer"):
        finish_files(str(tmp_path), None, [], {}, deadline)
