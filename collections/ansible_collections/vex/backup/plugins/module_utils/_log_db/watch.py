# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The watch from outside the hosts: it closes runs that take too long, and notes which servers are overdue."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._log_db.abandoned_runs import closed_state
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import (
    LogDatabase,
    check_version,
    commit,
    log_database,
    log_patience,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.running_runs import Running, running_since_before
from ansible_collections.vex.backup.plugins.module_utils._log_db.upsert import upsert

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


@dataclasses.dataclass(frozen=True)
class WatchRequest:
    """The options of ``backup_watch``.

    ``longest_run`` is in hours, ``overdue`` are names of servers, ``patience`` is in seconds.
    """

    log_database: LogDatabase
    longest_run: int
    overdue: t.List[str]
    patience: int


class Noted(t.NamedTuple):
    """Names of servers: newly overdue ones, and ones that are no longer overdue."""

    overdue: t.List[str]
    recovered: t.List[str]


def watch(request: WatchRequest, check_mode: bool) -> t.Dict[str, t.Any]:
    """Close the records of runs that have not ended in time, and note which servers are overdue.

    :param check_mode: change nothing, only return what would change
    :returns: the module's result
    :raises LogDatabaseUnavailable: when it cannot be reached or refuses
    :raises SchemaMismatch: when its schema is too old
    """
    now = utc_now()
    closed = []
    # The block is not repeated: had a lost commit been carried out, the overdue servers would be no news any more.
    with log_database(request.log_database, patience=log_patience(request.patience)) as connection:
        check_version(connection)
        for run in running_since_before(connection, now - datetime.timedelta(hours=request.longest_run)):
            sentence = _sentence(run, request.longest_run)
            if not check_mode:
                upsert(connection, closed_state(run, sentence, now), timestamp(now))
            closed.append({"hostname": run.hostname, "run_uuid": run.run_uuid, "message": sentence})
        noted = _note_overdue(connection, request.overdue, timestamp(now), dry_run=check_mode)
    return {
        "changed": bool(closed or noted.overdue or noted.recovered),
        "closed": closed,
        "overdue": noted.overdue,
        "recovered": noted.recovered,
    }


def _sentence(run: Running, longest_run: int) -> str:
    return (
        f"the run of {run.hostname} of {timestamp(run.started)} (UTC) has not ended after {longest_run} hours, "
        f"in stage {run.stage or 'unknown'}; closed by the watch: check that host, whose next run tells more"
    )


def _note_overdue(connection: Connection[Cursor], names: t.Sequence[str], now: str, *, dry_run: bool) -> Noted:
    """Note in ``servidor`` which servers are overdue now, and commit.

    :param dry_run: change nothing, only return what would change
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT hostname, avisado_em IS NOT NULL, ativo FROM servidor ORDER BY hostname FOR UPDATE")
        servers = cursor.fetchall()
        overdue = [str(name) for name, was_overdue, _active in servers if name in names and not was_overdue]
        forgotten = [str(name) for name, was_overdue, _active in servers if name not in names and was_overdue]
        # A server without expected backups is no longer overdue, but has not recovered either.
        recovered = [str(name) for name, _was_overdue, active in servers if name in forgotten and active]
        if not dry_run:
            for moment, noted in ((now, overdue), (None, forgotten)):
                cursor.executemany(
                    "UPDATE servidor SET avisado_em = %s WHERE hostname = %s", [(moment, name) for name in noted]
                )
    commit(connection)
    return Noted(overdue, recovered)
