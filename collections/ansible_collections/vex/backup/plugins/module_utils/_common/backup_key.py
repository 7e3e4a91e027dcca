# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names of a backup's objects: the only place that builds and parses them.

An archive has the key ``{prefix}/{hostname}/{YYYY}/{MM}/backup_YYYYMMDD_HHMMSS.zip`` (or ``.7z``). The names of the
objects beside it begin with that key, see :data:`COMPANIONS`.
"""

from __future__ import annotations

import datetime
import re
import typing as t
import urllib.parse

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import time_of
from ansible_collections.vex.backup.plugins.module_utils._common.safe_name import safe_name
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError

#: The name of a run, as a regular expression; :data:`run_log.RUN_NAME` makes it.
RUN_NAME_PATTERN = r"backup_[0-9]{8}_[0-9]{6}"
#: The formats of archives, which are also their extensions.
ARCHIVE_FORMATS = ("zip", "7z")
#: Describes an archive. It is uploaded last and removed first: without it, an archive is not a backup.
MANIFEST = ".manifest.json"
#: Describes an archive without some tables, which the server could not read. It is in the bucket instead of a manifest,
#: so nothing takes such an archive for a backup there: it is restored only by its name, and never replaces another.
INCOMPLETE = ".incomplete.json"
#: Shows that the backup was restored and compared.
PROOF = ".proof.json"
#: Keeps the backup from retention.
HOLD = ".hold"
#: All of the above.
COMPANIONS = (MANIFEST, INCOMPLETE, PROOF, HOLD)

#: The name of the object that a check writes and removes. It is always the same, so that at most one remains.
TRIAL = "vex-backup-check"

_ARCHIVE = re.compile(
    rf"(?P<hostname>[^/]+)/[0-9]{{4}}/[0-9]{{2}}/(?P<name>{RUN_NAME_PATTERN})\.(?P<extension>{'|'.join(ARCHIVE_FORMATS)})"
)


class BackupKey(t.NamedTuple):
    """The parts of an archive's key; ``taken`` is when the run began, UTC without a zone."""

    hostname: str
    name: str
    extension: str
    taken: datetime.datetime


def build(prefix: str, hostname: str, name: str, extension: str) -> str:
    """Return the key of an archive.

    :param prefix: the beginning of all keys; may be empty, or have slashes around it
    :param name: the run's, ``backup_YYYYMMDD_HHMMSS``
    :param extension: one of :data:`ARCHIVE_FORMATS`
    :raises OptionError: for an empty *hostname*, a *name* that no run has, or another *extension*
    """
    if not re.fullmatch(RUN_NAME_PATTERN, name) or time_of(name) is None:
        raise OptionError(f"{name!r} is not the name of a run: give backup_YYYYMMDD_HHMMSS")
    if extension not in ARCHIVE_FORMATS:
        raise OptionError(f"{extension!r} is not an archive's extension: give one of {', '.join(ARCHIVE_FORMATS)}")
    year, month = name[7:11], name[11:13]
    return f"{host_prefix(prefix, hostname)}{year}/{month}/{name}.{extension}"


def parse(key: str, prefix: str) -> t.Optional[BackupKey]:
    """Return the parts of an archive's *key*, or ``None`` when no archive of a backup has such a key.

    :param prefix: the beginning of all keys, as given to :func:`build`
    """
    start = host_prefix(prefix)
    found = _ARCHIVE.fullmatch(key, len(start)) if key.startswith(start) else None
    taken = time_of(found["name"]) if found else None
    if found is None or taken is None:
        return None
    hostname = urllib.parse.unquote(found["hostname"], errors="surrogateescape")
    # Another month, or another spelling of the host, is a copy, which must not count as a second backup.
    if build(prefix, hostname, found["name"], found["extension"]) != key:
        return None
    return BackupKey(hostname, found["name"], found["extension"], taken)


def host_of(key: str) -> t.Optional[str]:
    """Return the host of an archive's *key* below any prefix, ``None`` when no archive of a backup has such a key."""
    found = _ARCHIVE.fullmatch("/".join(key.split("/")[-4:]))
    return urllib.parse.unquote(found["hostname"], errors="surrogateescape") if found else None


def own_key(key: str, hostname: str, name: str) -> str:
    """Return the key that a host's backup has below the prefix of *key*, an archive's, and with its extension.

    :param name: the run's
    :raises OptionError: as :func:`build`
    """
    return build(prefix_of(key), hostname, name, key.rpartition(".")[2])


def prefix_of(key: str) -> str:
    """Return what is before the host in an archive's *key*."""
    return "/".join(key.split("/")[:-4])


def host_prefix(prefix: str, hostname: t.Optional[str] = None) -> str:
    """Return the beginning of the keys of one host's backups, or of every host's.

    :param prefix: the beginning of all keys, as given to :func:`build`
    :param hostname: ``None`` for every host
    :raises OptionError: for an empty *hostname*, which must not mean every host
    """
    if hostname == "":
        raise OptionError("the hostname is empty, so nothing was done: give the name of the host that was backed up")
    parts = [prefix.strip("/"), safe_name(hostname) if hostname is not None else ""]
    return "".join(f"{part}/" for part in parts if part)


def manifest_of(archive: str) -> str:
    """Return the key, or path, of the manifest beside an *archive* with that key, or path."""
    return archive + MANIFEST


def incomplete_of(archive: str) -> str:
    """Return the key of what lies beside an incomplete *archive* with that key, instead of a manifest."""
    return archive + INCOMPLETE


def proof_of(archive: str) -> str:
    """Return the key of the proof beside an *archive* with that key."""
    return archive + PROOF


def hold_of(archive: str) -> str:
    """Return the key of the hold beside an *archive* with that key."""
    return archive + HOLD


def trial_of(prefix: str, hostname: str) -> str:
    """Return the key of the object that a check writes and removes; no archive has such a key.

    :param prefix: the beginning of all keys, as given to :func:`build`
    :raises OptionError: for an empty *hostname*
    """
    return f"{host_prefix(prefix, hostname)}{TRIAL}"


def archive_beside(key: str) -> t.Optional[str]:
    """Return the key of the archive that a manifest, proof or hold with this *key* lies beside.

    ``None`` when *key* belongs to another object.
    """
    for suffix in COMPANIONS:
        if key.endswith(suffix):
            return key[: -len(suffix)]
    return None
