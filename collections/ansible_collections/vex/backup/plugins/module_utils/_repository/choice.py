# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The choice of one backup of a host, and help for a host that has none: the name may be wrong."""

from __future__ import annotations

import contextlib
import datetime
import difflib
import typing as t
import urllib.parse

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import host_prefix, manifest_of
from ansible_collections.vex.backup.plugins.module_utils._errors import NoSuchBackup, OptionError, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import StoredBackup, read_catalog
from ansible_collections.vex.backup.plugins.module_utils._store.listing import list_folders
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store

_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


def choose_backup(
    store: Store, prefix: str, hostname: str, *, name: t.Optional[str] = None, at: t.Optional[str] = None
) -> StoredBackup:
    """List a host's backups, and return one of them as :func:`choose` does.

    :raises OptionError: for an empty *hostname*, and when *at* is not a time
    :raises NoSuchBackup: when there is no such backup with a manifest; the message names the existing ones, or similar
        hosts
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    backups = read_catalog(store, prefix, hostname).backups
    if not backups:
        raise NoSuchBackup(no_backup(store, prefix, hostname))
    return choose(backups, hostname, name=name, at=at)


def no_backup(store: Store, prefix: str, hostname: t.Optional[str]) -> str:
    """Return a sentence that the bucket holds no backup of a host, or of any, with the names of similar hosts."""
    where = store.url(host_prefix(prefix)).rstrip("/")
    if hostname is None:
        return f"{where} holds no backup: check prefix and bucket if there should be one"
    similar: t.List[str] = []
    # The keys may be for one host only.
    with contextlib.suppress(StoreFailed):
        similar = similar_names(hostname, _hosts(store, prefix))
    advice = f"did you mean {' or '.join(similar)}?" if similar else "check the name of the host, prefix and bucket"
    return f"{where} holds no backup of {hostname}: {advice}"


def similar_names(name: str, names: t.Sequence[str]) -> t.List[str]:
    """Return up to three of the host *names* that *name* may stand for.

    A short name stands for a long one that begins with it, or the other way round.
    """
    short = name.partition(".")[0].lower()
    same = [one for one in sorted(names) if one.partition(".")[0].lower() == short]
    close = difflib.get_close_matches(name, sorted(names), n=3)
    return list(dict.fromkeys([*same, *close]))[:3]


def _hosts(store: Store, prefix: str) -> t.List[str]:
    """Return the names of the folders of hosts; a host may have no backup left in its folder."""
    folders = list_folders(store, host_prefix(prefix))
    return [urllib.parse.unquote(one.rstrip("/").rpartition("/")[2], errors="surrogateescape") for one in folders]


def choose(
    backups: t.Sequence[StoredBackup], hostname: str, *, name: t.Optional[str] = None, at: t.Optional[str] = None
) -> StoredBackup:
    """Return one of a host's *backups*: the one called *name*, the newest taken until *at*, or the newest of all.

    An incomplete backup is chosen only by its name.

    :param backups: newest first
    :param at: ``YYYY-MM-DD [HH:MM[:SS]]``, UTC; a date alone means its end
    :raises OptionError: when *at* is not a time
    :raises NoSuchBackup: when there is no such backup with a manifest; the message names the existing ones
    """
    until = _parse_time(at) if at is not None else None
    found = [one for one in backups if (name is None or one.name == name) and (until is None or one.taken <= until)]
    wanted = [one for one in found if one.manifest or (name is not None and one.incomplete)]
    if wanted:
        return wanted[0]
    if found and found[0].incomplete:
        raise NoSuchBackup(
            f"the only backups that match are incomplete, such as {found[0].name}, which lacks tables that the server "
            "could not read: choose one by its name"
        )
    if found:
        raise NoSuchBackup(
            f"{found[0].key} has no manifest beside it ({manifest_of(found[0].key)}), so its upload did not end and it "
            "is not a backup: choose another"
        )
    existing = [one.name for one in backups if one.manifest]
    if not existing:
        raise NoSuchBackup(f"the bucket holds no complete backup of {hostname}: see the list of its backups")
    wish = f"called {name}" if name is not None else f"taken until {at} UTC"
    raise NoSuchBackup(
        f"the bucket holds no backup of {hostname} {wish}: it holds {len(existing)}, from {existing[-1]} "
        f"to {existing[0]}; choose one of them"
    )


def _parse_time(text: str) -> datetime.datetime:
    for form in _TIMES:
        try:
            moment = datetime.datetime.strptime(text.strip().replace("T", " ").rstrip("Z"), form)
        except ValueError:
            continue
        rest = {"%Y-%m-%d": {"hour": 23, "minute": 59, "second": 59}, "%Y-%m-%d %H:%M": {"second": 59}}
        # mypy compares each value with all parameters of `replace`, the time zone included.
        return moment.replace(**rest.get(form, {}))  # type: ignore[arg-type]
    raise OptionError(f"{text!r} is not a time: write 2026-01-31, 2026-01-31 03:00 or 2026-01-31 03:00:00, in UTC")
