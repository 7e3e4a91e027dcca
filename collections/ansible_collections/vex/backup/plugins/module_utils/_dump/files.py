# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of a dump: the folder while it is written, what failed runs left, compression, sizes and digests."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.files import fsync_directory, fsync_file, sha256_of
from ansible_collections.vex.backup.plugins.module_utils._common.lock import try_lock
from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._dump.chunk_compression import Packed
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.integrity_test import Part, read_back
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError

_PARTIAL = "backup_????????_??????.partial"


class File(t.TypedDict):
    """A file as the manifest lists it: ``path`` from the dump's root, ``size`` in bytes."""

    path: str
    size: int
    sha256: str


@contextlib.contextmanager
def hold_directory(path: str) -> t.Iterator[None]:
    """Make *path* and lock it for as long as it is written to, so that nobody takes it for a dead run's.

    :raises OptionError: when it exists
    """
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        raise OptionError(f"{path} exists: another run of the same second writes to it or left it behind") from None
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try_lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def discard_failed(folder: str, keep: int) -> None:
    """Remove what failed dumps left in *folder*, all but the newest *keep*."""
    with os.scandir(folder) as entries:
        directories = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    left = sorted(path for path in directories if fnmatch.fnmatchcase(os.path.basename(path), _PARTIAL))
    for path in left[: max(0, len(left) - keep)]:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if try_lock(descriptor):
                shutil.rmtree(path)
        finally:
            os.close(descriptor)


def data_bytes(folder: str, packed: t.Mapping[str, Packed]) -> int:
    """The size of all files below *folder* before compression; of those in *packed* it is there."""
    found = [name for name in walk(folder) if os.path.splitext(name)[0] not in packed]
    there = sum(os.path.getsize(os.path.join(folder, name)) for name in found)
    return there + sum(piece.size for piece in packed.values())


def finish_files(
    root: str,
    compressor: t.Optional[Compressor],
    tables: t.Sequence[Part],
    packed: t.Mapping[str, Packed],
    deadline: Deadline,
) -> t.Tuple[t.List[File], t.List[str]]:
    """Compress the SQL files below ``{root}/dump``, read them back, bring everything to the disk, and list it.

    :param compressor: ``None`` when they stay as they are
    :param tables: those of the files that are counted while they are read
    :param packed: those that are compressed already, by their names before
    :returns: the files, and the names of those that fail their own test
    """
    folder = os.path.join(root, "dump")
    names = [name for name in walk(folder) if name.endswith(".sql")]
    sizes = {name: os.path.getsize(os.path.join(folder, name)) for name in names}
    if compressor:
        names.sort(key=lambda name: sizes[name], reverse=True)
        compressor.compress(folder, names, deadline.remaining())
    sizes.update({name: piece.size for name, piece in packed.items()})
    counted = {part.file for part in tables}
    parts = [*tables, *(Part(name, None) for name in sizes if name not in counted)]

    def finish(name: str) -> File:
        path = os.path.join(folder, name)
        fsync_file(path)
        return {"path": os.path.join("dump", name), "size": os.path.getsize(path), "sha256": sha256_of(path)}

    # The disk keeps the files, and their digests are taken, while they are read back.
    with Threads(max_workers=4) as pool:
        finishing = [pool.submit(finish, name) for name in walk(folder)]
        broken = read_back(folder, parts, sizes, compressor, deadline)
        files = [file.result() for file in finishing]
    for directory, _directories, _files in os.walk(folder):
        fsync_directory(directory)
    deadline.remaining()
    return files, broken


def walk(folder: str) -> t.List[str]:
    """The files below *folder*, by their names from there, in order."""
    found = []
    for directory, _directories, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(directory, name), folder) for name in names]
    return sorted(found)
