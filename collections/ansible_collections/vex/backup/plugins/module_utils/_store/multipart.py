# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts of a file, as a multipart upload sends them, and the checksums that a server computes of them."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import read_blocks

MEBIBYTE = 1024 * 1024
# S3's limit on the parts of one upload.
MOST_PARTS = 10_000


class Part:
    """One part of a file: a body for boto3 that is never in memory as a whole.

    :param descriptor: of the open file; read by position, so that threads can share it
    :param number: from 1
    :param start: offset of the first byte
    :param size: bytes
    :param check: called before each read; an error that it raises ends the reading
    """

    def __init__(self, descriptor: int, number: int, start: int, size: int, check: t.Callable[[], None]) -> None:
        self._descriptor = descriptor
        self.number = number
        self._start = start
        self._size = size
        self._check = check
        self._position = 0

    def __len__(self) -> int:
        return self._size

    def read(self, count: t.Optional[int] = None) -> bytes:
        """Read up to *count* bytes; by default, the rest of the part."""
        self._check()
        left = max(0, self._size - self._position)
        wanted = left if count is None or count < 0 else min(count, left)
        data = os.pread(self._descriptor, wanted, self._start + self._position)
        self._position += len(data)
        return data

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
        self.sha256 = self._digest("sha256", file)

    @functools.cached_property
    def md5(self) -> bytes:
        """The part's MD5, 16 bytes; only to compare with a server's ETag."""
        return self._digest("md5")

    def _digest(self, name: str, file: t.Optional[hashlib._Hash] = None) -> bytes:
        digest = hashlib.new(name, usedforsecurity=False)
        self.seek(0)
        for chunk in read_blocks(self):
            digest.update(chunk)
            if file is not None:
                file.update(chunk)
        self.seek(0)
        return digest.digest()


def split(descriptor: int, size: int, part_bytes: int, check: t.Callable[[], None]) -> t.List[Part]:
    """Return the parts of a file: at least one, each of *part_bytes*, or larger where they would be too many.

    :param size: the file's, in bytes
    """
    if size > part_bytes * MOST_PARTS:
        part_bytes = -(-size // (MOST_PARTS * MEBIBYTE)) * MEBIBYTE
    starts = range(0, max(size, 1), part_bytes)
    return [
        Part(descriptor, number, start, min(part_bytes, size - start), check)
        for number, start in enumerate(starts, start=1)
    ]


def as_header(digest: bytes) -> str:
    """Return a digest in the form of the ``x-amz-checksum-*`` headers: base64."""
    return base64.b64encode(digest).decode("ascii")


def checksum_of(parts: t.Sequence[Part]) -> str:
    """Return the SHA-256 that a server computes of an object sent in *parts*.

    With several parts it is the checksum of their checksums ("composite" in S3's documentation).
    """
    if len(parts) == 1:
        return as_header(parts[0].sha256)
    return as_header(hashlib.sha256(b"".join(part.sha256 for part in parts)).digest())


def etag_of(parts: t.Sequence[Part]) -> str:
    """Return the ETag of an object sent in *parts*, on a server whose ETags are made of MD5."""
    if len(parts) == 1:
        return parts[0].md5.hex()
    whole = hashlib.new("md5", b"".join(part.md5 for part in parts), usedforsecurity=False)
    return f"{whole.hexdigest()}-{len(parts)}"


def matches(answer: t.Mapping[str, t.Any], parts: t.Sequence[Part], sha256: str) -> t.Optional[bool]:
    """Return whether a server's *answer* describes an object made of *parts*, ``None`` when it does not show that.

    An ETag that is the MD5 shows it. Another one shows nothing: many servers make theirs in other ways, and S3 does for
    objects that are encrypted with ``aws:kms``.

    :param sha256: of the whole file, in hexadecimal
    """
    checksum, _dash, count = answer.get("ChecksumSHA256", "").partition("-")
    if checksum and count in ("", str(len(parts))):
        # Without a count, some servers give the checksum of the whole even for several parts.
        return checksum in (checksum_of(parts), as_header(bytes.fromhex(sha256)))
    return True if answer.get("ETag", "").strip('"') == etag_of(parts) else None
