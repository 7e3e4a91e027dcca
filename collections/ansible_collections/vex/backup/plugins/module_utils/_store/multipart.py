# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file in parts, as a multipart upload sends it, and the checksums that a server forms of such parts."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import read_blocks

if t.TYPE_CHECKING:
    from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Store

MEBIBYTE = 1024 * 1024
# S3's own bound on the parts of one upload.
MOST_PARTS = 10_000


class Part:
    """One part of a file: what boto3 takes for a body, without the part ever being in memory.

    :param descriptor: of the open file; read by position, so that threads can share it
    :param number: from 1 on
    :param start: offset of the first byte
    :param size: bytes
    :param check: called before each read; what it raises ends the reading
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
        """Up to *count* bytes, all that is left by default."""
        self._check()
        left = max(0, self._size - self._position)
        wanted = left if count is None or count < 0 else min(count, left)
        data = os.pread(self._descriptor, wanted, self._start + self._position)
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move within the part, as in any file."""
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        return self._position

    def tell(self) -> int:
        """Where the next read begins, within the part."""
        return self._position

    @functools.cached_property
    def sha256(self) -> bytes:
        """The part's SHA-256, 32 bytes."""
        return self._digest("sha256")

    def take_digest(self, file: hashlib._Hash) -> None:
        """Find :attr:`sha256`, and feed *file*, the digest of the whole, from the same reading."""
        self.sha256 = self._digest("sha256", file)

    @functools.cached_property
    def md5(self) -> bytes:
        """The part's MD5, 16 bytes; only to compare with what a server calls ETag."""
        return self._digest("md5")

    def _digest(self, name: str, file: t.Optional[hashlib._Hash] = None) -> bytes:
        digest = hashlib.new(name, usedforsecurity=False)
        self.seek(0)
        for piece in read_blocks(self):
            digest.update(piece)
            if file is not None:
                file.update(piece)
        self.seek(0)
        return digest.digest()


def split(descriptor: int, size: int, part_bytes: int, check: t.Callable[[], None]) -> t.List[Part]:
    """A file of *size* bytes in parts of *part_bytes*, or of more where they would be too many; at least one."""
    if size > part_bytes * MOST_PARTS:
        part_bytes = -(-size // (MOST_PARTS * MEBIBYTE)) * MEBIBYTE
    starts = range(0, max(size, 1), part_bytes)
    return [
        Part(descriptor, number, start, min(part_bytes, size - start), check)
        for number, start in enumerate(starts, start=1)
    ]


def as_header(digest: bytes) -> str:
    """A digest as ``x-amz-checksum-*`` headers hold it."""
    return base64.b64encode(digest).decode("ascii")


def put_object(store: Store, key: str, content: bytes, **settings: str) -> None:
    """Write a small object, with a checksum: without one, a bucket that locks what it gets takes nothing.

    :param settings: further parameters of S3's request
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    checksum = as_header(hashlib.sha256(content).digest())
    store.call("put_object", Key=key, Body=content, ChecksumSHA256=checksum, **settings)


def checksum_of(parts: t.Sequence[Part]) -> str:
    """The checksum that a server forms of an object sent in *parts*: of the parts' checksums when there are several."""
    if len(parts) == 1:
        return as_header(parts[0].sha256)
    return as_header(hashlib.sha256(b"".join(part.sha256 for part in parts)).digest())


def etag_of(parts: t.Sequence[Part]) -> str:
    """The ETag that a server gives an object sent in *parts*, where ETags are made of MD5."""
    if len(parts) == 1:
        return parts[0].md5.hex()
    whole = hashlib.new("md5", b"".join(part.md5 for part in parts), usedforsecurity=False)
    return f"{whole.hexdigest()}-{len(parts)}"


def equal(answer: t.Mapping[str, t.Any], parts: t.Sequence[Part]) -> t.Optional[bool]:
    """Whether a server's *answer* describes an object made of *parts*; ``None`` when it holds nothing to compare.

    The MD5 counts only where there is no SHA-256, and not at all where the server's encryption hides it.
    """
    checksum = answer.get("ChecksumSHA256")
    if checksum is not None:
        return bool(checksum.partition("-")[0] == checksum_of(parts))
    if "ETag" not in answer or "kms" in answer.get("ServerSideEncryption", ""):
        return None
    return bool(answer["ETag"].strip('"') == etag_of(parts))
