# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pieces are compressed while a program writes the next ones, as MyDumper 0.10 does."""

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
from ansible_collections.vex.backup.plugins.module_utils._dump.chunk_compression import wait_compressing
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout, DumpFailed, Interrupted
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, MODERN, Version

OLD, NEW = Version("0.10.0", LEGACY), Version("1.0.1", MODERN)
UNBOUND = Deadline(0, "the dump")
# Begins when it was looked for what it writes, and ends when the first two pieces are compressed: so that it is seen
# that this waited neither for its directory nor for its end.
WRITER = """
until test -e looked; do sleep 0.01; done
mkdir out
for piece in 1 2 3; do printf "\\n($piece)" >out/d.t.0000$piece.sql; done
until test -e out/d.t.00001.sql.zst -a -e out/d.t.00002.sql.zst -a ! -e out/d.t.00002.sql; do sleep 0.01; done
exit 7
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_compression_module, "_PERIOD_SECONDS", 0.01)


def test_all_but_the_last_piece_are_compressed_meanwhile(tmp_path: pathlib.Path) -> None:
    class AskedAfterALook(Deadline):
        def remaining(self) -> t.Optional[float]:
            (tmp_path / "looked").touch()
            return super().remaining()

    folder = tmp_path / "out"
    with running(["sh", "-c", WRITER], cwd=str(tmp_path)) as program:
        done, packed = wait_compressing(program, OLD, str(folder), Compressor("zstd"), AskedAfterALook(0, "the dump"))
    assert done.returncode == 7
    digests = {piece: hashlib.sha256(b"\n(%d)" % piece).hexdigest() for piece in (1, 2)}
    assert packed == {f"d.t.0000{piece}.sql": (4, Count(1, digest)) for piece, digest in digests.items()}
    assert sorted(os.listdir(folder)) == ["d.t.00001.sql.zst", "d.t.00002.sql.zst", "d.t.00003.sql"]


class Late(Compressor):
    """Compresses when the program has ended, which waits until it has begun."""

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
def test_what_is_compressed_after_its_end_is_waited_for(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, failure: t.Optional[Exception]
) -> None:
    def noting_its_end(program: Running, within: float) -> bool:
        if has_ended(program, within):
            ended.set()
        return ended.is_set()

    ended, has_ended = threading.Event(), Running.has_ended
    monkeypatch.setattr(Running, "has_ended", noting_its_end)
    for piece in "12":
        (tmp_path / f"d.t.0000{piece}.sql").write_text("\n(1)", encoding="ascii")
    outcome = pytest.raises(DumpFailed, match="zstd failed") if failure else contextlib.nullcontext()
    with outcome, running(["sh", "-c", Late.program], cwd=str(tmp_path)) as program:
        _done, packed = wait_compressing(program, OLD, str(tmp_path), Late(tmp_path, ended, failure), UNBOUND)
        assert list(packed) == ["d.t.00001.sql"]
    assert (tmp_path / "d.t.00001.sql.zst").exists() is (failure is None)


@pytest.mark.parametrize(("version", "compressor"), [(NEW, "zstd"), (OLD, None)])
def test_nothing_is_touched_where_it_must_not_be(
    tmp_path: pathlib.Path, version: Version, compressor: t.Optional[str]
) -> None:
    for piece in "12":
        (tmp_path / f"d.t.0000{piece}.sql").touch()
    with running(["sleep", "0.1"]) as program:
        chosen = Compressor(compressor) if compressor else None
        assert wait_compressing(program, version, str(tmp_path), chosen, UNBOUND)[1] == {}
    assert sorted(os.listdir(tmp_path)) == ["d.t.00001.sql", "d.t.00002.sql"]


def test_a_piece_that_cannot_be_compressed_ends_it(tmp_path: pathlib.Path) -> None:
    class Failing(Compressor):
        def compress(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> None:
            raise DumpFailed(f"zstd failed: {', '.join(names)}")

    for piece in "12":
        (tmp_path / f"d.t.0000{piece}.sql").touch()
    with pytest.raises(DumpFailed, match=r"zstd failed: d\.t\.00001\.sql"), running(["sleep", "60"]) as program:
        wait_compressing(program, OLD, str(tmp_path), Failing("zstd"), UNBOUND)


def test_a_piece_that_grows_ends_it(tmp_path: pathlib.Path) -> None:
    class Slow(Compressor):
        def compress(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> None:
            for name in names:
                with open(os.path.join(folder, name), "a", encoding="ascii") as piece:
                    piece.write("\n(2)")
            super().compress(folder, names, timeout)

    for piece in "12":
        (tmp_path / f"d.t.0000{piece}.sql").write_text("\n(1)", encoding="ascii")
    with pytest.raises(DumpFailed, match=r"write d\.t\.00001\.sql when"), running(["sleep", "60"]) as program:
        wait_compressing(program, OLD, str(tmp_path), Slow("zstd"), UNBOUND)


def test_many_are_taken_a_few_at_a_time(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(Compressor):
        def compress(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> None:
            at_once.append(len(names))
            super().compress(folder, names, timeout)

    monkeypatch.setattr("os.cpu_count", lambda: 2)
    at_once: t.List[int] = []
    for piece in range(1, 7):
        (tmp_path / f"d.t.0000{piece}.sql").write_text("\n(1)", encoding="ascii")
    until_all_are = "until test $(ls | grep -c zst$) = 5; do sleep 0.01; done"
    with running(["sh", "-c", until_all_are], cwd=str(tmp_path)) as program:
        _done, packed = wait_compressing(program, OLD, str(tmp_path), Counting("zstd"), UNBOUND)
    assert sorted(packed) == [f"d.t.0000{piece}.sql" for piece in range(1, 6)]
    assert at_once == [2, 2, 1]


def test_a_bound_is_kept_while_it_counts(tmp_path: pathlib.Path) -> None:
    deadline = Deadline(1, "the dump")
    deadline._end = 0
    (tmp_path / "d.t.00001.sql").write_text("\n(1)", encoding="ascii")
    with pytest.raises(CommandTimeout, match="the dump took longer"):
        chunk_compression_module._pack(Compressor("zstd"), str(tmp_path), ["d.t.00001.sql"], LEGACY, deadline)


def test_told_while_it_looks_it_has_looked(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []

    def told_in_the_midst(at_work: t.Sequence[Future[None]], timeout: float) -> t.Any:
        os.kill(os.getpid(), signal.SIGTERM)
        looked.append(wait(at_work, timeout=timeout))
        return looked[0]

    monkeypatch.setattr(chunk_compression_module, "wait", told_in_the_midst)
    with pytest.raises(Interrupted, match="SIGTERM"), ending_children(), running(["sleep", "60"]) as program:
        wait_compressing(program, OLD, str(tmp_path), Compressor("zstd"), UNBOUND)
    assert len(looked) == 1


def test_a_bound_is_kept(tmp_path: pathlib.Path) -> None:
    deadline = Deadline(1, "the dump")
    deadline._end = 0
    with pytest.raises(CommandTimeout, match="the dump took longer"), running(["sleep", "60"]) as program:
        wait_compressing(program, OLD, str(tmp_path), Compressor("zstd"), deadline)
