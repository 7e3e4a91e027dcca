# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which servers are expected to back themselves up, and when: the rows of ``servidor``, and the only SQL that does."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.text import fit_characters
from ansible_collections.vex.backup.plugins.module_utils._log_db.tables import (
    Change,
    Columns,
    LogDatabase,
    check_version,
    log_database,
)

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

LONGEST_NAME = 100
LONGEST_VERSION = 50


def record_server(params: t.Mapping[str, t.Any], check_mode: bool) -> t.Dict[str, t.Any]:
    """Bring a server's row to what the options of ``backup_server_record`` say.

    :param check_mode: change nothing, only say what would change
    :returns: the module's result
    :raises LogDatabaseUnavailable: when it could not be written
    """
    expected = params["state"] == "present"
    columns: Columns = {"ativo": int(expected)}
    if expected:
        columns.update(
            agenda=params["schedule"] or None,
            fuso=params["time_zone"],
            tolerancia_minutos=params["tolerance_minutes"],
        )
        if params["server_version"]:
            columns["versao_servidor"] = fit_characters(params["server_version"], LONGEST_VERSION)
    with log_database(LogDatabase.from_options(params)) as connection:
        check_version(connection)
        hostname = fit_characters(params["hostname"], LONGEST_NAME)
        change = _write(connection, hostname, columns, may_insert=expected, dry_run=check_mode)
    return {"changed": bool(change.after), "diff": {"before": change.before, "after": change.after}}


def _write(
    connection: Connection[Cursor], hostname: str, columns: Columns, *, may_insert: bool, dry_run: bool
) -> Change:
    with connection.cursor() as cursor:
        # Names come from this file, values go as parameters.
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
                # Two that insert at once are two deployments of one host: the later one's row stands.
                f"INSERT INTO servidor ({', '.join(inserted)}) VALUES ({marks})"
                f" ON DUPLICATE KEY UPDATE {', '.join(f'{name} = VALUES({name})' for name in columns)}",
                tuple(inserted.values()),
            )
    connection.commit()
    return Change({name: older.get(name) for name in changed}, changed)
