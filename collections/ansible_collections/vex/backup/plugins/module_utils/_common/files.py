# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files that survive a power cut: whole under their final name, or not there at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import NotEnoughSpace

PIECE_BYTES = 1024 * 1024


class Readable(t.Protocol):
    """Whatever can be read by pieces."""

    def read(self, count: int, /) -> bytes:
        """Up to *count* bytes; none at the end."""


def pieces_of(stream: Readable) -> t.Iterator[bytes]:
    """What is left of *stream*, :data:`PIECE_BYTES` at a time."""
    while True:
        piece = stream.read(PIECE_BYTES)
        if not piece:
            return
        yield piece


def sha256_of(path: str) -> str:
    """The SHA-256 of a file, in hexadecimal, without holding more than a piece of it."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for piece in pieces_of(stream):
            digest.update(piece)
    return digest.hexdigest()


def fsync_file(path: str) -> None:
    """Wait until the file's content is on the disk."""
    _fsync(path, os.O_RDONLY)


def fsync_directory(path: str) -> None:
    """Wait until the names in the directory are on the disk."""
    _fsync(path, os.O_RDONLY | os.O_DIRECTORY)


def commit(partial: str, final: str) -> None:
    """Give whole, verified data its final name, durably.

    :param partial: a file, or a directory whose files are on the disk already; in the same directory as *final*
    :param final: the name it gets; what has that name already, if it is a file, is replaced
    """
    _fsync(partial, os.O_RDONLY)
    os.rename(partial, final)
    fsync_directory(os.path.dirname(os.path.abspath(final)))


def write_durably(path: str, content: bytes) -> None:
    """Write *content* to a file that only its owner reads: the whole of it or, when that fails, nothing.

    :param path: replaced when it exists
    """
    partial = f"{path}.partial"
    try:
        with contextlib.suppress(FileNotFoundError):
            # Left behind by a run that was killed, perhaps with another mode.
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
    """Write *data* as :func:`write_durably` does."""
    text = json.dumps(data, ensure_ascii=False, indent=2, sort_keys=True)
    write_durably(path, f"{text}\n".encode())


@contextlib.contextmanager
def private_files() -> t.Iterator[None]:
    """Let whatever is made meanwhile, by other programs too, be for its owner alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def require_space(folder: str, needed: int, what: str) -> None:
    """See to it that a disk has room before anything is written to it.

    :param needed: bytes
    :param what: takes them, for the error
    :raises NotEnoughSpace: when the disk of *folder* has less
    """
    disk = os.statvfs(folder)
    available = disk.f_bavail * disk.f_frsize
    if needed > available:
        raise NotEnoughSpace(
            f"{what} needs {needed} bytes in {folder}, which has {available}: "
            "free space there, or choose another folder"
        )


def _fsync(path: str, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
