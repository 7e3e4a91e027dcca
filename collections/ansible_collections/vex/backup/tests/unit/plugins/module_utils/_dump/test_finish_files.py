# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The compression, the integrity test and the list of a dump's files."""

from __future__ import annotations

import hashlib
import pathlib
import subprocess
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._dump.chunk_compression import CompressedChunk
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.finish_files import finish_files
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count
from ansible_collections.vex.backup.plugins.module_utils._dump.run_tools import _size
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout

UNBOUND = Deadline(0, "the dump")


@pytest.mark.parametrize(("compression", "suffix"), [("zstd", ".zst"), ("gzip", ".gz"), ("none", "")])
def test_every_file_is_listed_in_its_final_form(tmp_path: pathlib.Path, compression: str, suffix: str) -> None:
    tables = tmp_path / "dump" / "we ird" / "tables"
    tables.mkdir(parents=True)
    for number in range(3):
        (tables / f"a{number}.sql").write_bytes(b"row\n" * 1000 * number)
    (tables / "metadata").write_text("Finished dump at: x\n", encoding="ascii")
    assert _size(str(tmp_path / "dump"), {}) == 12020
    compressor = Compressor(compression) if suffix else None
    chunks: t.Dict[str, CompressedChunk] = {}
    if compressor:
        compressor.compress(str(tables), ["a1.sql"], 60)
        chunks = {"we ird/tables/a1.sql": CompressedChunk(4000, Count(1000, "1f"))}
    assert _size(str(tmp_path / "dump"), chunks) == 12020
    files, damaged, _counters = finish_files(str(tmp_path), compressor, {}, chunks, UNBOUND)
    assert damaged == []
    names = [f"dump/we ird/tables/a{number}.sql{suffix}" for number in range(3)]
    assert [file["path"] for file in files] == [*names, "dump/we ird/tables/metadata"]
    for file in files:
        content = (tmp_path / file["path"]).read_bytes()
        assert file["size"] == len(content)
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert _size(str(tmp_path / "dump"), {}) == sum(file["size"] for file in files)


def test_chunk_that_was_compressed_during_the_dump_is_tested(tmp_path: pathlib.Path) -> None:
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "a.00001.sql").write_bytes(b"row\n")
    compressor = Compressor("zstd")
    compressor.compress(str(tmp_path / "dump"), ["a.00001.sql"], 60)
    chunk = tmp_path / "dump" / "a.00001.sql.zst"
    chunk.write_bytes(chunk.read_bytes()[:-1])
    chunks = {"a.00001.sql": CompressedChunk(4, Count(1, "1f"))}
    assert finish_files(str(tmp_path), compressor, {}, chunks, UNBOUND).damaged == ["a.00001.sql.zst"]


def test_file_that_compression_damaged_is_named(tmp_path: pathlib.Path) -> None:
    class Spoiler(Compressor):
        def compress(self, folder: str, names: object, timeout: object) -> None:
            subprocess.run(["sh", "-c", "for f in *.sql; do mv $f $f.zst; done"], cwd=folder, check=True)

    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "a.sql").write_text("not zstd", encoding="ascii")
    assert finish_files(str(tmp_path), Spoiler("zstd"), {}, {}, UNBOUND).damaged == ["a.sql.zst"]


def test_deadline(tmp_path: pathlib.Path) -> None:
    (tmp_path / "dump").mkdir()
    deadline = Deadline(1, "the dump")
    deadline._end = 0
    with pytest.raises(CommandTimeout, match="the dump took longer"):
        finish_files(str(tmp_path), None, {}, {}, deadline)
