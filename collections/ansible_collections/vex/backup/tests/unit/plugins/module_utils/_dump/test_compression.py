# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real zstd and gzip on files with odd names."""

from __future__ import annotations

import itertools
import os
import pathlib
import random
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump import compression as compression_module
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    CommandTimeout,
    DumpFailed,
    NotEnoughSpace,
    ProgramMissing,
)

WORDS = ["".join(letters) for letters in itertools.product("bcdfgl", "aeiou", "mnrst", "aeo", "rst")]
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
    assert compressor.broken(str(tmp_path), sorted(packed), 60) == []


def test_many_files_are_spread(compressor: Compressor, tmp_path: pathlib.Path) -> None:
    names = [f"{number}.sql" for number in range(300)]
    for name in names:
        (tmp_path / name).write_text(name, encoding="ascii")
    compressor.compress(str(tmp_path), names, 60)
    assert sorted(os.listdir(tmp_path)) == sorted(name + compressor.suffix for name in names)


def digits(dice: random.Random) -> str:
    return f"{dice.getrandbits(72):022d}-{dice.getrandbits(72):022d}\n"


def sentence(dice: random.Random) -> str:
    return " ".join(dice.choice(WORDS) + dice.choice(("", "s", "ing")) for _word in range(60)) + "\n"


# A zstd that does not know the quickest level's options.
OLD = 'case " $* " in *" --fast"*) exit 1;; esac; exec "$ZSTD" "$@"'


@pytest.mark.parametrize(
    ("row", "level", "script"),
    [
        (digits, "--fast=10", 'exec "$ZSTD" "$@"'),
        (digits, "-1", OLD),
        (sentence, "-2", 'exec "$ZSTD" "$@"'),
        (sentence, "-2", "exit 1"),
    ],
)
def test_a_large_file_gets_the_quickest_level_that_makes_it_small(
    row: t.Callable[[random.Random], str],
    level: str,
    script: str,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ZSTD", str(shutil.which("zstd")))
    in_its_place(tmp_path, script, monkeypatch)
    monkeypatch.setattr(compression_module, "_LARGE_BYTES", 1024 * 1024)
    dice = random.Random(7)
    content = "".join(row(dice) for _row in range(60000)).encode()
    (tmp_path / "large.sql").write_bytes(content)
    (tmp_path / "small.sql").write_bytes(content[:1000])
    shares = {
        name: options
        for options, _processes, names in Compressor("zstd")._shares(str(tmp_path), ["large.sql", "small.sql"])
        for name in names
    }
    assert level in shares["large.sql"]
    assert "-2" in shares["small.sql"]
    if script != "exit 1":
        compressor = Compressor("zstd")
        compressor.compress(str(tmp_path), ["large.sql", "small.sql"], None)
        assert unpacked(compressor, tmp_path / "large.sql.zst") == content


def test_nothing_to_compress_is_fine(compressor: Compressor, tmp_path: pathlib.Path) -> None:
    compressor.compress(str(tmp_path), [], 60)
    assert compressor.broken(str(tmp_path), [], 60) == []


@pytest.mark.parametrize("damage", ["bit", "end", "gone"])
def test_the_broken_are_named(
    compressor: Compressor, contents: t.Dict[str, bytes], tmp_path: pathlib.Path, damage: str
) -> None:
    compressor.compress(str(tmp_path), list(contents), 60)
    names = sorted(name + compressor.suffix for name in contents)
    broken = next(name for name in names if "ird" in name)
    packed = bytearray((tmp_path / broken).read_bytes())
    if damage == "bit":
        packed[len(packed) // 2] ^= 0x40
    (tmp_path / broken).write_bytes(packed[:-5] if damage == "end" else packed)
    if damage == "gone":
        (tmp_path / broken).unlink()
    assert compressor.broken(str(tmp_path), names, 60) == [broken]


def test_a_file_that_cannot_be_compressed_is_a_failure(compressor: Compressor, tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.sql").write_text("x", encoding="ascii")
    with pytest.raises(DumpFailed, match=r"failed: .*gone\.sql"):
        compressor.compress(str(tmp_path), ["a.sql", "gone.sql"], 60)
    assert os.listdir(tmp_path) == ["a.sql" + compressor.suffix]


def in_its_place(folder: pathlib.Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put *script* where zstd is looked for first."""
    program = folder / "zstd"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_bound_is_kept(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_its_place(tmp_path, "sleep 60", monkeypatch)
    with pytest.raises(CommandTimeout):
        Compressor("zstd").compress(str(tmp_path), ["a.sql"], 0.5)


def test_a_full_disk_is_named(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_its_place(tmp_path, "echo 'zstd: error 70 : Write error : No space left on device' >&2; exit 70", monkeypatch)
    with pytest.raises(NotEnoughSpace, match=f"the disk of {tmp_path} is full: make room"):
        Compressor("zstd").compress(str(tmp_path), ["a.sql"], 60)


def test_a_program_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ProgramMissing, match="install zstd, or choose another compression"):
        Compressor("zstd")
