# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is looked at from outside the hosts: runs that take too long to be alive, servers whose backup is overdue."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._log_db.abandoned_runs import run_that_died
from ansible_collections.vex.backup.plugins.module_utils._log_db.tables import (
    LogDatabase,
    check_version,
    log_database,
    note_overdue,
    running_since_before,
    upsert,
)

# The migration that made the column for who has been told.
REQUIRED_VERSION = 22


def watch(params: t.Mapping[str, t.Any], check_mode: bool) -> t.Dict[str, t.Any]:
    """Close the records of runs that have run for longer than any does, and note which servers are overdue.

    :param params: the options of ``backup_watch``
    :param check_mode: change nothing, only say what would change
    :returns: the module's result
    :raises LogDatabaseUnavailable: when it is away or refuses
    :raises SchemaMismatch: when its schema is too old
    """
    now = utc_now()
    closed = []
    with log_database(LogDatabase.from_options(params)) as connection:
        check_version(connection, REQUIRED_VERSION)
        for run in running_since_before(connection, now - datetime.timedelta(hours=params["longest_run"])):
            sentence = (
                f"the run of {run.hostname} of {timestamp(run.started)} (UTC) has not ended after "
                f"{params['longest_run']} hours, in stage {run.stage or 'unknown'}; closed by the watch: look at that "
                "host, whose next run says more"
            )
            if not check_mode:
                upsert(connection, run_that_died(run, sentence, now), timestamp(now))
            closed.append({"hostname": run.hostname, "run_uuid": run.run_uuid, "message": sentence})
        change = note_overdue(connection, params["overdue"], timestamp(now), dry_run=check_mode)
    return {
        "changed": bool(closed or change.told or change.recovered),
        "closed": closed,
        "overdue": change.told,
        "recovered": change.recovered,
    }
