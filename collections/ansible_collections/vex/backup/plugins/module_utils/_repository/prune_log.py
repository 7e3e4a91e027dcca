# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What retention removed, noted in the log tables, by way of the spool when the log database is away."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp
from ansible_collections.vex.backup.plugins.module_utils._common.spool import Spool
from ansible_collections.vex.backup.plugins.module_utils._errors import LogDatabaseUnavailable
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import (
    LogDatabase,
    check_version,
    log_database,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.uploads import mark_removed

_TIME = "%Y-%m-%d %H:%M:%S"


class Removal(t.NamedTuple):
    """A backup that went: its run, as far as its manifest says, the archive's key, and when (UTC)."""

    run_uuid: t.Optional[str]
    key: str
    moment: datetime.datetime


class Removals:
    """What one call of retention removes: each kept as it goes, and all of them noted at its end.

    :param params: a module's ``LOG_DB`` options and ``spool_dir``
    """

    def __init__(self, params: t.Mapping[str, t.Any]) -> None:
        self._params = params
        self._spool = Spool(params["spool_dir"], "removals")
        self._known: t.Dict[str, Removal] = {}
        self._problems: t.List[str] = []

    def keep(self, removal: Removal) -> None:
        """Keep it until it is noted: a process that is killed before must not forget it."""
        if removal.run_uuid is None:
            return
        self._known[removal.run_uuid] = removal
        with self._spool.lock():
            try:
                self._spool.write(removal.run_uuid, {**removal._asdict(), "moment": timestamp(removal.moment)})
            except OSError as error:
                self._problems.append(f"what was removed could not be kept in {self._spool}: {error.strerror}")

    def note(self) -> t.List[str]:
        """Mark the uploads of what is kept as removed, also of what earlier calls could not note.

        :returns: sentences on what could not be noted; it is kept, and noted by a later call
        """
        with self._spool.lock():
            waiting = {**_waiting(self._spool), **self._known}
            problems = _deliver(self._params, self._spool, waiting) if waiting else []
        # Each removal may have met the same.
        found = dict.fromkeys([*self._spool.warnings, *self._problems, *problems])
        return [*found, *self._spool.unreadable()]


def _waiting(spool: Spool) -> t.Dict[str, Removal]:
    found = {name: spool.read(name, _parse) for name in spool.names()}
    return {name: removal for name, removal in found.items() if removal is not None}


def _deliver(params: t.Mapping[str, t.Any], spool: Spool, waiting: t.Mapping[str, Removal]) -> t.List[str]:
    try:
        with log_database(LogDatabase.from_options(params)) as connection:
            check_version(connection)
            for name, removal in waiting.items():
                mark_removed(connection, name, removal.key, timestamp(removal.moment))
                spool.remove(name)
    except LogDatabaseUnavailable as error:
        return [f"{error}; what was removed is kept in {spool} and noted by a later run"]
    return []


def _parse(content: t.Any) -> Removal:
    return Removal(content["run_uuid"], content["key"], datetime.datetime.strptime(content["moment"], _TIME))
