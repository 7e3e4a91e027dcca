# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The note beside an archive that is to be uploaded to a destination: it is there until the upload has ended well.

An archive has one note for each destination. The process that uploads the archive keeps the note locked.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import write_json_durably
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import AlreadyRunning, OptionError

#: The suffixes of the notes, as a pattern.
NOTE_PATTERN = r"\.upload(?:-[a-z0-9_-]+)?\.json"
#: The note for it has no name in its suffix.
UNNAMED = "s3"


class Pending(t.NamedTuple):
    """The target of an archive that is to be uploaded.

    :param run_uuid: the run's, which has the record
    :param destination: the name of the destination
    :param place: its bucket, container or path at the time
    """

    run_uuid: str
    destination: str
    place: str
    key: str
    storage_class: t.Optional[str]
    part_size: int


def note_of(archive: str, destination: str) -> str:
    """Return the path of the note of an archive with this path."""
    return f"{archive}.upload{'' if destination == UNNAMED else f'-{destination}'}.json"


def write_pending(archive: str, pending: Pending) -> None:
    """Write the note of an archive with this path."""
    write_json_durably(note_of(archive, pending.destination), pending._asdict())


def read_pending(archive: str, destination: str) -> Pending:
    """Read the note of an archive with this path.

    :raises AlreadyRunning: when another process has removed it, because the upload has ended well
    :raises OptionError: when the note cannot be read
    """
    path = note_of(archive, destination)
    try:
        with open(path, encoding="utf-8") as stream:
            return _parse(json.load(stream))
    except FileNotFoundError:
        raise AlreadyRunning(f"another process has just uploaded {archive}") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise OptionError(f"{path} cannot be read ({error!r}): upload {archive} by hand, then remove both") from error


def list_pending(folder: str, destination: str) -> t.List[str]:
    """Return the names of the archives in *folder* that a destination lacks, and that no process uploads, in order."""
    suffix = note_of("", destination)
    names = sorted(name for name in os.listdir(folder) if name.endswith(suffix))
    return [name[: -len(suffix)] for name in names if not _is_locked(os.path.join(folder, name))]


@contextlib.contextmanager
def noted(archive: str, destination: str, pending: t.Optional[Pending], log: RunLog) -> t.Iterator[None]:
    """Keep the note of an archive locked while the block runs, and remove it when the block ends well.

    :param destination: the name of the destination that the note is for
    :param pending: the note to write, ``None`` when there is one
    :raises AlreadyRunning: when another process uploads the archive, or has just done so
    """
    path = note_of(archive, destination)
    if pending is not None:
        try:
            write_pending(archive, pending)
        except OSError as error:
            # The upload may be what makes room again.
            log.warning(f"{path} could not be written, so no later run uploads this archive: {error}")
            yield
            return
    with _locked(path, archive):
        yield
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


@contextlib.contextmanager
def _locked(path: str, archive: str) -> t.Iterator[None]:
    try:
        stream = open(path, "rb")  # noqa: SIM115  # closed below, when the block ends
    except FileNotFoundError:
        raise AlreadyRunning(f"another process has just uploaded {archive}") from None
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"another process uploads {archive}: wait for its end") from None
        if os.fstat(stream.fileno()).st_nlink == 0:
            # Its upload ended after the file was opened.
            raise AlreadyRunning(f"another process has just uploaded {archive}")
        yield


def _parse(content: t.Mapping[str, t.Any]) -> Pending:
    if "bucket" in content:
        # The note of an earlier release, whose only destination was a bucket.
        names = ("run_uuid", "bucket", "key", "storage_class", "part_size")
        run_uuid, place, *others = (content[name] for name in names)
        return Pending(run_uuid, UNNAMED, place, *others)
    return Pending(**content)


def _is_locked(path: str) -> bool:
    try:
        with open(path, "rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        # Its upload has just ended.
        return True
    return False
