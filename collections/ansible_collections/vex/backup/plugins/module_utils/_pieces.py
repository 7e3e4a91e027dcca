# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compress the pieces of large tables while MyDumper writes the next ones.

So large tables are never whole on the disk uncompressed, and most of them never leave the memory.
"""

from __future__ import annotations

import functools
import os
import typing as t
from concurrent.futures import Future, wait

from ansible_collections.vex.backup.plugins.module_utils._command import Completed, Running
from ansible_collections.vex.backup.plugins.module_utils._compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._interruption import Threads, undisturbed
from ansible_collections.vex.backup.plugins.module_utils._mydumper import Version, finished_pieces, splits_tables
from ansible_collections.vex.backup.plugins.module_utils._timer import Deadline

_PERIOD_SECONDS = 0.2


def wait_compressing(
    program: Running, version: Version, folder: str, compressor: t.Optional[Compressor], deadline: Deadline
) -> t.Tuple[Completed, t.Dict[str, int]]:
    """Wait for MyDumper's end, and compress each piece in *folder* that it has done with.

    :returns: how it ended, and the sizes before compression of what is compressed, in bytes by name before it
    :raises CommandTimeout: when the deadline passes
    :raises DumpFailed, NotEnoughSpace: when a piece could not be compressed
    """
    sizes: t.Dict[str, int] = {}
    if compressor is None or not splits_tables(version):
        return program.wait(deadline.remaining()), sizes
    at_work: t.List[Future[None]] = []
    # One at a time, which is spread over the cores; how long each may take is known when its turn comes.
    with Threads(1) as pool:
        try:
            while not program.has_ended(within=_PERIOD_SECONDS):
                new = [name for name in _finished(folder) if name not in sizes]
                sizes.update({name: os.path.getsize(os.path.join(folder, name)) for name in new})
                if new:
                    at_work.append(pool.submit(functools.partial(_compress, compressor, folder, new, deadline)))
                # It holds locks, without which no compressor could end.
                with undisturbed():
                    done, going_on = wait(at_work, timeout=0)
                at_work = list(going_on)
                for one in done:
                    one.result()
                deadline.remaining()
            for one in at_work:
                one.result()
        except BaseException:
            # First, so that it writes no more while the compressor ends what it has begun.
            program.end()
            raise
    return program.wait(deadline.remaining()), sizes


def _compress(compressor: Compressor, folder: str, names: t.Sequence[str], deadline: Deadline) -> None:
    compressor.compress(folder, names, deadline.remaining())


def _finished(folder: str) -> t.List[str]:
    try:
        return finished_pieces(os.listdir(folder))
    except FileNotFoundError:
        # MyDumper makes it.
        return []
