# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading an object store: the list of its objects, and their bytes, asked for again where a connection broke."""

from __future__ import annotations

import collections
import contextlib
import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import DownloadFailed, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Answer, Refused, Store

if t.TYPE_CHECKING:
    import concurrent.futures

# _s3.py keeps the reason of a failure; every module that comes here reports that first.
with contextlib.suppress(ImportError):
    from botocore.exceptions import BotoCoreError
    from urllib3.exceptions import HTTPError

# Between attempts, doubled each time, in seconds.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
PIECE_BYTES = 8 * 1024 * 1024


class Listed(t.NamedTuple):
    """An object as a list shows it: ``size`` in bytes, ``modified`` in UTC without a zone."""

    key: str
    size: int
    modified: datetime.datetime
    etag: str


class Unfinished(t.NamedTuple):
    """A multipart upload that has not ended: ``initiated`` in UTC without a zone."""

    key: str
    upload_id: str
    initiated: datetime.datetime


def list_objects(store: Store, prefix: str) -> t.List[Listed]:
    """Every object whose key starts with *prefix*, by key.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    found: t.List[Listed] = []
    more: t.Dict[str, str] = {}
    while True:
        answer = store.call("list_objects_v2", Prefix=prefix, **more)
        found += [_listed(item) for item in answer.get("Contents", [])]
        if not answer.get("IsTruncated"):
            return found
        more = {"ContinuationToken": answer["NextContinuationToken"]}


def list_uploads(store: Store, prefix: str) -> t.List[Unfinished]:
    """The multipart uploads of keys with this *prefix* that have not ended.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    found: t.List[Unfinished] = []
    more: t.Dict[str, str] = {}
    while True:
        answer = store.call("list_multipart_uploads", Prefix=prefix, **more)
        found += [Unfinished(one["Key"], one["UploadId"], utc(one["Initiated"])) for one in answer.get("Uploads", [])]
        if not answer.get("IsTruncated"):
            return found
        more = {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer["NextUploadIdMarker"]}


def head(store: Store, key: str) -> t.Optional[Answer]:
    """What a bucket that exists says of one object; ``None`` when it is not there.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    try:
        return store.call("head_object", Key=key)
    except Refused as error:
        if error.code == "404":
            return None
        raise


def look(store: Store, key: str) -> t.Optional[Listed]:
    """One object as a list would show it; otherwise as :func:`head`."""
    answer = head(store, key)
    return None if answer is None else _listed({"Key": key, "Size": answer["ContentLength"], **answer})


def read_object(store: Store, key: str, *, retries: int) -> bytes:
    """The whole of an object small enough to hold in memory, such as a manifest.

    :raises StoreFailed: when the store refuses or cannot be reached; :class:`Refused` with the code ``NoSuchKey`` when
        there is no such object
    """
    return t.cast("bytes", store.wait([store.start(lambda: _get(store, retries, Key=key))])[0]["content"])


def read_range(store: Store, listed: Listed, start: int, size: int, retries: int) -> Answer:
    """*size* bytes of an object from *start* on, under ``content``; within one of the store's threads.

    :raises DownloadFailed: when the object is another by now, or ends before
    """
    asked = f"bytes={start}-{start + size - 1}"
    try:
        answer = _get(store, retries, Key=listed.key, Range=asked, IfMatch=f'"{listed.etag}"')
    except Refused as error:
        if error.code in ("PreconditionFailed", "412"):
            raise DownloadFailed(f"{store.url(listed.key)} was replaced while it was read: repeat") from error
        raise
    if len(answer["content"]) != size:
        raise DownloadFailed(f"{store.url(listed.key)} gave {len(answer['content'])} bytes for {asked}")
    return answer


def read_pieces(store: Store, listed: Listed, retries: int, start: int = 0) -> t.Iterator[bytes]:
    """An object from *start* on, in order, some pieces being under way while one is used.

    :raises DownloadFailed: when the object is another by now, or ends before
    """
    requests: t.Deque[concurrent.futures.Future[Answer]] = collections.deque()
    for position in range(start, listed.size, PIECE_BYTES):
        size = min(PIECE_BYTES, listed.size - position)
        requests.append(store.start(read_range, store, listed, position, size, retries))
        if len(requests) > store.parallel:
            yield store.wait([requests.popleft()])[0]["content"]
    while requests:
        yield store.wait([requests.popleft()])[0]["content"]


def utc(moment: datetime.datetime) -> datetime.datetime:
    """A time as boto3 has it, in UTC without a zone, as everything else here has it."""
    return moment.astimezone(datetime.timezone.utc).replace(tzinfo=None)


def _listed(item: Answer) -> Listed:
    return Listed(item["Key"], item["Size"], utc(item["LastModified"]), item["ETag"].strip('"'))


def _get(store: Store, retries: int, **params: t.Any) -> Answer:
    pause = FIRST_PAUSE
    attempt = 0
    while True:
        attempt += 1
        # Botocore repeats the request alone: once the answer has begun, a connection that breaks is ours to mend.
        answer = store.request("get_object", **params)
        try:
            return {"content": answer["Body"].read()}
        except (BotoCoreError, HTTPError) as error:
            # Of what urllib3 raises, botocore leaves TLS's own as it is: an end without a goodbye, a damaged record.
            if attempt > retries:
                raise StoreFailed(
                    f"{store.url(params['Key'])} broke off {attempt} times while it was read: {error}; "
                    "check the network, and repeat"
                ) from error
        store.bound.pause(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
