# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes of tables since a dump was planned."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import read_tables

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


def find_change(connection: Connection[Cursor], one: DatabasePlan) -> str:
    """Return a sentence on a table that was changed or dropped since the plan, an empty text when none was.

    :raises ServerUnavailable: when the server stops answering
    """
    now = {table.name: table for table in read_tables(connection, one.name)}
    for table in (plan.table for plan in one.tables):
        found = now.get(table.name)
        if found is None:
            return f"{one.name}.{table.name} was dropped"
        if (found.columns, found.engine, found.kind) != (table.columns, table.engine, table.kind):
            return f"{one.name}.{table.name} was changed"
    return ""
