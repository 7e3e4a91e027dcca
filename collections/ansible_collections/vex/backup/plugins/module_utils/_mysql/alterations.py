# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values that no dump in SQL brings back, because the server does not print them as they are."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql import column_types
from ansible_collections.vex.backup.plugins.module_utils._mysql.exact_values import through_text
from ansible_collections.vex.backup.plugins.module_utils._mysql.fingerprint import MOST_ROWS, affordable
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import server_errors
from ansible_collections.vex.backup.plugins.module_utils._mysql.session_columns import session_columns

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

    from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Column, Table

_DECIMALS = "holds DECIMAL numbers that come back as DOUBLE"
_HIDDEN = "has members with characters beyond U+FFFF, which the server does not show: they come back as ?"
_OF_SESSIONS = "depend on the time zone or language of a session, and a restore computes them otherwise"


def alterations(connection: Connection[Cursor], database: str, table: Table, most_rows: int = MOST_ROWS) -> t.List[str]:
    """Return a sentence for each column of which a dump alters values, by as many rows as a sample may read.

    :param connection: as for the fingerprint
    :raises ServerUnavailable: when the server does not answer
    """
    return [
        *_altered_by_text(connection, database, table, most_rows),
        *(
            f"values of the generated column {name!r} {_OF_SESSIONS}"
            for name in session_columns(connection, database, table)
        ),
    ]


def _altered_by_text(connection: Connection[Cursor], database: str, table: Table, most_rows: int) -> t.List[str]:
    checks = [(column, *check) for column in table.stored for check in [_check(column)] if check]
    if not checks or not table.has_own_rows:
        return []
    names = ",".join(quote_identifier(column.name) for column, _is_altered, _reason in checks)
    place = f"{quote_identifier(database)}.{quote_identifier(table.name)}"
    rows = f"SELECT {names} FROM {place} LIMIT {affordable(table, most_rows)}"
    altered = ",".join(f"SUM({is_altered})" for _column, is_altered, _reason in checks)
    with server_errors(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {altered} FROM ({rows}) AS some_rows")
        counts = cursor.fetchone() or ()
    return [
        f"the {column.type.upper()} column {column.name!r} {reason}"
        for (column, _is_altered, reason), count in zip(checks, counts)
        if count
    ]


def _check(column: Column) -> t.Optional[t.Tuple[str, str]]:
    """Return the condition on which a value is altered, and the reason."""
    name = quote_identifier(column.name)
    if column.type == column_types.JSON:
        return f"CAST({name} AS CHAR)<>CAST({through_text(column)} AS CHAR)", _DECIMALS
    if column.may_hide_members:
        as_shown = f"CAST(CONVERT({name} USING utf8mb3) AS BINARY)"
        return f"CAST(CONVERT({name} USING utf8mb4) AS BINARY)<>{as_shown}", _HIDDEN
    return None
