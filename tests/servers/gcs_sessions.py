"""The resumable uploads of Google Cloud Storage by its documented protocol, in front of a server that knows less.

Source: https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import tempfile
import threading
from typing import IO, Any, NamedTuple

import google_crc32c

# A part that is not the last one is kept in multiples of this.
QUANTUM = 256 * 1024
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


class Sent(NamedTuple):
    """The content of a PUT.

    :param start: offset of the first byte, ``None`` for a question about the upload
    :param total: bytes of the object, ``None`` when it is not said
    """

    start: int | None
    total: int | None
    body: bytes


@dataclasses.dataclass
class Session:
    """One resumable upload.

    :param settings: the object's metadata as the client gave it
    :param is_new: whether no object may have the name
    """

    bucket: str
    name: str
    settings: dict[str, Any]
    is_new: bool
    kept: int = 0
    #: The object's description, once the upload is complete.
    answer: bytes | None = None
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)
    #: In one request to the server behind, because it computes its checksums again with each part.
    content: IO[bytes] = dataclasses.field(default_factory=tempfile.TemporaryFile)
    checksum: Any = dataclasses.field(default_factory=google_crc32c.Checksum)

    def accept(self, sent: Sent, whole: int, hashes: str) -> tuple[int, str]:
        """Keep what a PUT sends, and return status and text of the answer; 200 when the object is complete.

        :param whole: the bytes that the client announced; fewer may have arrived
        :param hashes: the header ``X-Goog-Hash``
        """
        if sent.start is None and sent.total != 0:
            return 308, ""
        start = sent.start or 0
        if start > self.kept:
            return 503, f"{start} is after the {self.kept} bytes that are kept"
        is_last = len(sent.body) == whole and sent.total == start + whole
        end = start + len(sent.body)
        if not is_last:
            end -= end % QUANTUM
        body = sent.body[self.kept - start : max(end - start, 0)]
        checksum = self.checksum.copy()
        checksum.update(body)
        expected = "crc32c=" + base64.b64encode(checksum.digest()).decode()
        if is_last and hashes and hashes != expected:
            return 400, f"Provided CRC32C {hashes!r} doesn't match calculated CRC32C {expected!r}."
        self.checksum = checksum
        self.kept += len(body)
        self.content.write(body)
        return (200 if is_last else 308), ""

    def described(self, content: bytes) -> bytes:
        """Return a description of the object as *content*, with the settings that the server behind forgets."""
        return json.dumps({**json.loads(content), **self.settings}).encode()


def parse(header: str, body: bytes) -> Sent:
    """Read the header ``Content-Range`` of a PUT."""
    found = _RANGE.fullmatch(header)
    if found is None:
        raise ValueError(header)
    first, _last, total = found.groups()
    return Sent(None if first is None else int(first), None if total == "*" else int(total), body)
