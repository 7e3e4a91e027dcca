# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The last stage of a dump's files: compression, integrity test, digests, and their way to the disk."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.files import (
    fsync_directory,
    fsync_file,
    list_files,
    sha256_of,
)
from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._dump.chunk_compression import CompressedChunk
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.integrity_test import IntegrityTest
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Counter

_DIGEST_THREADS = 4


class File(t.TypedDict):
    """A file as the manifest lists it: ``path`` from the dump's root, ``size`` in bytes, ``sha256`` in hexadecimal."""

    path: str
    size: int
    sha256: str


class Finished(t.NamedTuple):
    """The files of a dump; ``damaged`` and ``counters`` are the result of their integrity test."""

    files: t.List[File]
    damaged: t.List[str]
    counters: t.Dict[str, Counter]


def finish_files(
    root: str,
    compressor: t.Optional[Compressor],
    new_counters: t.Mapping[str, t.Callable[[], Counter]],
    chunks: t.Mapping[str, CompressedChunk],
    deadline: Deadline,
) -> Finished:
    """Compress the SQL files below ``{root}/dump``, test all files, write them to the disk, and list them.

    :param compressor: ``None`` when the files stay as they are
    :param new_counters: make the counter of each file whose rows are counted during the test
    :param chunks: the files that are compressed and counted already, by their names before that
    :raises CommandTimeout: when the deadline passes
    :raises DumpFailed, NotEnoughSpace: when a file could not be compressed
    """
    folder = os.path.join(root, "dump")
    sizes = {name: os.path.getsize(os.path.join(folder, name)) for name in list_files(folder) if name.endswith(".sql")}
    if compressor:
        # Large files first, so that all processors are busy until the end.
        compressor.compress(folder, sorted(sizes, key=lambda name: -sizes[name]), deadline.remaining())
    sizes.update({name: chunk.size for name, chunk in chunks.items()})
    uncounted = {name: new for name, new in new_counters.items() if name not in chunks}

    # The digests and the writes to the disk run at the same time as the test, which reads the same files.
    with Threads(max_workers=_DIGEST_THREADS) as pool:
        pending = [pool.submit(_finish_file, folder, name) for name in list_files(folder)]
        tested = IntegrityTest(folder, sizes, compressor, deadline).run(uncounted)
        files = [file.result() for file in pending]
    for directory, _directories, _files in os.walk(folder):
        fsync_directory(directory)
    deadline.remaining()
    return Finished(files, tested.damaged, tested.counters)


def _finish_file(folder: str, name: str) -> File:
    path = os.path.join(folder, name)
    fsync_file(path)
    return {"path": os.path.join("dump", name), "size": os.path.getsize(path), "sha256": sha256_of(path)}
