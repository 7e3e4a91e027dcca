# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The reading of objects in chunks, several of which are requested at a time."""

from __future__ import annotations

import collections
import hashlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import DownloadFailed, ObjectCold, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.cold import REMEDY
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Content, Listed
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.readings import settle
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused
from ansible_collections.vex.backup.plugins.module_utils._store.work import Future

CHUNK_BYTES = 8 * 1024 * 1024


def read_object(store: Store, key: str) -> bytes:
    """Read a whole object that is small enough for memory, such as a manifest.

    :raises StoreFailed: when the store refuses or cannot be reached; :class:`Refused` that ``is_missing`` when there
        is no such object
    """
    readings: t.Dict[str, bytes] = {}

    def read() -> t.Tuple[str, str]:
        content, metadata = store.call(_get, store, key)
        found = hashlib.sha256(content).hexdigest()
        readings[found] = content
        # The upload has noted it; an object of another writer may have none.
        return found, metadata.get("sha256", found)

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
    requests: t.Deque[t.Tuple[str, Future[Content]]] = collections.deque()
    for key in keys:
        requests.append((key, store.start(_get, store, key)))
        if len(requests) > store.parallel:
            yield _whole(store, *requests.popleft())
    while requests:
        yield _whole(store, *requests.popleft())


def _whole(store: Store, key: str, request: Future[Content]) -> t.Union[bytes, StoreFailed]:
    try:
        content, metadata = store.wait([request])[0]
        found = hashlib.sha256(content).hexdigest()
        if metadata.get("sha256", found) == found:
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
    requests: t.Deque[Future[Content]] = collections.deque()
    for position in range(start, listed.size, CHUNK_BYTES):
        size = min(CHUNK_BYTES, listed.size - position)
        requests.append(store.start(_read_range, store, listed, position, size))
        if len(requests) > store.parallel:
            yield store.wait([requests.popleft()])[0].content
    while requests:
        yield store.wait([requests.popleft()])[0].content


def _read_range(store: Store, listed: Listed, start: int, size: int) -> Content:
    try:
        found = _get(store, listed.key, (start, size), listed.etag)
    except Refused as error:
        if error.is_changed:
            raise DownloadFailed(f"{store.url(listed.key)} was replaced while it was read: repeat") from error
        raise
    if len(found.content) != size:
        raise DownloadFailed(
            f"{store.url(listed.key)} gave {len(found.content)} bytes for bytes={start}-{start + size - 1}: it was "
            "truncated; repeat"
        )
    return found


def _get(store: Store, key: str, span: t.Optional[t.Tuple[int, int]] = None, etag: t.Optional[str] = None) -> Content:
    try:
        return store.get(key, span, etag)
    except Refused as error:
        if not error.is_cold:
            raise
        raise ObjectCold(f"{store.url(key)} is in cold storage: {REMEDY}") from error
