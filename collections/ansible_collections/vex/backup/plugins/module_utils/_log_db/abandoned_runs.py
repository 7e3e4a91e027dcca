# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs that died with their controller or their host: found and closed as errors when the host's next run opens."""

from __future__ import annotations

import datetime
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.lock import try_lock
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import LOGS, RUN_NAME, timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.text import excerpt_of, fit_bytes
from ansible_collections.vex.backup.plugins.module_utils._log_db.tables import (
    Columns,
    Running,
    State,
    running_of,
    upsert,
)

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

LOG_BYTES = 1024 * 1024
TEXT_BYTES = 65535


def close_abandoned(
    connection: Connection[Cursor],
    hostname: str,
    run_uuid: str,
    work_dir: str,
    patience: int,
    now: datetime.datetime,
) -> t.List[str]:
    """Close the records of a host's other runs that nobody works on any more.

    One is taken for dead when no module works on it, which a lock on its logs' folder shows, and none has for
    *patience* seconds, which is more than lies between two steps of a run. One that was alive after all is not lost:
    its own last record still comes upon this one.

    :param run_uuid: the run that opens, which is alive
    :returns: a sentence for each
    :raises LogDatabaseUnavailable: when the server refuses
    """
    closed = []
    for run in running_of(connection, hostname, run_uuid):
        logs = os.path.join(work_dir, run.started.strftime(RUN_NAME) + LOGS)
        last_sign = max(run.started, _last_sign(logs))
        if _is_worked_on(logs) or (now - last_sign).total_seconds() < patience:
            continue
        sentence = (
            f"the run of {timestamp(run.started)} (UTC) died in stage {run.stage or 'unknown'}: nobody has worked on "
            f"it since {timestamp(last_sign)}; closed by the next run"
        )
        upsert(connection, _ended(run, sentence, logs, last_sign), timestamp(now))
        closed.append(sentence)
    return closed


def is_alive(logs: str, patience: int) -> bool:
    """Whether somebody works on the run whose logs are in this folder, or did until *patience* seconds ago."""
    return _is_worked_on(logs) or (utc_now() - _last_sign(logs)).total_seconds() < patience


def run_that_died(run: Running, sentence: str, end: datetime.datetime) -> State:
    """What the rows of a dead run say: *sentence*, after the notes it left, and when it ended (UTC)."""
    ended: Columns = {"data_encerramento": timestamp(end)}
    notes = fit_bytes("\n".join(filter(None, [run.notes, sentence])), TEXT_BYTES)
    return State(
        run.run_uuid,
        {**ended, "status_backup": 3, "observacao": notes},
        {**ended, "status_upload": 3, "observacao": sentence} if run.is_uploading else {},
        {},
    )


def _ended(run: Running, sentence: str, logs: str, last_sign: datetime.datetime) -> State:
    died = run_that_died(run, sentence, last_sign)
    backup: Columns = dict(died.backup)
    for name, column in (("backup_script.log", "log_execucao"), ("mydumper_log.log", "log_dump")):
        path = os.path.join(logs, name)
        if os.access(path, os.R_OK):
            backup[column] = excerpt_of(path, LOG_BYTES)
    return died._replace(backup=backup)


def _last_sign(logs: str) -> datetime.datetime:
    """When a log of a run was last written (UTC); long ago when there is none."""
    written = [0.0]
    if os.path.isdir(logs):
        written += [os.stat(os.path.join(logs, name)).st_mtime for name in os.listdir(logs)]
    return datetime.datetime.fromtimestamp(max(written), datetime.timezone.utc).replace(microsecond=0, tzinfo=None)


def _is_worked_on(logs: str) -> bool:
    """Whether a module holds the folder of a run's logs, as :meth:`RunLog.held` does."""
    if not os.path.isdir(logs):
        return False
    descriptor = os.open(logs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)
