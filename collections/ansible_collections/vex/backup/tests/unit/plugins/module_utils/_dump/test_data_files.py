# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The work on files with rows, in threads beside the dump, with the real zstd and gzip."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._dump import data_files as data_files_module
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.data_files import DataFile, DataFiles
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    CommandTimeout,
    DumpFailed,
    NotEnoughSpace,
)

TEXT = b"INSERT INTO `t` (`id`) VALUES\n(1),\n(2);\n"
COUNT = Count(2, hashlib.sha256(TEXT).hexdigest(), ("id",), len(TEXT) - 2)


@contextlib.contextmanager
def opened(
    root: pathlib.Path, compressor: t.Optional[Compressor] = None, deadline: t.Optional[Deadline] = None
) -> t.Iterator[DataFiles]:
    with Threads(2) as pool:
        yield DataFiles(str(root), compressor, pool, deadline or Deadline(0, "the dump"))


def write(root: pathlib.Path, *names: str, text: bytes = TEXT) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text)


@pytest.mark.parametrize(("compression", "suffix"), [("zstd", ".zst"), ("gzip", ".gz"), ("none", "")])
def test_files_are_counted_and_compressed(tmp_path: pathlib.Path, compression: str, suffix: str) -> None:
    names = ["d/tables/-t.00000.sql", "é/exact/t.00000.sql", "d/tables/u.sql"]
    write(tmp_path, *names)
    with opened(tmp_path, Compressor(compression) if suffix else None) as files:
        files.add(names[:2])
        files.check()
        files.add(names[2:])
        assert files.wait() == {name: DataFile(len(TEXT), COUNT) for name in names}
        files.check()
    for name in names:
        assert (tmp_path / f"{name}{suffix}").exists()
        assert (tmp_path / name).exists() is not bool(suffix)


def test_discarded_files_are_forgotten(tmp_path: pathlib.Path) -> None:
    write(tmp_path, "a/tables/t.sql", "a b/tables/t.sql")
    with opened(tmp_path) as files:
        files.add(["a/tables/t.sql"])
        files.add(["a b/tables/t.sql"])
        files.discard(["a", "other"])
        assert list(files.wait()) == ["a b/tables/t.sql"]


def test_no_files(tmp_path: pathlib.Path) -> None:
    with opened(tmp_path) as files:
        files.add([])
        assert files.wait() == {}


def test_small_files_are_compressed_together(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Recorder(Compressor):
        batches: t.ClassVar[t.List[t.Sequence[str]]] = []

        def compress(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> None:
            self.batches.append(names)
            super().compress(folder, names, timeout)

    monkeypatch.setattr(data_files_module, "_BATCH_FILES", 3)
    monkeypatch.setattr(data_files_module, "_BATCH_BYTES", 10 * len(TEXT))
    names = [f"{number}.sql" for number in range(7)]
    write(tmp_path, *names)
    write(tmp_path, "large.sql", text=TEXT * 10)
    with opened(tmp_path, Recorder("zstd")) as files:
        files.add(["large.sql", *names])
        files.wait()
    assert sorted(map(list, Recorder.batches)) == [
        ["0.sql", "1.sql", "2.sql"],
        ["3.sql", "4.sql", "5.sql"],
        ["6.sql"],
        ["large.sql"],
    ]


def fails(root: pathlib.Path, error: t.Type[BackupError], message: str, **options: t.Any) -> None:
    """Check that the failure of a file's work is raised by each call that asks for it."""
    with opened(root, **options) as files:
        files.add(["t.sql"])
        for ask in (files.wait, files.check):
            with pytest.raises(error, match=message):
                ask()


def test_nul_byte_is_an_error(tmp_path: pathlib.Path) -> None:
    write(tmp_path, "t.sql", text=TEXT + b"\0")
    fails(tmp_path, DumpFailed, "a data file holds a NUL byte")


def test_file_that_compression_damaged_is_named(tmp_path: pathlib.Path) -> None:
    class Spoiler(Compressor):
        def compress(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> None:
            super().compress(folder, names, timeout)
            packed = pathlib.Path(folder, f"{names[0]}{self.suffix}")
            packed.write_bytes(packed.read_bytes()[:-1])

    write(tmp_path, "t.sql")
    fails(tmp_path, DumpFailed, r"^t\.sql\.zst fails its integrity test after compression", compressor=Spoiler("zstd"))


def test_full_disk_is_an_error(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "zstd"
    program.write_text("#!/bin/sh\necho 'zstd: error 70 : Write error : No space left on device' >&2; exit 70\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    write(tmp_path, "t.sql")
    fails(tmp_path, NotEnoughSpace, "is full: make room", compressor=Compressor("zstd"))


def test_time_limit(tmp_path: pathlib.Path) -> None:
    write(tmp_path, "t.sql")
    deadline = Deadline(1, "the dump")
    deadline._end = 0
    fails(tmp_path, CommandTimeout, "the dump took longer", deadline=deadline)
