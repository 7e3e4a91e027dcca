# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the bucket holds: which of its objects are backups, told by their keys alone.

A backup is an archive with ``{key}.manifest.json`` beside it, which is uploaded last: an archive without it is none.
``{key}.proof.json`` says that it was restored and compared, ``{key}.hold`` that it is never to be removed.
"""

from __future__ import annotations

import datetime
import re
import typing as t
import urllib.parse

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import time_of, timestamp
from ansible_collections.vex.backup.plugins.module_utils._common.safe_name import safe_name
from ansible_collections.vex.backup.plugins.module_utils._errors import NoSuchBackup, OptionError
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Listed

MANIFEST = ".manifest.json"
PROOF = ".proof.json"
HOLD = ".hold"

_ARCHIVE = re.compile(r"(?P<hostname>[^/]+)/\d{4}/\d{2}/(?P<name>backup_\d{8}_\d{6})\.(?:zip|7z)")
_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


class StoredBackup(t.NamedTuple):
    """An archive in the bucket.

    ``taken`` is when its run began, as ``name`` has it; ``modified`` when it was uploaded, ``proven`` when its proof
    was, ``None`` where it has none. All times are UTC without a zone. ``size`` is in bytes. Without ``manifest`` it is
    no backup: its upload did not end.
    """

    name: str
    hostname: str
    key: str
    size: int
    etag: str
    taken: datetime.datetime
    modified: datetime.datetime
    manifest: bool
    proven: t.Optional[datetime.datetime]
    held: bool


class Catalogue(t.NamedTuple):
    """``backups``, newest first, archives without a manifest included; ``strays``, the keys that belong to none."""

    backups: t.List[StoredBackup]
    strays: t.List[str]


def prefix_of(prefix: str, hostname: t.Optional[str] = None) -> str:
    """What the keys of a host's backups start with, or those of every host.

    :param prefix: what keys start with, as the run has it
    :raises OptionError: for a host without a name: it must not be taken for every host
    """
    if hostname == "":
        raise OptionError("the host whose backups are meant has an empty name: nothing was done; give its name")
    parts = [prefix.strip("/"), safe_name(hostname) if hostname is not None else ""]
    return "".join(f"{part}/" for part in parts if part)


def is_archive(key: str, prefix: str) -> bool:
    """Whether an archive of a backup could have this *key*."""
    found = _ARCHIVE.fullmatch(key, len(prefix_of(prefix)))
    return found is not None and key.startswith(prefix_of(prefix)) and time_of(found["name"]) is not None


def read_catalogue(listed: t.Iterable[Listed], prefix: str) -> Catalogue:
    """Tell backups from the rest.

    :param listed: every object under :func:`prefix_of` the same *prefix*, or that and a host's name
    """
    objects = {one.key: one for one in listed}
    start = len(prefix_of(prefix))
    archives = {key: found for key in objects for found in [_ARCHIVE.fullmatch(key, start)] if found}
    times = {key: time_of(found["name"]) for key, found in archives.items()}
    backups = []
    for key, taken in times.items():
        if taken is None:
            continue
        proof = objects.get(key + PROOF)
        backups.append(
            StoredBackup(
                name=archives[key]["name"],
                hostname=urllib.parse.unquote(archives[key]["hostname"], errors="surrogateescape"),
                key=key,
                size=objects[key].size,
                etag=objects[key].etag,
                taken=taken,
                modified=objects[key].modified,
                manifest=key + MANIFEST in objects,
                proven=proof.modified if proof else None,
                held=key + HOLD in objects,
            )
        )
    known = {one.key + suffix for one in backups for suffix in ("", MANIFEST, PROOF, HOLD)}
    backups.sort(key=lambda one: (one.name, one.hostname, one.key), reverse=True)
    return Catalogue(backups, sorted(objects.keys() - known))


def described(backup: StoredBackup) -> t.Dict[str, t.Any]:
    """The same for a module's result: times are texts, UTC."""
    values = backup._asdict().items()
    return {name: timestamp(value) if isinstance(value, datetime.datetime) else value for name, value in values}


def choose(
    backups: t.Sequence[StoredBackup], *, name: t.Optional[str] = None, at: t.Optional[str] = None
) -> StoredBackup:
    """One of a host's *backups*, newest first: the one called *name*, the newest until *at*, or the newest of all.

    :param at: ``YYYY-MM-DD [HH:MM[:SS]]``, UTC; a date alone means its end
    :raises OptionError: for a time that is none
    :raises NoSuchBackup: when none of them is whole and answers to that; the message names what is there
    """
    until = _parsed(at) if at is not None else None
    asked = f"called {name}" if name is not None else f"taken until {at} UTC" if at is not None else "at all"
    found = [one for one in backups if (name is None or one.name == name) and (until is None or one.taken <= until)]
    whole = [one for one in found if one.manifest]
    if whole:
        return whole[0]
    if found:
        raise NoSuchBackup(
            f"{found[0].key} has no manifest beside it ({found[0].key}{MANIFEST}), so its upload did not end and it is "
            "no backup: choose another"
        )
    there = [one.name for one in backups if one.manifest]
    raise NoSuchBackup(
        f"the bucket holds no backup {asked}: "
        + (f"it has {len(there)}, from {there[-1]} to {there[0]}" if there else "it has none of this host")
    )


def _parsed(text: str) -> datetime.datetime:
    for form in _TIMES:
        try:
            moment = datetime.datetime.strptime(text.strip().replace("T", " ").rstrip("Z"), form)
        except ValueError:
            continue
        rest = {"%Y-%m-%d": {"hour": 23, "minute": 59, "second": 59}, "%Y-%m-%d %H:%M": {"second": 59}}
        # mypy holds each value against all of `replace`'s parameters, the time zone too.
        return moment.replace(**rest.get(form, {}))  # type: ignore[arg-type]
    raise OptionError(f"{text!r} is not a time: write 2026-01-31, 2026-01-31 03:00 or 2026-01-31 03:00:00, in UTC")
