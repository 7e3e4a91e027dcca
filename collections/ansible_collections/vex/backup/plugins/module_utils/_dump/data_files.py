# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files with rows: each is counted, compressed and tested as soon as it is complete, while others are written.

So large tables are never on the disk as a whole uncompressed, and most of them never leave the memory.
"""

from __future__ import annotations

import os
import threading
import typing as t
from concurrent.futures import Future, wait

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.files import fsync_file, read_blocks
from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count, FileCounter
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed

# One process compresses several small files: a thousand tables have a thousand files.
_BATCH_BYTES = 4 * 1024 * 1024
_BATCH_FILES = 64


class DataFile(t.NamedTuple):
    """A complete file: its bytes before compression, and its rows."""

    size: int
    content: Count


class _Batch(t.NamedTuple):
    """Files of one directory, and the work on them."""

    names: t.Sequence[str]
    future: Future[t.Dict[str, DataFile]]


class DataFiles:
    """The complete files of one dump, in the threads of a pool.

    :param root: the directory that the names of files are relative to
    :param compressor: ``None`` leaves the files as they are
    """

    def __init__(self, root: str, compressor: t.Optional[Compressor], pool: Threads, deadline: Deadline) -> None:
        self._root = root
        self._compressor = compressor
        self._pool = pool
        self._deadline = deadline
        self._pending: t.List[_Batch] = []
        self._guard = threading.Lock()

    def add(self, names: t.Iterable[str]) -> None:
        """Take over complete files; nothing may change them from now on."""
        for batch in self._batches(names):
            with self._guard:
                self._pending.append(_Batch(batch, self._pool.submit(self._finish, batch)))

    def discard(self, directories: t.Container[str]) -> None:
        """Forget the files in directories, once nothing works on them; the caller removes them."""
        with self._guard:
            pending, self._pending = self._pending, []
        doomed = [one for one in pending if os.path.dirname(one.names[0]).split(os.sep)[0] in directories]
        wait([one.future for one in doomed])
        with self._guard:
            self._pending += [one for one in pending if one not in doomed]

    def check(self) -> None:
        """Raise the error of a file that has failed meanwhile.

        :raises DumpFailed, NotEnoughSpace, CommandTimeout: as the file's work failed
        """
        with self._guard:
            ended = [one.future for one in self._pending if one.future.done()]
        for one in ended:
            one.result()

    def wait(self) -> t.Dict[str, DataFile]:
        """Wait for all files; return them by their names before compression.

        :raises DumpFailed, NotEnoughSpace, CommandTimeout: as the work on a file failed
        """
        return {name: file for one in self._pending for name, file in one.future.result().items()}

    def _batches(self, names: t.Iterable[str]) -> t.Iterator[t.List[str]]:
        batch: t.List[str] = []
        size = 0
        for name in names:
            batch.append(name)
            size += os.path.getsize(os.path.join(self._root, name))
            if size >= _BATCH_BYTES or len(batch) >= _BATCH_FILES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _finish(self, names: t.Sequence[str]) -> t.Dict[str, DataFile]:
        # They are counted now, while they are in memory: later, that needs a decompressor and a pipe.
        found = {name: self._count(name) for name in names}
        present = names
        if self._compressor:
            self._compressor.compress(self._root, names, self._deadline.remaining())
            present = [name + self._compressor.suffix for name in names]
            damaged = self._compressor.find_damaged(self._root, present, self._deadline.remaining())
            if damaged:
                raise DumpFailed(f"{damaged[0]} fails its integrity test after compression: check the disk and memory")
        # While other files are dumped: at the end of the dump, everything would wait for the disk.
        for name in present:
            fsync_file(os.path.join(self._root, name))
        return found

    def _count(self, name: str) -> DataFile:
        counter = FileCounter()
        size = 0
        with open(os.path.join(self._root, name), "rb") as stream:
            for block in read_blocks(stream):
                self._deadline.remaining()
                counter.update(block)
                size += len(block)
        return DataFile(size, counter.count())
