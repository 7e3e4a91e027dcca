# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects of Google Cloud Storage as the port describes them, and their checksum."""

from __future__ import annotations

import base64
import contextlib
import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._store.multipart import Part
from ansible_collections.vex.backup.plugins.module_utils._store.objects import STANDARD, Described, Listed, Written

# Without it the store refuses to start: see GCS_FAILURE in gcs_client.py.
with contextlib.suppress(ImportError):
    import google_crc32c

if t.TYPE_CHECKING:
    from google.cloud.storage import Blob


class Checksum:
    """The CRC32C of a file, of which the parts come one after another."""

    def __init__(self) -> None:
        self._checksum = google_crc32c.Checksum()

    def update(self, data: bytes) -> None:
        """Add the next bytes."""
        self._checksum.update(data)

    def add(self, part: Part) -> None:
        """Read the next part, and add its bytes."""
        for block in part.blocks():
            self.update(block)

    @property
    def base64(self) -> str:
        """The checksum as Google's servers give it."""
        return base64.b64encode(self._checksum.digest()).decode("ascii")


def listed_of(blob: Blob) -> Listed:
    """Return an object as a list shows it."""
    return Listed(blob.name, blob.size, _utc(blob.time_created), str(blob.generation), blob.storage_class or STANDARD)


def described_of(blob: Blob) -> Described:
    """Return an object with all that the server tells of it."""
    until = blob.retention_expiration_time
    return Described(
        listed=listed_of(blob),
        written=Written(etag=str(blob.generation), checksums={"crc32c": blob.crc32c}, version=str(blob.generation)),
        metadata={name.lower(): value for name, value in (blob.metadata or {}).items()},
        legal_hold=bool(blob.temporary_hold or blob.event_based_hold),
        locked_until=None if until is None else _utc(until),
    )


def written_of(answer: t.Mapping[str, t.Any], parts: int) -> Written:
    """Return a new object, from the server's description of it.

    :param parts: how many it was sent in
    """
    generation = str(answer["generation"])
    return Written(etag=generation, checksums={"crc32c": answer["crc32c"]}, parts=parts, version=generation)


def _utc(moment: datetime.datetime) -> datetime.datetime:
    return moment.astimezone(datetime.timezone.utc).replace(tzinfo=None)
