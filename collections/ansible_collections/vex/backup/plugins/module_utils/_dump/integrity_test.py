# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The integrity test of a dump's files: each is read as a restore reads it, and rows are counted on the way."""

from __future__ import annotations

import os
import threading
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.files import read_blocks
from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Counter
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed

# One program tests several files: a thousand tables have two thousand files.
_MOST_FILES = 64
_PERIOD_SECONDS = 0.2


class IntegrityResult(t.NamedTuple):
    """The result of the test.

    ``damaged`` are the files that failed it, by their present names; ``counters`` are the counters of counted files,
    by their names before compression. The counter of a damaged file has no meaning.
    """

    damaged: t.List[str]
    counters: t.Dict[str, Counter]


class _Damaged(Exception):
    """The content of a file is longer or shorter than before compression."""


class IntegrityTest:
    """One test of files in *folder*.

    :param sizes: bytes of each file before compression, by its name before that, relative to *folder*
    :param compressor: the program that compressed the files; ``None`` when they are not compressed
    """

    def __init__(
        self, folder: str, sizes: t.Mapping[str, int], compressor: t.Optional[Compressor], deadline: Deadline
    ) -> None:
        self._folder = folder
        self._sizes = sizes
        self._compressor = compressor
        self._deadline = deadline
        self._stopped = threading.Event()

    def run(self, new_counters: t.Mapping[str, t.Callable[[], Counter]]) -> IntegrityResult:
        """Test every file, on all processors.

        :param new_counters: make the counter of each file whose rows are counted; the others are only tested
        :raises CommandTimeout: when the deadline passes
        """
        cores = os.cpu_count() or 1
        # The content of a file that is not counted does not have to pass through a pipe.
        counted = [name for name in self._sizes if name in new_counters]
        others = [name for name in self._sizes if name not in new_counters]
        shares = [*self._divide(counted, cores), *self._divide(others, cores)]
        with Threads(max_workers=cores) as pool:
            try:
                pending = [pool.submit(self._test, new_counters, share) for share in shares]
                results: t.List[IntegrityResult] = [share.result() for share in pending]
            except BaseException:
                self._stopped.set()
                raise
        return IntegrityResult(
            [name for result in results for name in result.damaged],
            {name: counter for result in results for name, counter in result.counters.items()},
        )

    def _divide(self, names: t.Sequence[str], cores: int) -> t.List[t.List[str]]:
        """Divide files into shares, large files first, so small that all processors are busy until the end."""
        most = sum(self._sizes[name] for name in names) // (cores * 4)
        shares: t.List[t.List[str]] = []
        held = 0
        for name in sorted(names, key=lambda name: self._sizes[name], reverse=True):
            if not shares or len(shares[-1]) >= _MOST_FILES or held + self._sizes[name] > most:
                shares.append([])
                held = 0
            shares[-1].append(name)
            held += self._sizes[name]
        return shares

    def _test(self, new_counters: t.Mapping[str, t.Callable[[], Counter]], names: t.Sequence[str]) -> IntegrityResult:
        counters = {name: new_counters[name]() for name in names if name in new_counters}
        suffix = self._compressor.suffix if self._compressor else ""
        present = [name + suffix for name in names]
        try:
            if self._compressor is None:
                self._count(counters, names, self._read(names))
            elif counters:
                self._decompress(self._compressor, counters, names, present)
            else:
                self._test_only(self._compressor, present)
        except _Damaged:
            # The program tests each file alone to find the damaged ones. If all pass then, none of them is trusted.
            damaged = (
                self._compressor.find_damaged(self._folder, present, self._deadline.remaining())
                if self._compressor
                else []
            )
            return IntegrityResult(damaged or present, counters)
        return IntegrityResult([], counters)

    def _test_only(self, compressor: Compressor, present: t.Sequence[str]) -> None:
        with compressor.start_test(self._folder, present) as program:
            while not program.has_ended(within=_PERIOD_SECONDS):
                self._deadline.remaining()
                self._check_stopped()
            if program.wait().returncode != 0:
                raise _Damaged

    def _decompress(
        self,
        compressor: Compressor,
        counters: t.Mapping[str, Counter],
        names: t.Sequence[str],
        present: t.Sequence[str],
    ) -> None:
        with compressor.start_decompression(self._folder, present) as program:
            self._count(counters, names, program.output(self._deadline.remaining()))
            if program.wait(self._deadline.remaining()).returncode != 0:
                raise _Damaged

    def _read(self, names: t.Sequence[str]) -> t.Iterator[bytes]:
        for name in names:
            with open(os.path.join(self._folder, name), "rb") as stream:
                for block in read_blocks(stream):
                    self._deadline.remaining()
                    yield block

    def _count(self, counters: t.Mapping[str, Counter], names: t.Sequence[str], blocks: t.Iterator[bytes]) -> None:
        """Give each file's bytes to its counter; *blocks* holds the files one after the other."""
        rest = b""
        for name in names:
            left = self._sizes[name]
            while left:
                block = rest or next(blocks, b"")
                if not block:
                    raise _Damaged
                self._check_stopped()
                own, rest = block[:left], block[left:]
                left -= len(own)
                if name in counters:
                    counters[name].update(own)
        if rest or next(blocks, b""):
            raise _Damaged

    def _check_stopped(self) -> None:
        if self._stopped.is_set():
            raise DumpFailed("the integrity test was stopped because another part of the dump failed")
