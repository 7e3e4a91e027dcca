# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real zstd and gzip on files with odd names."""

from __future__ import annotations

import os
import pathlib
import subprocess
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    CommandTimeout,
    DumpFailed,
    NotEnoughSpace,
    ProgramMissing,
)

NAMES = ["a.sql", "-rf.sql", "we ird-é🛒.sql", "new\nline.sql", "100%'\"`$(id).sql", "empty.sql", "bad\udcff.sql"]


@pytest.fixture(params=["zstd", "gzip"])
def compressor(request: pytest.FixtureRequest) -> Compressor:
    return Compressor(request.param)


@pytest.fixture
def contents(tmp_path: pathlib.Path) -> t.Dict[str, bytes]:
    made = {os.path.join("db", name): b"" if name == "empty.sql" else os.fsencode(name) * 5000 for name in NAMES}
    (tmp_path / "db").mkdir()
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    return made


def unpacked(compressor: Compressor, path: pathlib.Path) -> bytes:
    program = {".zst": "zstd", ".gz": "gzip"}[compressor.suffix]
    return subprocess.run([program, "-d", "-c"], input=path.read_bytes(), stdout=subprocess.PIPE, check=True).stdout


def test_every_file_is_replaced_by_its_compressed_form(
    compressor: Compressor, contents: t.Dict[str, bytes], tmp_path: pathlib.Path
) -> None:
    compressor.compress(str(tmp_path), list(contents), 60)
    packed = {name + compressor.suffix for name in contents}
    assert {os.path.join("db", name) for name in os.listdir(tmp_path / "db")} == packed
    for name, content in contents.items():
        assert unpacked(compressor, tmp_path / (name + compressor.suffix)) == content
    assert compressor.find_damaged(str(tmp_path), sorted(packed), 60) == []


def test_many_files(compressor: Compressor, tmp_path: pathlib.Path) -> None:
    """There are more than one command can name."""
    folder = tmp_path / ("d" * 250) / ("e" * 250)
    folder.mkdir(parents=True)
    names = [f"{'d' * 250}/{'e' * 250}/{number}.sql" for number in range(4500)]
    for name in names:
        (tmp_path / name).touch()
    compressor.compress(str(tmp_path), names, 60)
    packed = [name + compressor.suffix for name in names]
    assert sorted(os.listdir(folder)) == sorted(map(os.path.basename, packed))
    (tmp_path / packed[4000]).write_bytes(b"x")
    assert compressor.find_damaged(str(tmp_path), packed[3990:], 60) == [packed[4000]]


def test_no_files(compressor: Compressor, tmp_path: pathlib.Path) -> None:
    compressor.compress(str(tmp_path), [], 60)
    assert compressor.find_damaged(str(tmp_path), [], 60) == []


@pytest.mark.parametrize("damage", ["bit", "end", "gone"])
def test_damaged_files_are_found(
    compressor: Compressor, contents: t.Dict[str, bytes], tmp_path: pathlib.Path, damage: str
) -> None:
    compressor.compress(str(tmp_path), list(contents), 60)
    names = sorted(name + compressor.suffix for name in contents)
    damaged = next(name for name in names if "ird" in name)
    packed = bytearray((tmp_path / damaged).read_bytes())
    if damage == "bit":
        packed[len(packed) // 2] ^= 0x40
    (tmp_path / damaged).write_bytes(packed[:-5] if damage == "end" else packed)
    if damage == "gone":
        (tmp_path / damaged).unlink()
    assert compressor.find_damaged(str(tmp_path), names, 60) == [damaged]


def test_missing_file_is_a_failure(compressor: Compressor, tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.sql").write_text("x", encoding="ascii")
    with pytest.raises(DumpFailed, match=r"could not compress the dump in .*gone\.sql"):
        compressor.compress(str(tmp_path), ["a.sql", "gone.sql"], 60)
    assert os.listdir(tmp_path) == ["a.sql" + compressor.suffix]


def replace_zstd(folder: pathlib.Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put *script* first in the search path for zstd."""
    program = folder / "zstd"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_failure_without_a_message_names_the_exit_status(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_zstd(tmp_path, "exit 1", monkeypatch)
    with pytest.raises(DumpFailed, match=r"it exited with 1$"):
        Compressor("zstd").compress(str(tmp_path), ["a.sql"], 60)


def test_timeout(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_zstd(tmp_path, "sleep 60", monkeypatch)
    with pytest.raises(CommandTimeout):
        Compressor("zstd").compress(str(tmp_path), ["a.sql"], 0.5)


def test_full_disk_is_named(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_zstd(tmp_path, "echo 'zstd: error 70 : Write error : No space left on device' >&2; exit 70", monkeypatch)
    with pytest.raises(NotEnoughSpace, match=f"the disk of {tmp_path} is full: make room"):
        Compressor("zstd").compress(str(tmp_path), ["a.sql"], 60)


def test_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ProgramMissing, match="install zstd, or choose another compression"):
        Compressor("zstd")
