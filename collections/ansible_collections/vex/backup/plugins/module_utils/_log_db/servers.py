# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of ``servidor``: which servers are backed up, and when a run of each is expected."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._log_db.columns import fit_column
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import (
    LogDatabase,
    check_version,
    commit,
    log_database,
    log_patience,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.merge import Columns
from ansible_collections.vex.backup.plugins.module_utils._log_db.upsert import Change

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


@dataclasses.dataclass(frozen=True)
class ServerRequest:
    """The options of ``backup_server_record``; ``state`` is ``present`` or ``absent``, ``patience`` is in seconds."""

    log_database: LogDatabase
    hostname: str
    state: str
    schedule: t.Optional[str]
    time_zone: str
    tolerance_minutes: int
    server_version: t.Optional[str]
    patience: int


def record_server(request: ServerRequest, check_mode: bool) -> t.Dict[str, t.Any]:
    """Write the row of a server, as the options describe it.

    :param check_mode: change nothing, only return what would change
    :returns: the module's result
    :raises LogDatabaseUnavailable: when it could not be written
    """
    is_expected = request.state == "present"
    columns: Columns = {"ativo": int(is_expected)}
    if is_expected:
        columns.update(
            agenda=request.schedule or None,
            fuso=request.time_zone,
            tolerancia_minutos=request.tolerance_minutes,
        )
        if request.server_version:
            columns["versao_servidor"] = fit_column("versao_servidor", request.server_version)
    hostname = fit_column("hostname", request.hostname)

    def write() -> Change:
        with log_database(request.log_database) as connection:
            check_version(connection)
            return _write(connection, hostname, columns, may_insert=is_expected, dry_run=check_mode)

    change = log_patience(request.patience).attempt(write)
    return {"changed": bool(change.after), "diff": {"before": change.before, "after": change.after}}


def _write(
    connection: Connection[Cursor], hostname: str, columns: Columns, *, may_insert: bool, dry_run: bool
) -> Change:
    with connection.cursor() as cursor:
        # Column names come from this file, values go as parameters.
        cursor.execute(f"SELECT {', '.join(columns)} FROM servidor WHERE hostname = %s FOR UPDATE", (hostname,))
        row = cursor.fetchone()
        older = dict(zip(columns, row)) if row else {}
        changed = {name: value for name, value in columns.items() if not row or older[name] != value}
        if (not row and not may_insert) or not changed:
            changed = {}
        elif dry_run:
            pass
        elif row:
            assignments = ", ".join(f"{name} = %s" for name in changed)
            cursor.execute(f"UPDATE servidor SET {assignments} WHERE hostname = %s", (*changed.values(), hostname))
        else:
            inserted = {"hostname": hostname, **columns}
            marks = ", ".join(["%s"] * len(inserted))
            cursor.execute(
                # Two inserts at once come from two deployments of one host: the row of the later one stands.
                f"INSERT INTO servidor ({', '.join(inserted)}) VALUES ({marks})"
                f" ON DUPLICATE KEY UPDATE {', '.join(f'{name} = VALUES({name})' for name in columns)}",
                tuple(inserted.values()),
            )
    commit(connection)
    return Change({name: older.get(name) for name in changed}, changed)
