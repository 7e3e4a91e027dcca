# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The reading of objects in chunks, several of which are requested at a time."""

from __future__ import annotations

import collections
import contextlib
import hashlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import DownloadFailed, ObjectCold, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.cold import REMEDY
from ansible_collections.vex.backup.plugins.module_utils._store.listing import Listed
from ansible_collections.vex.backup.plugins.module_utils._store.readings import settle
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Answer, Future, Store

# Without it the modules refuse to start: see BOTO3_FAILURE in s3.py.
with contextlib.suppress(ImportError):
    from botocore.exceptions import BotoCoreError
    from urllib3.exceptions import HTTPError

CHUNK_BYTES = 8 * 1024 * 1024


def read_object(store: Store, key: str) -> bytes:
    """Read a whole object that is small enough for memory, such as a manifest.

    :raises StoreFailed: when the store refuses or cannot be reached; :class:`Refused` with the code ``NoSuchKey`` when
        there is no such object
    """
    readings: t.Dict[str, bytes] = {}

    def read() -> t.Tuple[str, str]:
        answer = store.wait([store.start(lambda: _get(store, Key=key))])[0]
        found = hashlib.sha256(answer["content"]).hexdigest()
        readings[found] = answer["content"]
        # The upload has noted it; an object of another writer may have none.
        return found, answer["metadata"].get("sha256", found)

    return readings[settle(read, store.url(key), lambda _sentence: None)]


def sha256_of_object(store: Store, listed: Listed, right: str) -> str:
    """Return the SHA-256 of an object by reading it, several times when it is not *right*: see :func:`settle`.

    :raises DownloadFailed: when the object was replaced meanwhile, or is shorter than in the list
    :raises StoreFailed: when the store refuses or cannot be reached
    """

    def read() -> t.Tuple[str, str]:
        digest = hashlib.sha256()
        for chunk in read_chunks(store, listed):
            digest.update(chunk)
        return digest.hexdigest(), right

    return settle(read, store.url(listed.key), lambda _sentence: None)


def read_objects(store: Store, keys: t.Sequence[str]) -> t.Iterator[t.Union[bytes, StoreFailed]]:
    """Read whole small objects, in order, several at a time; yield the error in place of one that cannot be read."""
    requests: t.Deque[t.Tuple[str, Future]] = collections.deque()
    for key in keys:
        requests.append((key, store.start(_get_whole, store, key)))
        if len(requests) > store.parallel:
            yield _whole(store, *requests.popleft())
    while requests:
        yield _whole(store, *requests.popleft())


def _get_whole(store: Store, key: str) -> Answer:
    return _get(store, Key=key)


def _whole(store: Store, key: str, request: Future) -> t.Union[bytes, StoreFailed]:
    try:
        answer = store.wait([request])[0]
        content: bytes = answer["content"]
        found = hashlib.sha256(content).hexdigest()
        if answer["metadata"].get("sha256", found) == found:
            return content
        # A byte was flipped on the way, or lies so in the store.
        return read_object(store, key)
    except StoreFailed as error:
        return error


def read_chunks(store: Store, listed: Listed, start: int = 0) -> t.Iterator[bytes]:
    """Read an object from the offset *start* on, in order, while the next chunks are being requested.

    :raises DownloadFailed: when the object was replaced meanwhile, or is shorter than in the list
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    requests: t.Deque[Future] = collections.deque()
    for position in range(start, listed.size, CHUNK_BYTES):
        size = min(CHUNK_BYTES, listed.size - position)
        requests.append(store.start(_read_range, store, listed, position, size))
        if len(requests) > store.parallel:
            yield store.wait([requests.popleft()])[0]["content"]
    while requests:
        yield store.wait([requests.popleft()])[0]["content"]


def _read_range(store: Store, listed: Listed, start: int, size: int) -> Answer:
    wanted = f"bytes={start}-{start + size - 1}"
    try:
        answer = _get(store, Key=listed.key, Range=wanted, IfMatch=f'"{listed.etag}"')
    except Refused as error:
        if error.code in ("PreconditionFailed", "412"):
            raise DownloadFailed(f"{store.url(listed.key)} was replaced while it was read: repeat") from error
        raise
    if len(answer["content"]) != size:
        raise DownloadFailed(
            f"{store.url(listed.key)} gave {len(answer['content'])} bytes for {wanted}: it was truncated; repeat"
        )
    return answer


def _get(store: Store, **params: t.Any) -> Answer:
    def read_once() -> Answer:
        answer = _send_get(store, params)
        try:
            return {"content": answer["Body"].read(), "metadata": answer.get("Metadata", {})}
        except (BotoCoreError, HTTPError) as error:
            # Botocore does not wrap urllib3's errors of TLS: a connection closed without notice, a damaged record.
            broken = StoreFailed(
                f"the connection broke while {store.url(params['Key'])} was read: {error}; check the network"
            )
            broken.may_pass = True
            raise broken from error

    return store.patiently(read_once)


def _send_get(store: Store, params: t.Dict[str, t.Any]) -> Answer:
    try:
        return store.send("get_object", **params)
    except Refused as error:
        if error.code != "InvalidObjectState":
            raise
        raise ObjectCold(f"{store.url(params['Key'])} is in cold storage: {REMEDY}") from error
