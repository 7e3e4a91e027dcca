# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Row counts and compression of the chunks of large tables while MyDumper writes the next ones.

So large tables are never on the disk as a whole uncompressed, and most of them never leave the memory.
"""

from __future__ import annotations

import contextlib
import os
import typing as t
from concurrent.futures import Future, wait

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.files import read_blocks
from ansible_collections.vex.backup.plugins.module_utils._common.process import Completed, Running
from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads, undisturbed
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count, FileCounter
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper_0_10 import finished_chunks

_PERIOD_SECONDS = 0.2


class CompressedChunk(t.NamedTuple):
    """A chunk that was compressed during the dump: its bytes before that, and its rows."""

    size: int
    content: Count


# By name before compression.
Chunks = t.Dict[str, CompressedChunk]


def compress_while_running(
    program: Running, folder: str, compressor: Compressor, deadline: Deadline
) -> t.Tuple[Completed, Chunks]:
    """Wait for the end of a MyDumper 0.10, and compress each chunk in *folder* that it has finished.

    :returns: MyDumper's end, and the compressed chunks
    :raises CommandTimeout: when the deadline passes
    :raises DumpFailed, NotEnoughSpace: when a chunk could not be compressed, or has grown meanwhile
    """
    chunks: Chunks = {}
    submitted: t.Set[str] = set()
    pending: t.List[Future[Chunks]] = []
    # One batch at a time: the compressor spreads it over the processors. The deadline counts from its begin.
    with Threads(1) as pool:
        try:
            while not program.has_ended(within=_PERIOD_SECONDS):
                batches = _batches([name for name in _finished(folder) if name not in submitted])
                pending += [pool.submit(_compress, compressor, folder, batch, deadline) for batch in batches]
                submitted.update(name for batch in batches for name in batch)
                # wait() holds locks that the compressor's thread needs to end.
                with undisturbed():
                    done, still_pending = wait(pending, timeout=0)
                pending = list(still_pending)
                for batch_done in done:
                    chunks.update(batch_done.result())
                deadline.remaining()
            for batch_done in pending:
                chunks.update(batch_done.result())
        except BaseException:
            # MyDumper must not write more while the compressor completes its batch.
            program.end()
            raise
    return program.wait(deadline.remaining()), chunks


def _batches(names: t.Sequence[str]) -> t.List[t.Sequence[str]]:
    # Open files keep their room on the disk until the whole batch is compressed.
    size = os.cpu_count() or 1
    return [names[start : start + size] for start in range(0, len(names), size)]


def _compress(compressor: Compressor, folder: str, names: t.Sequence[str], deadline: Deadline) -> Chunks:
    chunks = {}
    with contextlib.ExitStack() as files:
        streams = {name: files.enter_context(open(os.path.join(folder, name), "rb")) for name in names}
        # The chunks are counted now, while they are in memory: later, that needs a decompressor and a pipe.
        for name, stream in streams.items():
            counter = FileCounter(LEGACY)
            for block in read_blocks(stream):
                deadline.remaining()
                counter.update(block)
            chunks[name] = CompressedChunk(stream.tell(), counter.count())
        compressor.compress(folder, names, deadline.remaining())
        for name, stream in streams.items():
            # The names are removed, the open files still exist. Text that MyDumper added later may be neither counted
            # nor compressed.
            if os.fstat(stream.fileno()).st_size != chunks[name].size:
                raise DumpFailed(
                    f"MyDumper continued to write {name} after it had begun the next file: "
                    "use another version of MyDumper, or compression: none"
                )
    return chunks


def _finished(folder: str) -> t.List[str]:
    try:
        return finished_chunks(os.listdir(folder))
    except FileNotFoundError:
        # MyDumper has not created it yet.
        return []
