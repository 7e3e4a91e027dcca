# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Count and compress the pieces of large tables while MyDumper writes the next ones.

So large tables are never whole on the disk uncompressed, and most of them never leave the memory.
"""

from __future__ import annotations

import contextlib
import functools
import os
import typing as t
from concurrent.futures import Future, wait

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.files import pieces_of
from ansible_collections.vex.backup.plugins.module_utils._common.process import Completed, Running
from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads, undisturbed
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count, FileTally
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import Version, finished_pieces, splits_tables

_PERIOD_SECONDS = 0.2


class Packed(t.NamedTuple):
    """A piece before it was compressed: its size in bytes, and what it held."""

    size: int
    holds: Count


def wait_compressing(
    program: Running, version: Version, folder: str, compressor: t.Optional[Compressor], deadline: Deadline
) -> t.Tuple[Completed, t.Dict[str, Packed]]:
    """Wait for MyDumper's end, and compress each piece in *folder* that it has done with.

    :returns: how it ended, and what is compressed, by its name before that
    :raises CommandTimeout: when the deadline passes
    :raises DumpFailed, NotEnoughSpace: when a piece could not be compressed, or cannot be one
    """
    packed: t.Dict[str, Packed] = {}
    if compressor is None or not splits_tables(version):
        return program.wait(deadline.remaining()), packed
    taken: t.Set[str] = set()
    at_work: t.List[Future[t.Dict[str, Packed]]] = []
    cores = os.cpu_count() or 1
    # One at a time, which is spread over the cores; how long each may take is known when its turn comes.
    with Threads(1) as pool:
        try:
            while not program.has_ended(within=_PERIOD_SECONDS):
                new = [name for name in _finished(folder) if name not in taken]
                taken.update(new)
                # No more at a time than the cores take: their room on the disk is free when all of them are compressed.
                for some in (new[start : start + cores] for start in range(0, len(new), cores)):
                    pack = functools.partial(_pack, compressor, folder, some, version.generation, deadline)
                    at_work.append(pool.submit(pack))
                # It holds locks, without which no compressor could end.
                with undisturbed():
                    done, going_on = wait(at_work, timeout=0)
                at_work = list(going_on)
                for one in done:
                    packed.update(one.result())
                deadline.remaining()
            for one in at_work:
                packed.update(one.result())
        except BaseException:
            # First, so that it writes no more while the compressor ends what it has begun.
            program.end()
            raise
    return program.wait(deadline.remaining()), packed


def _pack(
    compressor: Compressor, folder: str, names: t.Sequence[str], generation: str, deadline: Deadline
) -> t.Dict[str, Packed]:
    packed = {}
    with contextlib.ExitStack() as files:
        pieces = [files.enter_context(open(os.path.join(folder, name), "rb")) for name in names]
        # Now they are in memory; when they have been compressed, it would take a pipe and another program.
        for name, piece in zip(names, pieces):
            tally = FileTally(generation)
            for part in pieces_of(piece):
                deadline.remaining()
                tally.update(part)
            packed[name] = Packed(piece.tell(), tally.count())
        compressor.compress(folder, names, deadline.remaining())
        for name, piece in zip(names, pieces):
            # They are not there by name any more. What MyDumper still wrote may be counted, or compressed, or neither.
            if os.fstat(piece.fileno()).st_size != packed[name].size:
                raise DumpFailed(
                    f"MyDumper went on to write {name} when it had begun with the next file: "
                    "use another version of it, or compression: none"
                )
    return packed


def _finished(folder: str) -> t.List[str]:
    try:
        return finished_pieces(os.listdir(folder))
    except FileNotFoundError:
        # MyDumper makes it.
        return []
