# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sizes of a server's last backups, from the log tables."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RUN_NAME
from ansible_collections.vex.backup.plugins.module_utils._common.status import SUCCESS, WARNING
from ansible_collections.vex.backup.plugins.module_utils._log_db.columns import fit_column
from ansible_collections.vex.backup.plugins.module_utils._log_db.table_sizes import Sizes, unpack_sizes

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

MOST_BACKUPS = 10


class PastBackup(t.NamedTuple):
    """An earlier backup: the name of its run, and the sizes of its tables."""

    name: str
    sizes: Sizes


def last_backups(connection: Connection[Cursor], hostname: str, run_uuid: str) -> t.List[PastBackup]:
    """Return the last complete backups of a server, newest first, without the run *run_uuid*.

    A backup whose sizes were not recorded, or cannot be read, is left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT data_inicio, tabelas FROM backup_log WHERE hostname = %s AND run_uuid <> %s"
            f" AND status_backup IN ({SUCCESS}, {WARNING}) AND tabelas IS NOT NULL"
            " ORDER BY data_inicio DESC, id DESC LIMIT %s",
            (fit_column("hostname", hostname), run_uuid, MOST_BACKUPS),
        )
        rows = cursor.fetchall()
    found = []
    for started, text in rows:
        with contextlib.suppress(ValueError):
            found.append(PastBackup(started.strftime(RUN_NAME), unpack_sizes(text)))
    return found
