# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Chunks are compressed while a program writes the next ones, as MyDumper 0.10 does."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import signal
import threading
import typing as t
from concurrent.futures import Future, wait

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.process import Running, running
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._dump import chunk_compression as chunk_compression_module
from ansible_collections.vex.backup.plugins.module_utils._dump.chunk_compression import compress_while_running
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout, DumpFailed, Interrupted

UNBOUND = Deadline(0, "the dump")
# It begins after the first look at its directory, and ends when the first two chunks are compressed. So the test fails
# if the code waits for the directory or for the end of the program.
WRITER = """
until test -e looked; do sleep 0.01; done
mkdir out
for number in 1 2 3; do printf "\\n($number)" >out/d.t.0000$number.sql; done
until test -e out/d.t.00001.sql.zst -a -e out/d.t.00002.sql.zst -a ! -e out/d.t.00002.sql; do sleep 0.01; done
exit 7
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_compression_module, "_PERIOD_SECONDS", 0.01)


def test_all_chunks_except_the_last_are_compressed_during_the_dump(tmp_path: pathlib.Path) -> None:
    class DeadlineAfterALook(Deadline):
        def remaining(self) -> t.Optional[float]:
            (tmp_path / "looked").touch()
            return super().remaining()

    folder = tmp_path / "out"
    with running(["sh", "-c", WRITER], cwd=str(tmp_path)) as program:
        done, chunks = compress_while_running(
            program, str(folder), Compressor("zstd"), DeadlineAfterALook(0, "the dump")
        )
    assert done.returncode == 7
    digests = {number: hashlib.sha256(b"\n(%d)" % number).hexdigest() for number in (1, 2)}
    assert chunks == {f"d.t.0000{number}.sql": (4, Count(1, digest)) for number, digest in digests.items()}
    assert sorted(os.listdir(folder)) == ["d.t.00001.sql.zst", "d.t.00002.sql.zst", "d.t.00003.sql"]


class Late(Compressor):
    """A compressor that works after the end of the program; the program waits for its begin."""

    program = "until test -e begun; do sleep 0.01; done"

    def __init__(self, folder: pathlib.Path, ended: threading.Event, failure: t.Optional[Exception]) -> None:
        super().__init__("zstd")
        self._begun = folder / "begun"
        self._ended = ended
        self._failure = failure

    def compress(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> None:
        self._begun.touch()
        assert self._ended.wait(60)
        if self._failure:
            raise self._failure
        super().compress(folder, names, timeout)


@pytest.mark.parametrize("failure", [None, DumpFailed("zstd failed")])
def test_compression_that_ends_after_the_program(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, failure: t.Optional[Exception]
) -> None:
    def has_ended_and_note(program: Running, within: float) -> bool:
        if has_ended(program, within):
            ended.set()
        return ended.is_set()

    ended, has_ended = threading.Event(), Running.has_ended
    monkeypatch.setattr(Running, "has_ended", has_ended_and_note)
    for number in "12":
        (tmp_path / f"d.t.0000{number}.sql").write_text("\n(1)", encoding="ascii")
    outcome = pytest.raises(DumpFailed, match="zstd failed") if failure else contextlib.nullcontext()
    with outcome, running(["sh", "-c", Late.program], cwd=str(tmp_path)) as program:
        _done, chunks = compress_while_running(program, str(tmp_path), Late(tmp_path, ended, failure), UNBOUND)
        assert list(chunks) == ["d.t.00001.sql"]
    assert (tmp_path / "d.t.00001.sql.zst").exists() is (failure is None)


def test_failed_compression_ends_the_program(tmp_path: pathlib.Path) -> None:
    class Failing(Compressor):
        def compress(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> None:
            raise DumpFailed(f"zstd failed: {', '.join(names)}")

    for number in "12":
        (tmp_path / f"d.t.0000{number}.sql").touch()
    with pytest.raises(DumpFailed, match=r"zstd failed: d\.t\.00001\.sql"), running(["sleep", "60"]) as program:
        compress_while_running(program, str(tmp_path), Failing("zstd"), UNBOUND)


def test_chunk_that_grows_ends_the_program(tmp_path: pathlib.Path) -> None:
    class Slow(Compressor):
        def compress(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> None:
            for name in names:
                with open(os.path.join(folder, name), "a", encoding="ascii") as chunk:
                    chunk.write("\n(2)")
            super().compress(folder, names, timeout)

    for number in "12":
        (tmp_path / f"d.t.0000{number}.sql").write_text("\n(1)", encoding="ascii")
    with pytest.raises(DumpFailed, match=r"write d\.t\.00001\.sql after"), running(["sleep", "60"]) as program:
        compress_while_running(program, str(tmp_path), Slow("zstd"), UNBOUND)


def test_many_chunks_are_compressed_in_small_batches(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(Compressor):
        def compress(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> None:
            at_once.append(len(names))
            super().compress(folder, names, timeout)

    monkeypatch.setattr("os.cpu_count", lambda: 2)
    at_once: t.List[int] = []
    for number in range(1, 7):
        (tmp_path / f"d.t.0000{number}.sql").write_text("\n(1)", encoding="ascii")
    until_all_exist = "until test $(ls | grep -c zst$) = 5; do sleep 0.01; done"
    with running(["sh", "-c", until_all_exist], cwd=str(tmp_path)) as program:
        _done, chunks = compress_while_running(program, str(tmp_path), Counting("zstd"), UNBOUND)
    assert sorted(chunks) == [f"d.t.0000{number}.sql" for number in range(1, 6)]
    assert at_once == [2, 2, 1]


def test_deadline_ends_the_count(tmp_path: pathlib.Path) -> None:
    deadline = Deadline(1, "the dump")
    deadline._end = 0
    (tmp_path / "d.t.00001.sql").write_text("\n(1)", encoding="ascii")
    with pytest.raises(CommandTimeout, match="the dump took longer"):
        chunk_compression_module._compress(Compressor("zstd"), str(tmp_path), ["d.t.00001.sql"], deadline)


def test_signal_while_it_waits_for_the_batches(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = []

    def interrupted(pending: t.Sequence[Future[None]], timeout: float) -> t.Any:
        os.kill(os.getpid(), signal.SIGTERM)
        results.append(wait(pending, timeout=timeout))
        return results[0]

    monkeypatch.setattr(chunk_compression_module, "wait", interrupted)
    with pytest.raises(Interrupted, match="SIGTERM"), ending_children(), running(["sleep", "60"]) as program:
        compress_while_running(program, str(tmp_path), Compressor("zstd"), UNBOUND)
    assert len(results) == 1


def test_deadline_ends_the_program(tmp_path: pathlib.Path) -> None:
    deadline = Deadline(1, "the dump")
    deadline._end = 0
    with pytest.raises(CommandTimeout, match="the dump took longer"), running(["sleep", "60"]) as program:
        compress_while_running(program, str(tmp_path), Compressor("zstd"), deadline)
