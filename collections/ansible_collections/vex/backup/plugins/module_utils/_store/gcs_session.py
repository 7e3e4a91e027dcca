# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One resumable upload to Google Cloud Storage, which goes on where it was cut off.

Its parts go one after another. Source: https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

from __future__ import annotations

import contextlib
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.failpoint import failpoint
from ansible_collections.vex.backup.plugins.module_utils._errors import StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.gcs_refusal import Request, explain_answer, explained
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import Part
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason, Refused

# Without it the store refuses to start: see GCS_FAILURE in gcs_client.py.
with contextlib.suppress(ImportError):
    import requests

# The server keeps a part that is not the last one in multiples of this.
QUANTUM = 256 * 1024
# The status of an upload that is not complete, of one that has ended, and of one that was cancelled.
INCOMPLETE, ENDED, CANCELLED = 308, (404, 410), 499

Answer = t.Dict[str, t.Any]


class Connection(t.NamedTuple):
    """The means of a request.

    :param timeout: seconds until there is a connection, and between two blocks of bytes
    :param check: called before each request; an error that it raises ends the work
    """

    http: requests.Session
    timeout: t.Tuple[float, float]
    check: t.Callable[[], None]


class Last(t.NamedTuple):
    """The facts of the whole object that go with the last part: its size, and its CRC32C in base64."""

    total: int
    crc32c: str


class ResumableUpload:
    """An upload that has begun. Use it from one thread at a time.

    :param url: of its session; whoever knows it may write, so it is in no message
    :param kept: the bytes that the server has, ``None`` when only the server knows
    """

    def __init__(self, connection: Connection, url: str, request: Request, kept: t.Optional[int] = None) -> None:
        self._connection = connection
        self._url = url
        self._request = request
        self._kept = kept

    def send(self, part: Part, last: t.Optional[Last] = None) -> t.Optional[Answer]:
        """Send a part, of which the server may have a beginning. This can be repeated after a failure that may pass.

        A part that is not the last one and no multiple of :data:`QUANTUM` is left for later requests.

        :param last: makes this the last part, and the upload complete
        :returns: the server's description of the object, ``None`` while the upload is not complete
        :raises UploadFailed: when the server's checksum differs; there is no object then
        :raises Refused: with the reason ``CHANGED`` when another object has the key, ``ENDED`` without such an upload
        """
        answer = self._put("bytes */*") if self._kept is None else None
        end = part.start + (0 if last is None and len(part) % QUANTUM else len(part))
        while answer is None and (last is not None or (self._kept or 0) < end):
            answer = self._send_rest(part, last)
        return answer

    def cancel(self) -> None:
        """Remove what the server has of the upload; one that has ended is no error."""
        self._connection.check()
        with explained(self._request), failpoint("store:cancel"):
            response = self._connection.http.delete(self._url, timeout=self._connection.timeout)
        if response.status_code >= 400 and response.status_code not in (*ENDED, CANCELLED):
            raise explain_answer(response, self._request)

    def _send_rest(self, part: Part, last: t.Optional[Last]) -> t.Optional[Answer]:
        """Send what the server does not have of a part, once."""
        kept, end = self._kept or 0, part.start + len(part)
        if kept >= part.start:
            part.seek(kept - part.start)
            sent = f"{kept}-{end - 1}" if kept < end else "*"
            headers = {} if last is None else {"X-Goog-Hash": f"crc32c={last.crc32c}"}
            answer = self._put(f"bytes {sent}/{'*' if last is None else last.total}", part, headers)
            if answer is not None or (self._kept or 0) > kept:
                return answer
        self._kept = None
        failed = StoreFailed(
            f"{self._request.endpoint} did not keep what it got of {self._request.url}: repeat when it works again"
        )
        failed.may_pass = True
        raise failed

    def _put(
        self, content_range: str, body: t.Optional[Part] = None, headers: t.Optional[t.Mapping[str, str]] = None
    ) -> t.Optional[Answer]:
        """Make one request, and return the server's description of the object, ``None`` without one."""
        self._connection.check()
        self._kept = None
        with explained(self._request), failpoint("store:part"):
            response = self._connection.http.put(
                self._url,
                data=t.cast("t.Any", body),
                headers={"Content-Range": content_range, **(headers or {})},
                timeout=self._connection.timeout,
                allow_redirects=False,
            )
            if response.status_code in (200, 201):
                return t.cast("Answer", response.json())
        if response.status_code == INCOMPLETE:
            kept = re.fullmatch(r"bytes=0-(\d+)", response.headers.get("Range", ""))
            self._kept = int(kept[1]) + 1 if kept else 0
            return None
        if response.status_code in ENDED:
            raise Refused(
                f"{self._request.name} of {self._request.url}: {self._request.endpoint} does not know this upload any "
                "more: repeat",
                Reason.ENDED,
            )
        raise explain_answer(response, self._request)
