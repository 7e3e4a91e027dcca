# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of rows compared in any order, from dumps of every compression."""

from __future__ import annotations

import pathlib
import subprocess

import pytest

from ansible_collections.vex.backup.plugins.module_utils._verify.unordered_rows import (
    lines_of,
    row_set,
    rows_of_table,
)

HEAD = b"INSERT INTO `t` (`i`,`) VALUES(`) VALUES"
LEGACY = b'SET NAMES binary;\n%s\n(1,"a)\\n,;"),\n(2,NULL);\n%s\n(3,"");\n' % (HEAD, HEAD)
MODERN = b'SET NAMES binary;\n%s(3,"")\n,(1,"a)\\n,;")\n;\n%s(2,NULL)\n;\n' % (HEAD, HEAD)
ROWS = [b'(1,"a)\\n,;")', b"(2,NULL)", b'(3,"")']


@pytest.mark.parametrize("text", [LEGACY, MODERN])
@pytest.mark.parametrize("program", [None, "zstd", "gzip"])
def test_rows_do_not_depend_on_the_dumper_or_the_compression(tmp_path: pathlib.Path, text: bytes, program: str) -> None:
    paths = [tmp_path / "t.00000.sql", tmp_path / "t.00001.sql"]
    paths[0].write_bytes(text)
    paths[1].write_bytes(b"")
    if program:
        subprocess.run([program, "-q", paths[0]], check=True)
        (paths[0]).unlink(missing_ok=True)
    found = list(rows_of_table(map(str, paths)))
    assert sorted(found) == ROWS
    assert row_set(found) == row_set(reversed(ROWS))


def test_changed_missing_and_duplicate_rows_are_differences() -> None:
    sets = {row_set(rows) for rows in ([b"a", b"b"], [b"a", b"c"], [b"a"], [b"a", b"a"], [b"a", b"b", b"b"])}
    assert len(sets) == 5


def test_a_line_may_lack_its_end_and_be_longer_than_a_chunk(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x\n" + b"y" * 3_000_000 + b"\nz")
    assert [len(line) for line in lines_of(str(path))] == [1, 3_000_000, 1]
