# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs and restores that have not ended."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.notes import error_note
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR, RUNNING
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import commit

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

    from ansible_collections.vex.backup.plugins.module_utils._log_db.merge import State


# Values of the column ``tipo``.
_READERS = {"restauracao": "a restore", "verificacao": "a proof"}


class Running(t.NamedTuple):
    """A run that has not ended.

    ``started`` is UTC; ``notes`` is the text of its notes so far, or empty; ``uploading`` names the destinations whose
    uploads have not ended.
    """

    run_uuid: str
    hostname: str
    started: datetime.datetime
    stage: str
    notes: str
    uploading: t.Tuple[str, ...]


def other_running_runs(connection: Connection[Cursor], hostname: str, run_uuid: str) -> t.List[Running]:
    """Return the runs of a host that have not ended, oldest first, without the run *run_uuid*."""
    return _running(connection, "hostname = %s AND run_uuid <> %s", hostname, run_uuid)


def running_since_before(connection: Connection[Cursor], moment: datetime.datetime) -> t.List[Running]:
    """Return the runs of all hosts that began before *moment* (UTC) and have not ended, oldest first."""
    return _running(connection, "b.data_inicio < %s", timestamp(moment))


def _running(connection: Connection[Cursor], condition: str, *values: str) -> t.List[Running]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT run_uuid, hostname, b.data_inicio, COALESCE(etapa, ''), COALESCE(b.observacao, ''), destino"
            f" FROM backup_log b LEFT JOIN upload_s3_log u ON u.backup_id = b.id AND status_upload = {RUNNING}"
            f" WHERE status_backup = {RUNNING} AND {condition} ORDER BY b.data_inicio, b.id, destino",
            values,
        )
        found: t.Dict[str, Running] = {}
        for *of_run, destination in cursor.fetchall():
            run = found.setdefault(of_run[0], Running._make((*of_run, ())))
            if destination is not None:
                found[run.run_uuid] = run._replace(uploading=(*run.uploading, destination))
        return list(found.values())


def close_other_restores(connection: Connection[Cursor], state: State, reason: str, now: str) -> t.List[str]:
    """Close, as errors, the other restores of the host and kind of *state* that have not ended, and commit.

    :param reason: the note of the closed records
    :returns: the servers whose backups were restored
    """
    condition = f"hostname = %s AND tipo = %s AND status = {RUNNING} AND run_uuid <> %s"
    values = (state.restore["hostname"], state.restore["tipo"], state.run_uuid)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT servidor FROM restauracao_log WHERE {condition} ORDER BY id FOR UPDATE", values)
        servers = [str(server) for (server,) in cursor.fetchall()]
        changes = f"status = {ERROR}, data_encerramento = %s, observacao = %s"
        cursor.execute(f"UPDATE restauracao_log SET {changes} WHERE {condition}", (now, error_note(reason), *values))
    commit(connection)
    return servers


def restores_in_progress(connection: Connection[Cursor], since: datetime.datetime) -> t.Dict[str, str]:
    """Return, by the run that made the backup, a text on a restore or proof that reads it and has not ended.

    :param since: when it began at the earliest (UTC): the record of one that died may stay open
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT b.run_uuid, r.tipo, r.hostname, r.data_inicio FROM restauracao_log r"
            f" JOIN backup_log b ON b.id = r.backup_id WHERE r.status = {RUNNING} AND r.data_inicio >= %s",
            (timestamp(since),),
        )
        return {
            str(run): f"{_READERS.get(kind, kind)} on {hostname}, since {timestamp(started)} (UTC)"
            for run, kind, hostname, started in cursor.fetchall()
        }
