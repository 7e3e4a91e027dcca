# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compress the pieces of large tables while MyDumper writes the next ones.

So the uncompressed dump is never whole on the disk, and most of it never leaves the memory.
"""

from __future__ import annotations

import os
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor

from ansible_collections.vex.backup.plugins.module_utils._command import Completed, Running
from ansible_collections.vex.backup.plugins.module_utils._compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._mydumper import Version, finished_pieces
from ansible_collections.vex.backup.plugins.module_utils._timer import Deadline

_PERIOD_SECONDS = 0.1


def wait_compressing(
    program: Running, version: Version, folder: str, compressor: t.Optional[Compressor], deadline: Deadline
) -> t.Tuple[Completed, t.Dict[str, int]]:
    """Wait for MyDumper's end, and compress each piece in *folder* that it has done with.

    :returns: how it ended, and the sizes before compression of what is compressed, in bytes by name before it
    :raises CommandTimeout: when the deadline passes
    :raises DumpFailed, NotEnoughSpace: when a piece could not be compressed
    """
    sizes: t.Dict[str, int] = {}
    if compressor is None:
        return program.wait(deadline.remaining()), sizes
    at_work: t.List[Future[None]] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            while not program.has_ended(within=_PERIOD_SECONDS):
                for name in _finished(version, folder):
                    if name not in sizes:
                        sizes[name] = os.path.getsize(os.path.join(folder, name))
                        at_work.append(pool.submit(compressor.compress, folder, [name], deadline.remaining()))
                for one in at_work:
                    if one.done():
                        one.result()
                deadline.remaining()
            for one in at_work:
                one.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return program.wait(deadline.remaining()), sizes


def _finished(version: Version, folder: str) -> t.List[str]:
    try:
        return finished_pieces(version, os.listdir(folder))
    except FileNotFoundError:
        # MyDumper makes it.
        return []
