# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checksums of S3: of each request that writes, and of an object that a server has made of parts.

A request has a SHA-256, or an MD5 for a store that refuses checksum headers.
"""

from __future__ import annotations

import base64
import hashlib
import threading
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import Part
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Written
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused
from ansible_collections.vex.backup.plugins.module_utils._store.s3_client import Answer

Params = t.Dict[str, t.Any]
Request = t.Callable[..., Answer]


class Checksums:
    """The checksums that one store gets with its requests. Its threads share one."""

    def __init__(self) -> None:
        #: Whether it gets checksum headers.
        self.are_taken = True
        self._lock = threading.Lock()

    def write(self, request: Request, body: t.Union[Part, bytes], log: RunLog, params: Params) -> Answer:
        """Make a request with *body*, and with its checksum: a bucket that locks its objects refuses those without.

        The algorithm is named too, which such buckets also ask for.

        :param request: makes the request with its parameters, once
        :param log: gets a line when the store begins to get MD5s
        :raises StoreFailed: when the store refuses or cannot be reached
        """
        return self._negotiate(
            log,
            lambda: request(
                Body=body, ChecksumAlgorithm="SHA256", ChecksumSHA256=as_header(_digest(body, "sha256")), **params
            ),
            lambda: request(Body=body, ContentMD5=as_header(_digest(body, "md5")), **params),
        )

    def begin(self, request: Request, log: RunLog, params: Params) -> Answer:
        """Begin a multipart upload whose parts have checksums.

        :param request: makes the request with its parameters, once
        :raises StoreFailed: when the store refuses or cannot be reached
        """
        return self._negotiate(log, lambda: request(ChecksumAlgorithm="SHA256", **params), lambda: request(**params))

    def _negotiate(self, log: RunLog, with_checksum: t.Callable[[], Answer], without: t.Callable[[], Answer]) -> Answer:
        if not self.are_taken:
            return without()
        try:
            return with_checksum()
        except Refused as error:
            if not error.is_unsupported:
                raise
            refusal = error
        # If it is refused too, the reason was another.
        answer = without()
        if self._stop():
            log.info(f"the store refuses checksum headers, so it gets an MD5 with every request instead: {refusal}")
        return answer

    def _stop(self) -> bool:
        """Send no checksum headers from now on, and return whether that is new."""
        with self._lock:
            was, self.are_taken = self.are_taken, False
        return was


def _digest(body: t.Union[Part, bytes], name: str) -> bytes:
    if isinstance(body, bytes):
        return hashlib.new(name, body, usedforsecurity=False).digest()
    return t.cast("bytes", getattr(body, name))


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


def matches(written: Written, parts: t.Sequence[Part], sha256: str) -> t.Optional[bool]:
    """Return whether an object is made of *parts*, ``None`` when it does not show that.

    An ETag that is the MD5 shows it. Another one shows nothing: many servers make theirs in other ways, and S3 does for
    objects that are encrypted with ``aws:kms``.

    :param sha256: of the whole file, in hexadecimal
    """
    checksum, _dash, count = written.checksums.get("sha256", "").partition("-")
    if checksum and count in ("", str(len(parts))):
        # Without a count, some servers give the checksum of the whole even for several parts.
        return checksum in (checksum_of(parts), as_header(bytes.fromhex(sha256)))
    return True if written.etag == etag_of(parts) else None
