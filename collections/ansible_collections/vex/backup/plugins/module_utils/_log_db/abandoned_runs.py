# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Abandoned runs, whose controller or host died: the next run of the host closes them as errors."""

from __future__ import annotations

import contextlib
import datetime
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.lock import removing
from ansible_collections.vex.backup.plugins.module_utils._common.notes import error_note, fit_text
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import (
    DUMP_LOG_NAME,
    LOGS,
    RUN_LOG_NAME,
    RUN_NAME,
    timestamp,
    utc_now,
)
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR
from ansible_collections.vex.backup.plugins.module_utils._common.text import excerpt_of
from ansible_collections.vex.backup.plugins.module_utils._log_db.columns import LOG_BYTES
from ansible_collections.vex.backup.plugins.module_utils._log_db.merge import Columns, State
from ansible_collections.vex.backup.plugins.module_utils._log_db.running_runs import Running, other_running_runs
from ansible_collections.vex.backup.plugins.module_utils._log_db.upsert import upsert

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


class OpeningRun(t.NamedTuple):
    """The run that opens: ``abandoned_after`` is in seconds, ``now`` is UTC."""

    run_uuid: str
    hostname: str
    work_dir: str
    abandoned_after: int
    now: datetime.datetime


def close_abandoned_runs(connection: Connection[Cursor], opening: OpeningRun) -> t.List[str]:
    """Close the records of the other runs of a host that are abandoned.

    A run is abandoned when no module works on it, which a lock on the directory of its logs shows, and none has worked
    on it for ``abandoned_after`` seconds, which is longer than the time between two steps of a run. A run that is
    closed by mistake is not lost: its own last record still replaces this one.

    :returns: a sentence for each closed run
    :raises LogDatabaseUnavailable: when the server refuses
    """
    closed = []
    for run in other_running_runs(connection, opening.hostname, opening.run_uuid):
        logs = os.path.join(opening.work_dir, run.started.strftime(RUN_NAME) + LOGS)
        if _is_locked(logs):
            continue
        last_sign = max(run.started, _last_write(logs))
        if (opening.now - last_sign).total_seconds() < opening.abandoned_after:
            continue
        sentence = (
            f"the run of {timestamp(run.started)} (UTC) was abandoned in stage {run.stage or 'unknown'}: no process "
            f"has worked on it since {timestamp(last_sign)}; closed by the next run"
        )
        state = closed_state(run, sentence, last_sign)
        upsert(connection, state._replace(backup={**state.backup, **_read_logs(logs)}), timestamp(opening.now))
        closed.append(sentence)
    return closed


def is_alive(logs: str, abandoned_after: int) -> bool:
    """Return whether a module works on the run with these *logs*, or did until *abandoned_after* seconds ago.

    :param logs: the directory of the run's logs; a run whose logs belong to another account counts as alive
    """
    return _is_locked(logs) or (utc_now() - _last_write(logs)).total_seconds() < abandoned_after


def closed_state(run: Running, sentence: str, end: datetime.datetime) -> State:
    """Return the state of an abandoned run that is closed: *sentence* after its notes, and its end (UTC)."""
    ended: Columns = {"data_encerramento": timestamp(end)}
    note = error_note(sentence)
    notes = fit_text("\n".join(filter(None, [run.notes, note])))
    return State(
        run.run_uuid,
        {**ended, "status_backup": ERROR, "observacao": notes},
        {name: {**ended, "status_upload": ERROR, "observacao": note} for name in run.uploading},
        {},
    )


def _read_logs(logs: str) -> Columns:
    columns: Columns = {}
    for name, column in ((RUN_LOG_NAME, "log_execucao"), (DUMP_LOG_NAME, "log_dump")):
        # A log that cannot be read does not replace the one in the record.
        with contextlib.suppress(OSError):
            columns[column] = excerpt_of(os.path.join(logs, name), LOG_BYTES)
    return columns


def _last_write(logs: str) -> datetime.datetime:
    """Return when a log of a run was last written (UTC); the beginning of 1970 when there is none."""
    written = [0.0]
    if os.path.isdir(logs):
        written += [os.stat(os.path.join(logs, name)).st_mtime for name in os.listdir(logs)]
    return datetime.datetime.fromtimestamp(max(written), datetime.timezone.utc).replace(microsecond=0, tzinfo=None)


def _is_locked(logs: str) -> bool:
    """Return whether a module holds the directory of a run's logs, as :meth:`RunLog.mark_alive` does."""
    with removing([logs]) as used:
        return used is not None
