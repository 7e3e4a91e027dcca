# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files that survive a power cut: complete under their final name, or absent."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import tempfile
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.failpoint import failpoint
from ansible_collections.vex.backup.plugins.module_utils._errors import NotEnoughSpace

BLOCK_BYTES = 1024 * 1024
PARTIAL = ".partial"
# The kinds of files that failpoints name, by the end of their names.
KINDS = {
    ".zip": "archive",
    ".7z": "archive",
    "manifest.json": "manifest",
    ".upload.json": "note",
    ".json": "entry",
}


class Readable(t.Protocol):
    """A stream of bytes."""

    def read(self, count: int, /) -> bytes:
        """Return up to *count* bytes; none at the end."""


def read_blocks(stream: Readable) -> t.Iterator[bytes]:
    """Read the rest of *stream* in blocks of :data:`BLOCK_BYTES`."""
    while True:
        block = stream.read(BLOCK_BYTES)
        if not block:
            return
        yield block


def list_files(folder: str) -> t.List[str]:
    """Return the files below *folder*, sorted, by their paths relative to it."""
    found = []
    for directory, _directories, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(directory, name), folder) for name in names]
    return sorted(found)


def sha256_of(path: str) -> str:
    """Return the SHA-256 of a file in hexadecimal, with one block of it in memory at a time."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in read_blocks(stream):
            digest.update(block)
    return digest.hexdigest()


def fsync_file(path: str) -> None:
    """Write the file's content to the disk, and wait for that."""
    _fsync(path, os.O_RDONLY)


def fsync_directory(path: str) -> None:
    """Write the names in the directory to the disk, and wait for that."""
    _fsync(path, os.O_RDONLY | os.O_DIRECTORY)


def commit(partial: str, final: str) -> None:
    """Give complete, verified data its final name, durably.

    :param partial: a file, or a directory whose files are on the disk already; in the same directory as *final*
    :param final: the name it gets; a file that has this name already is replaced
    """
    _fsync(partial, os.O_RDONLY)
    rename(partial, final)
    fsync_directory(os.path.dirname(os.path.abspath(final)))


def rename(source: str, target: str) -> None:
    """Rename a file or directory, without waiting for the disk."""
    with failpoint(f"rename:{_kind(source)}"):
        os.rename(source, target)


def write_durably(path: str, content: bytes) -> None:
    """Write *content* to a file that only its owner can read; leave nothing when that fails.

    :param path: a file, replaced when it exists
    """
    partial = f"{path}{PARTIAL}"
    try:
        with contextlib.suppress(FileNotFoundError):
            # A killed run may have left it, perhaps with another mode.
            os.unlink(partial)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as stream:
            stream.write(content)
        commit(partial, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)
        raise


def write_json_durably(path: str, data: t.Mapping[str, t.Any]) -> None:
    """Write *data* as JSON, as :func:`write_durably` does."""
    text = json.dumps(data, ensure_ascii=False, indent=2, sort_keys=True)
    write_durably(path, f"{text}\n".encode())


@contextlib.contextmanager
def private_files() -> t.Iterator[None]:
    """Make files that are created in the block, by child processes too, accessible to their owner only."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def require_space(folder: str, needed: int, what: str) -> None:
    """Check that a disk has room for what will be written to it.

    :param needed: bytes
    :param what: the name of the data in the error
    :raises NotEnoughSpace: when the disk of *folder* has less
    """
    disk = os.statvfs(folder)
    available = disk.f_bavail * disk.f_frsize
    if needed > available:
        raise NotEnoughSpace(
            f"{what} needs {needed} bytes in {folder}, which has {available}: make room there, or choose another "
            "directory"
        )


def try_writing(folder: str) -> None:
    """Check that files can be written to a directory, or to the one in which it is to be created; leave nothing.

    :raises OSError: when that is not possible
    """
    while not os.path.isdir(folder):
        if os.path.lexists(folder):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder)
        folder = os.path.dirname(folder)
    # Without a name, so that nothing is left of it even by a process that is killed.
    with tempfile.TemporaryFile(dir=folder) as stream:
        stream.write(bytes(BLOCK_BYTES))
        stream.flush()
        os.fsync(stream.fileno())


def _fsync(path: str, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        with failpoint(f"fsync:{_kind(path)}"):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _kind(path: str) -> str:
    """Return the kind of a file or directory, for the name of a failpoint."""
    if os.path.isdir(path):
        return "directory"
    name = path.removesuffix(PARTIAL)
    return next((kind for end, kind in KINDS.items() if name.endswith(end)), "file")
