# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The note beside an archive that is to be uploaded: it is there until the upload has ended well."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import write_json_durably
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError

#: The note's name is the archive's with this suffix.
PENDING = ".upload.json"


class Pending(t.NamedTuple):
    """The target of an archive that is to be uploaded; ``run_uuid`` is the run's, which has the record."""

    run_uuid: str
    bucket: str
    key: str
    storage_class: t.Optional[str]
    server_side_encryption: t.Optional[str]
    kms_key_id: t.Optional[str]


def write_pending(archive: str, pending: Pending) -> None:
    """Write the note of an archive with this path."""
    write_json_durably(archive + PENDING, pending._asdict())


def read_pending(archive: str) -> Pending:
    """Read the note of an archive with this path.

    :raises OptionError: when the note cannot be read
    """
    path = archive + PENDING
    try:
        with open(path, encoding="utf-8") as stream:
            return Pending(**json.load(stream))
    except (OSError, ValueError, TypeError) as error:
        raise OptionError(f"{path} cannot be read ({error!r}): upload {archive} by hand, then remove both") from error


def list_pending(folder: str) -> t.List[str]:
    """Return the names of the archives in *folder* that have a note, in order."""
    return sorted(name[: -len(PENDING)] for name in os.listdir(folder) if name.endswith(PENDING))


def remove_pending(archive: str) -> None:
    """Remove the note of an archive with this path, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(archive + PENDING)
