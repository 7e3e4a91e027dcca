# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects of a store, as every adapter describes them. All times are UTC without a zone, all sizes bytes."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp

Item = t.TypeVar("Item")

# The storage class of an object that a server names none of.
STANDARD = "STANDARD"


class Listed(t.NamedTuple):
    """An object as a list shows it.

    :param etag: a word that is another one whenever the object is replaced; without quotes
    :param storage_class: the store's own name for it
    """

    key: str
    size: int
    modified: datetime.datetime
    etag: str
    storage_class: str = STANDARD


class Unfinished(t.NamedTuple):
    """An upload that has not ended.

    :param upload_id: what the adapter needs, besides the key, to continue or abort it
    """

    key: str
    upload_id: str
    initiated: datetime.datetime


@dataclasses.dataclass(frozen=True)
class Page(t.Generic[Item]):
    """One page of a list.

    :param following: what the adapter needs to ask for the next page, ``None`` after the last one
    """

    items: t.Sequence[Item]
    following: t.Optional[t.Mapping[str, t.Any]] = None


class Deleted(t.NamedTuple):
    """The end of an object.

    :param marker: the id of the delete marker that hides it, where its versions remain below one; ``None`` when nothing
        remains. A store that keeps old versions without markers (soft delete) has a word for them
    """

    marker: t.Optional[str] = None


class Content(t.NamedTuple):
    """The bytes of an object or of a range of it, with the object's metadata."""

    content: bytes
    metadata: t.Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Upload:
    """A file, and the object that it becomes.

    :param size: bytes
    :param sha256: the file's, by its manifest; compared before the object appears
    :param metadata: of the object; ``sha256`` is in it; ASCII
    :param storage_class: the store's own name for it, ``None`` for the store's default
    """

    path: str
    size: int
    sha256: str
    key: str
    metadata: t.Mapping[str, str]
    storage_class: t.Optional[str] = None


@dataclasses.dataclass(frozen=True)
class Written:
    """An object that a store has made, as far as its answer tells.

    :param checksums: in the adapter's own form, by names such as ``sha256``, ``md5`` and ``crc32c``; for
        :meth:`Store.matches`
    :param parts: how many it was sent in; 1 where the store does not tell
    :param version: the version's id, ``None`` where the store keeps no versions
    """

    etag: str
    checksums: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    parts: int = 1
    version: t.Optional[str] = None


@dataclasses.dataclass(frozen=True)
class Described:
    """One object with all that a store tells of it.

    :param metadata: names in lower case
    :param legal_hold: whether the store refuses to remove it until somebody releases it
    :param locked_until: until when the store refuses to remove it; without the right to see locks, ``None``
    :param cold_tier: the cold storage that it must be thawed from before it can be read, ``None`` when it can be read
    :param is_thawing: whether it is being thawed
    """

    listed: Listed
    written: Written
    metadata: t.Mapping[str, str]
    legal_hold: bool = False
    locked_until: t.Optional[datetime.datetime] = None
    cold_tier: t.Optional[str] = None
    is_thawing: bool = False

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self.listed.size

    @property
    def sha256(self) -> t.Optional[str]:
        """The SHA-256 of the file that was uploaded, by the object's metadata."""
        return self.metadata.get("sha256")

    def lock(self, now: datetime.datetime) -> t.Optional[str]:
        """Return why the store refuses to remove it at this moment, ``None`` when it does not.

        :param now: UTC without a zone
        """
        if self.legal_hold:
            return "locked by the bucket: a legal hold"
        if self.locked_until is not None and self.locked_until > now:
            return f"locked by the bucket until {timestamp(self.locked_until)} (UTC)"
        return None
