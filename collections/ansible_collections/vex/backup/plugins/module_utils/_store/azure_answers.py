# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The answers of Azure Blob Storage: blobs as the port describes objects, and the names of metadata."""

from __future__ import annotations

import datetime
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.objects import STANDARD, Described, Listed, Written

# The tier whose blobs must be thawed. Those of Cool and Cold are read at once.
ARCHIVE = "Archive"
# The names of metadata are identifiers of C#. Single separators make the way there and back unambiguous.
METADATA_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", re.IGNORECASE)


def metadata_for(metadata: t.Mapping[str, str]) -> t.Dict[str, str]:
    """Return metadata with Azure's names, which have no hyphens: two underscores stand for one.

    :raises OptionError: for a name that Azure cannot hold
    """
    for name in metadata:
        if not METADATA_NAME.fullmatch(name):
            raise OptionError(
                f"metadata {name!r}: Azure's names are a letter, then letters and digits with single hyphens or "
                "underscores between them; choose another name"
            )
    return {name.replace("-", "__"): value for name, value in metadata.items()}


def metadata_of(metadata: t.Mapping[str, str]) -> t.Dict[str, str]:
    """Return metadata with the names that :func:`metadata_for` got, in lower case."""
    return {name.lower().replace("__", "-"): value for name, value in metadata.items()}


def listed_of(url: str, blob: t.Any) -> Listed:
    """Return a blob as a list shows it.

    :param url: the blob's, or that of the place
    :param blob: ``BlobProperties``
    :raises StoreFailed: when the answer was cut off
    """
    for name in ("name", "size", "last_modified", "etag"):
        require(url, name, getattr(blob, name))
    return Listed(blob.name, blob.size, utc(blob.last_modified), blob.etag.strip('"'), blob.blob_tier or STANDARD)


def described_of(url: str, blob: t.Any) -> Described:
    """Return all that the server tells of a blob, except its blocks.

    :param url: the blob's
    :param blob: ``BlobProperties``
    :raises StoreFailed: when the answer was cut off
    """
    listed = listed_of(url, blob)
    metadata = metadata_of(blob.metadata)
    md5 = blob.content_settings.content_md5
    locked_until = blob.immutability_policy.expiry_time
    return Described(
        listed,
        Written(listed.etag, {} if md5 is None else {"md5": bytes(md5).hex()}, version=blob.version_id),
        metadata,
        legal_hold=bool(blob.has_legal_hold),
        locked_until=None if locked_until is None else utc(locked_until),
        cold_tier=ARCHIVE if blob.blob_tier == ARCHIVE else None,
        is_thawing=(blob.archive_status or "").startswith("rehydrate-pending"),
    )


def written_of(url: str, answer: t.Mapping[str, t.Any], checksums: t.Mapping[str, str], parts: int) -> Written:
    """Return what the server tells of a blob that it has just made.

    :param checksums: what the server has verified
    :raises StoreFailed: when the answer was cut off
    """
    etag = require(url, "etag", answer.get("etag"))
    return Written(etag.strip('"'), checksums, parts, answer.get("version_id"))


def require(url: str, name: str, value: t.Any) -> t.Any:
    """Return a value of an answer.

    :raises StoreFailed: when the answer lacks it; the same request may succeed later
    """
    if value is None:
        failed = StoreFailed(
            f"the server gave an incomplete answer for {url}, without {name}: check that account_url is the address "
            "of Azure Blob Storage, and the network"
        )
        failed.may_pass = True
        raise failed
    return value


def utc(moment: datetime.datetime) -> datetime.datetime:
    """Return a time of the SDK's in UTC, without a zone."""
    return moment.astimezone(datetime.timezone.utc).replace(tzinfo=None)
