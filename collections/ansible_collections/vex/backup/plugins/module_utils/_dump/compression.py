# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compress the files of a dump in place, on all cores, and test what came out.

``xargs`` spreads the files over processes: it takes names from standard input, however many and however odd.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.process import (
    Completed,
    Running,
    find_program,
    run,
    running,
)
from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed, NotEnoughSpace, RestoreFailed

# The quickest first. Measured: rows of text are a tenth smaller at level 2 than at 1, and level 3 takes half as much
# time again for another twentieth; rows of random digits are smallest at level 1, and a hundredth larger in two thirds
# of its time when repetitions are hardly looked for. A piece out of the middle of a large file tells which it is.
_LEVELS = (("--fast=10", "--compress-literals"), ("-1",), ("-2",))
# What a quicker one may make it larger.
_TOLERANCE = 1.02
_LARGE_BYTES = 32 * 1024 * 1024
_SAMPLE_BYTES = 1024 * 1024
_PIECE_NUMBER = re.compile(r"\.\d+\.sql\Z")
SUFFIXES = {"zstd": ".zst", "gzip": ".gz", "none": ""}
DECOMPRESS = {"zstd": "zstd -q -d --rm", "gzip": "gzip -d"}


class Compressor:
    """One of ``zstd`` and ``gzip``, found on this host.

    :raises ProgramMissing: when the host has no such program
    """

    def __init__(self, name: str) -> None:
        self.suffix = SUFFIXES[name]
        self._name = name
        self._program = find_program([name], f"install {name}, or choose another compression")
        self._cores = os.cpu_count() or 1
        self._levels: t.Dict[str, t.Sequence[str]] = {}

    def compress(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> None:
        """Replace each of *names* (relative to *folder*) by its compressed form.

        :raises DumpFailed, NotEnoughSpace: when one could not be compressed; it is still there then
        """
        end = None if timeout is None else time.monotonic() + timeout
        for options, processes, some in self._shares(folder, names):
            left = None if end is None else max(0.0, end - time.monotonic())
            done = self._spread(folder, some, options, processes, left)
            if "No space left on device" in done.stderr:
                raise NotEnoughSpace(
                    f"{self._name} could not compress the dump, the disk of {folder} is full: make room, or choose "
                    "another work directory"
                )
            if done.returncode != 0:
                raise DumpFailed(f"{self._name} failed: {done.stderr.strip()[-1000:] or done.returncode}")

    def _shares(
        self, folder: str, names: t.Sequence[str]
    ) -> t.Iterator[t.Tuple[t.Sequence[str], int, t.Sequence[str]]]:
        """Options, processes and files of each run: zstd spreads a file over the cores by itself, gzip cannot."""
        if self._name == "gzip":
            yield ["-q", "-6"], self._cores, names
            return
        with Threads(self._cores) as pool:
            levels = list(pool.map(self._level, (os.path.join(folder, name) for name in names)))
        for level in _LEVELS:
            some = [name for name, its in zip(names, levels) if its == level]
            if not some:
                continue
            # Two at a time: while one begins or ends its file, and so does with one core, the other has the rest.
            yield ["-q", *level, "--rm", f"-T{self._cores}"], min(2, self._cores), some

    def _level(self, path: str) -> t.Sequence[str]:
        if not os.path.exists(path) or os.path.getsize(path) < _LARGE_BYTES:
            return _LEVELS[-1]
        # A table's pieces are alike.
        table = _PIECE_NUMBER.sub("", path)
        if table not in self._levels:
            self._levels[table] = self._better_level(path)
        return self._levels[table]

    def _better_level(self, path: str) -> t.Sequence[str]:
        with open(path, "rb") as stream:
            stream.seek(os.path.getsize(path) // 2)
            sample = stream.read(_SAMPLE_BYTES)
        # Beside the file: what is dumped goes nowhere else, and a full disk is the one that the message names.
        with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as scratch:
            sizes: t.Dict[t.Sequence[str], int] = {}
            for level in _LEVELS:
                packed = os.path.join(scratch, "sample.zst")
                # An old zstd may not know an option. Where nothing succeeds the file itself will fail too, and say why.
                if run([self._program, "-q", "-f", *level, "-o", packed], stdin=sample).returncode == 0:
                    sizes[level] = os.path.getsize(packed)
        smallest = min(sizes.values(), default=0)
        return next((level for level, size in sizes.items() if size <= smallest * _TOLERANCE), _LEVELS[-1])

    def decompress(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> None:
        """Replace each of *names* (relative to *folder*) by what it holds; another name of the same file stays.

        :raises RestoreFailed, NotEnoughSpace: when one could not be decompressed
        """
        # By itself gzip leaves alone a file that has another name too.
        options = ["-q", "-d", "--rm"] if self._name == "zstd" else ["-q", "-d", "-f"]
        done = self._spread(folder, names, options, self._cores, timeout)
        if "No space left on device" in done.stderr:
            raise NotEnoughSpace(f"{self._name}: the disk of {folder} is full; make room, or choose another folder")
        if done.returncode != 0:
            raise RestoreFailed(f"{self._name} failed: {done.stderr.strip()[-1000:] or done.returncode}")

    def unpacking(self, folder: str, names: t.Sequence[str]) -> t.ContextManager[Running]:
        """The program that writes what *names* (relative to *folder*) hold, one after the other, for ``pieces()``."""
        return running([self._program, "-q", "-d", "-c", "--", *names], cwd=folder, piped=True)

    def testing(self, folder: str, names: t.Sequence[str]) -> t.ContextManager[Running]:
        """The program that tests *names* (relative to *folder*), one after the other, and ends with 0 if all pass."""
        return running([self._program, "-q", "-t", "--", *names], cwd=folder)

    def broken(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> t.List[str]:
        """Those compressed files that do not pass their own test."""
        if self._spread(folder, names, ["-q", "-t"], self._cores, timeout).returncode == 0:
            return []
        return [name for name in names if self._spread(folder, [name], ["-q", "-t"], 1, timeout).returncode != 0]

    def _spread(
        self, folder: str, names: t.Sequence[str], options: t.Sequence[str], processes: int, timeout: t.Optional[float]
    ) -> Completed:
        # Few names a process, so that all processes stay busy to the end.
        share = max(1, min(64, len(names) // (processes * 4)))
        return run(
            ["xargs", "-0", "-r", "-P", str(processes), "-n", str(share), self._program, *options, "--"],
            cwd=folder,
            stdin=b"\0".join(os.fsencode(name) for name in names),
            timeout=timeout,
        )
