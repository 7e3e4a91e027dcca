# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts of a file, as an upload sends them."""

from __future__ import annotations

import functools
import hashlib
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import BLOCK_BYTES

MEBIBYTE = 1024 * 1024
# S3's limit on the parts of one upload.
MOST_PARTS = 10_000


class Part:
    """One part of a file: a body of a request that is never in memory as a whole.

    :param descriptor: of the open file; read by position, so that threads can share it
    :param number: from 1
    :param start: offset of the first byte
    :param size: bytes
    :param check: called before each read; an error that it raises ends the reading
    :param pace: called with the number of bytes of each read that is to be sent; waits until they may be
    """

    #: Whether :meth:`take_digest` computes :attr:`md5` too, for a store whose requests have one.
    takes_md5 = False

    def __init__(
        self,
        descriptor: int,
        number: int,
        start: int,
        size: int,
        check: t.Callable[[], None],
        pace: t.Optional[t.Callable[[int], None]] = None,
    ) -> None:
        self._descriptor = descriptor
        self.number = number
        self.start = start
        self._size = size
        self._check = check
        self._pace = pace
        self._position = 0
        #: Whether :meth:`read` reads bytes to be sent. A library that reads a body for its signature sends nothing.
        self.is_sent = True

    def __len__(self) -> int:
        return self._size

    def read(self, count: t.Optional[int] = None) -> bytes:
        """Read up to *count* bytes to be sent; by default, the rest of the part."""
        data = self._read(count)
        if self._pace is not None and self.is_sent:
            self._pace(len(data))
        return data

    def _read(self, count: t.Optional[int] = None) -> bytes:
        self._check()
        left = max(0, self._size - self._position)
        wanted = left if count is None or count < 0 else min(count, left)
        data = os.pread(self._descriptor, wanted, self.start + self._position)
        self._position += len(data)
        return data

    def blocks(self) -> t.Iterator[bytes]:
        """Yield all bytes of the part for a checksum: they are not sent, so they do not wait."""
        self.seek(0)
        yield from iter(functools.partial(self._read, BLOCK_BYTES), b"")

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move within the part, as in a file."""
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        return self._position

    def tell(self) -> int:
        """Return the offset of the next read within the part."""
        return self._position

    @functools.cached_property
    def sha256(self) -> bytes:
        """The part's SHA-256, 32 bytes."""
        return self._digest("sha256")

    def take_digest(self, file: hashlib._Hash) -> None:
        """Compute :attr:`sha256`, and update *file*, the digest of the whole file, from the same reading."""
        md5 = hashlib.new("md5", usedforsecurity=False)
        self.sha256 = self._digest("sha256", *([file, md5] if self.takes_md5 else [file]))
        if self.takes_md5:
            self.md5 = md5.digest()

    @functools.cached_property
    def md5(self) -> bytes:
        """The part's MD5, 16 bytes; only to compare with a server's ETag."""
        return self._digest("md5")

    def _digest(self, name: str, *others: hashlib._Hash) -> bytes:
        digest = hashlib.new(name, usedforsecurity=False)
        for block in self.blocks():
            for one in (digest, *others):
                one.update(block)
        self.seek(0)
        return digest.digest()


def split(
    descriptor: int,
    size: int,
    part_bytes: int,
    check: t.Callable[[], None],
    pace: t.Optional[t.Callable[[int], None]] = None,
) -> t.List[Part]:
    """Return the parts of a file: at least one, each of *part_bytes*, or larger where they would be too many.

    :param size: the file's, in bytes
    """
    if size > part_bytes * MOST_PARTS:
        part_bytes = -(-size // (MOST_PARTS * MEBIBYTE)) * MEBIBYTE
    starts = range(0, max(size, 1), part_bytes)
    return [
        Part(descriptor, number, start, min(part_bytes, size - start), check, pace)
        for number, start in enumerate(starts, start=1)
    ]
