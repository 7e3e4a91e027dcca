# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What retention removed, noted in the log tables, by way of the spool when the log database is away."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import LogDatabaseUnavailable
from ansible_collections.vex.backup.plugins.module_utils._log_db import check_version, log_database, mark_removed
from ansible_collections.vex.backup.plugins.module_utils._run_log import timestamp
from ansible_collections.vex.backup.plugins.module_utils._spool import Spool

_TIME = "%Y-%m-%d %H:%M:%S"


class Removal(t.NamedTuple):
    """A backup that went: its run, as far as its manifest says, the archive's key, and when (UTC)."""

    run_uuid: t.Optional[str]
    key: str
    moment: datetime.datetime


def record_removals(params: t.Mapping[str, t.Any], removals: t.Sequence[Removal]) -> t.List[str]:
    """Mark the uploads of *removals* as removed, and of those that an earlier call could not.

    :param params: a module's ``LOG_DB`` options and ``spool_dir``
    :returns: sentences on what could not be noted; it is kept, and noted by a later call
    """
    spool = Spool(params["spool_dir"], "removals")
    known = {one.run_uuid: one for one in removals if one.run_uuid is not None}
    problems = []
    with spool.lock():
        try:
            # Kept before it is sent: a process that is killed in between must not forget it.
            for name, removal in known.items():
                spool.write(name, {**removal._asdict(), "moment": timestamp(removal.moment)})
        except OSError as error:
            problems.append(f"what was removed could not be kept in {spool}: {error.strerror}")
        waiting = {**_waiting(spool), **known}
        if waiting:
            problems += _deliver(params, spool, waiting)
    return spool.warnings + problems + spool.unreadable()


def _waiting(spool: Spool) -> t.Dict[str, Removal]:
    found = {name: spool.read(name, _parse) for name in spool.names()}
    return {name: removal for name, removal in found.items() if removal is not None}


def _deliver(params: t.Mapping[str, t.Any], spool: Spool, waiting: t.Mapping[str, Removal]) -> t.List[str]:
    try:
        with log_database(params, params["login_database"]) as connection:
            check_version(connection)
            for name, removal in waiting.items():
                mark_removed(connection, name, removal.key, timestamp(removal.moment))
                spool.remove(name)
    except LogDatabaseUnavailable as error:
        return [f"{error}; what was removed is kept in {spool} and noted by a later run"]
    return []


def _parse(content: t.Any) -> Removal:
    return Removal(content["run_uuid"], content["key"], datetime.datetime.strptime(content["moment"], _TIME))
