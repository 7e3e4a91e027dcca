# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The contents of a bucket: lists of objects and of unfinished uploads, and the state of one object."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import UNSUPPORTED, Refused
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Answer, Store

# The storage class of an object that a server names none of.
STANDARD = "STANDARD"


class Listed(t.NamedTuple):
    """An object as a list shows it: ``size`` in bytes, ``modified`` in UTC without a zone."""

    key: str
    size: int
    modified: datetime.datetime
    etag: str
    storage_class: str = STANDARD


class Unfinished(t.NamedTuple):
    """A multipart upload that has not ended: ``initiated`` in UTC without a zone."""

    key: str
    upload_id: str
    initiated: datetime.datetime


def list_objects(store: Store, prefix: str) -> t.List[Listed]:
    """List every object whose key starts with *prefix*, by key.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    found: t.List[Listed] = []
    page: t.Dict[str, str] = {}
    while True:
        answer = store.call("list_objects_v2", Prefix=prefix, **page)
        found += [_listed(item) for item in answer.get("Contents", [])]
        if not answer.get("IsTruncated"):
            return found
        page = {"ContinuationToken": answer["NextContinuationToken"]}


def list_folders(store: Store, prefix: str) -> t.List[str]:
    """List the beginnings of keys, up to the first slash after *prefix*, that end with that slash.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    found: t.List[str] = []
    page: t.Dict[str, str] = {}
    while True:
        answer = store.call("list_objects_v2", Prefix=prefix, Delimiter="/", **page)
        found += [item["Prefix"] for item in answer.get("CommonPrefixes", [])]
        if not answer.get("IsTruncated"):
            return found
        page = {"ContinuationToken": answer["NextContinuationToken"]}


def list_uploads(store: Store, prefix: str) -> t.List[Unfinished]:
    """List the unfinished multipart uploads of keys that start with *prefix*.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    found: t.List[Unfinished] = []
    page: t.Dict[str, str] = {}
    while True:
        answer = store.call("list_multipart_uploads", Prefix=prefix, **page)
        found += [Unfinished(one["Key"], one["UploadId"], utc(one["Initiated"])) for one in answer.get("Uploads", [])]
        if not answer.get("IsTruncated"):
            return found
        page = {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer["NextUploadIdMarker"]}


def last_part(store: Store, upload: Unfinished) -> datetime.datetime:
    """Return when an unfinished upload got its last part or, without any, when it began (UTC).

    Also when it began where the store has no list of parts.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    last = upload.initiated
    page: t.Dict[str, int] = {}
    while True:
        try:
            answer = store.call("list_parts", Key=upload.key, UploadId=upload.upload_id, **page)
        except Refused as error:
            # The first: it has just ended.
            if error.code != "NoSuchUpload" and error.code not in UNSUPPORTED:
                raise
            return last
        last = max([last, *(utc(part["LastModified"]) for part in answer.get("Parts", []))])
        if not answer.get("IsTruncated"):
            return last
        page = {"PartNumberMarker": answer["NextPartNumberMarker"]}


def abort_upload(store: Store, key: str, upload_id: str) -> None:
    """Abort an unfinished upload, unless it has just ended.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    try:
        store.call("abort_multipart_upload", Key=key, UploadId=upload_id)
    except Refused as error:
        # Also the answer to a repeated request, when the answer to the first one was lost.
        if error.code != "NoSuchUpload":
            raise


def head(store: Store, key: str, **params: str) -> t.Optional[Answer]:
    """Return the server's description of one object, or ``None`` when it does not exist.

    :param params: further parameters of S3's HeadObject
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    try:
        return store.call("head_object", Key=key, **params)
    except Refused as error:
        if error.code == "404":
            return None
        raise


def stat(store: Store, key: str) -> t.Optional[Listed]:
    """Return one object as a list would show it, or ``None`` when it does not exist.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    answer = head(store, key)
    return None if answer is None else listed_of(key, answer)


def listed_of(key: str, described: Answer) -> Listed:
    """Return an object as a list would show it, from the answer to HEAD."""
    return _listed({"Key": key, "Size": described["ContentLength"], **described})


def lock_of(answer: Answer, now: datetime.datetime) -> t.Optional[str]:
    """Return why the bucket refuses to remove an object at this moment, ``None`` when it does not.

    :param answer: of :func:`head`; without the rights to see locks, it shows none
    :param now: UTC without a zone
    """
    if answer.get("ObjectLockLegalHoldStatus") == "ON":
        return "locked by the bucket: a legal hold"
    until = answer.get("ObjectLockRetainUntilDate")
    if until is not None and utc(until) > now:
        return f"locked by the bucket until {timestamp(utc(until))} (UTC)"
    return None


def utc(moment: datetime.datetime) -> datetime.datetime:
    """Return a time of boto3's in UTC, without a zone."""
    return moment.astimezone(datetime.timezone.utc).replace(tzinfo=None)


def _listed(item: Answer) -> Listed:
    storage_class = item.get("StorageClass", STANDARD)
    return Listed(item["Key"], item["Size"], utc(item["LastModified"]), item["ETag"].strip('"'), storage_class)
