# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The removals of retention, noted in the log tables; the spool keeps them while the log database is unreachable."""

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
    """A removed backup: its run, if its manifest names one, the archive's key, and the time (UTC)."""

    run_uuid: t.Optional[str]
    key: str
    moment: datetime.datetime


class PruneLog:
    """The removals of one call of retention: each is kept in the spool at once, and all are delivered at the end.

    :param spool_dir: made when absent
    """

    def __init__(self, spool_dir: str, database: LogDatabase) -> None:
        self._database = database
        self._spool = Spool(spool_dir, "removals")
        self._removals: t.Dict[str, Removal] = {}
        self._problems: t.List[str] = []

    def keep(self, removal: Removal) -> None:
        """Write a removal to the spool, so that it is not lost when the process is killed before the delivery."""
        if removal.run_uuid is None:
            return
        self._removals[removal.run_uuid] = removal
        with self._spool.lock():
            try:
                self._spool.write(removal.run_uuid, {**removal._asdict(), "moment": timestamp(removal.moment)})
            except OSError as error:
                self._problems.append(f"a removal could not be written to the spool {self._spool}: {error.strerror}")

    def deliver(self) -> t.List[str]:
        """Mark the uploads of all removals in the spool as removed, also the removals of earlier calls.

        :returns: sentences on what failed; a later call delivers what stays in the spool
        """
        with self._spool.lock():
            waiting = {**_read(self._spool), **self._removals}
            problems = _deliver(self._database, self._spool, waiting) if waiting else []
        # Without duplicates: each removal may have had the same problem.
        found = dict.fromkeys([*self._spool.warnings, *self._problems, *problems])
        return [*found, *self._spool.unreadable()]


def _read(spool: Spool) -> t.Dict[str, Removal]:
    found = {name: spool.read(name, _parse) for name in spool.names()}
    return {name: removal for name, removal in found.items() if removal is not None}


def _deliver(database: LogDatabase, spool: Spool, waiting: t.Mapping[str, Removal]) -> t.List[str]:
    try:
        with log_database(database) as connection:
            check_version(connection)
            for name, removal in waiting.items():
                mark_removed(connection, name, removal.key, timestamp(removal.moment))
                spool.remove(name)
    except LogDatabaseUnavailable as error:
        return [f"{error}; the removals are kept in {spool}, and a later run notes them in the log tables"]
    return []


def _parse(content: t.Any) -> Removal:
    return Removal(content["run_uuid"], content["key"], datetime.datetime.strptime(content["moment"], _TIME))
