# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The answers of an S3 server: what each must have, because botocore takes a part for a whole, and what it says."""

from __future__ import annotations

import datetime
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.objects import STANDARD, Described, Listed, Written

# By boto3's name of the operation. A list of objects without IsTruncated has no end: more could follow.
NEEDED = {
    "complete_multipart_upload": ("ETag",),
    "create_multipart_upload": ("UploadId",),
    "head_object": ("ContentLength", "ETag", "LastModified"),
    "list_objects_v2": ("IsTruncated",),
    "list_parts": ("UploadId",),
    "put_object": ("ETag",),
    "upload_part": ("ETag",),
}

# Objects in these must be thawed; GLACIER_IR is read at once.
COLD_CLASSES = frozenset(("GLACIER", "DEEP_ARCHIVE"))

Answer = t.Mapping[str, t.Any]


def require_whole(operation: str, answer: t.Mapping[str, t.Any], url: str, endpoint: str) -> None:
    """Check that an answer was not cut off.

    :param url: ``s3://bucket/key`` of the request
    :param endpoint: the server's address
    :raises StoreFailed: when it lacks what the operation returns; the same request may succeed later
    """
    lacking = [name for name in NEEDED.get(operation, ()) if name not in answer]
    if lacking:
        failed = StoreFailed(
            f"{endpoint} gave an incomplete answer for {url}, without {', '.join(lacking)}: check that endpoint_url "
            "is the address of an S3 server, and the network"
        )
        failed.may_pass = True
        raise failed


def utc(moment: datetime.datetime) -> datetime.datetime:
    """Return a time of boto3's in UTC, without a zone."""
    return moment.astimezone(datetime.timezone.utc).replace(tzinfo=None)


def listed_of(item: Answer) -> Listed:
    """Return an object from its entry in a list."""
    storage_class = item.get("StorageClass", STANDARD)
    return Listed(item["Key"], item["Size"], utc(item["LastModified"]), item["ETag"].strip('"'), storage_class)


def written_of(answer: Answer) -> Written:
    """Return what an answer with an ETag tells of an object."""
    etag = answer.get("ETag", "").strip('"')
    several = re.search(r"-(\d+)$", etag)
    checksums = {"sha256": answer["ChecksumSHA256"]} if "ChecksumSHA256" in answer else {}
    return Written(etag, checksums, int(several.group(1)) if several else 1, answer.get("VersionId"))


def described_of(key: str, answer: Answer) -> Described:
    """Return an object from the answer to HEAD."""
    until = answer.get("ObjectLockRetainUntilDate")
    return Described(
        listed=listed_of({"Key": key, "Size": answer["ContentLength"], **answer}),
        written=written_of(answer),
        metadata=answer.get("Metadata", {}),
        legal_hold=answer.get("ObjectLockLegalHoldStatus") == "ON",
        locked_until=None if until is None else utc(until),
        cold_tier=_tier(answer),
        is_thawing='ongoing-request="true"' in answer.get("Restore", ""),
    )


def _tier(answer: Answer) -> t.Optional[str]:
    if 'ongoing-request="false"' in answer.get("Restore", ""):
        return None
    # Objects in the archive tiers of INTELLIGENT_TIERING have a status of their own.
    tier = answer.get("ArchiveStatus") or answer.get("StorageClass")
    return tier if "ArchiveStatus" in answer or tier in COLD_CLASSES else None
