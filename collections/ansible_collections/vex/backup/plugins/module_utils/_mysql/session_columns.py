# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stored generated columns whose values depend on the time zone or the language of the session that wrote a row.

A dump cannot hold such a value, and the session of a load computes it again with the values that all sessions get.
"""

from __future__ import annotations

import contextlib
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.fingerprint import affordable
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import server_errors
from ansible_collections.vex.backup.plugins.module_utils._mysql.session import LOOK

# connection.py keeps the reason of a failed import, and every module reports it before it calls this code.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

    from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Table

# Values that no session of this product has.
_OTHER = {"time_zone": "'+05:30'", "lc_time_names": "'pt_BR'"}
_MOST_ROWS = 1000
# PyMySQL gives errors of the connection these numbers, or 0.
_CONNECTION_ERRORS = (0, *range(2000, 3000))
# MySQL lists an expression as the content of a string.
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def session_columns(connection: Connection[Cursor], database: str, table: Table) -> t.List[str]:
    """Return the stored columns of some rows whose values another session wrote, and a load would compute otherwise.

    :param connection: with the variables of LOOK
    :raises ServerUnavailable: when the server stops answering
    """
    columns = [column for column in table.columns if column.is_generated and not column.is_virtual]
    if not columns or not table.has_own_rows:
        return []
    place = f"{quote_identifier(database)}.{quote_identifier(table.name)} LIMIT {affordable(table, _MOST_ROWS)}"
    is_mysql = "MariaDB" not in connection.get_server_info()
    found = []
    with server_errors(), connection.cursor() as cursor:
        for column in columns:
            expression = _ESCAPED.sub(r"\1", column.expression) if is_mysql else column.expression
            # The server copies these rows, so they are without the other columns.
            read = [one.name for one in table.columns if one is column or quote_identifier(one.name) in expression]
            rows = f"(SELECT {', '.join(map(quote_identifier, read))} FROM {place}) AS some_rows"
            if _differs(cursor, column.name, expression, rows):
                found.append(column.name)
    return found


def _differs(cursor: Cursor, column: str, expression: str, rows: str) -> bool:
    computed = f"CAST(({expression}) AS CHAR)"
    own = f"SUM(NOT (CAST({quote_identifier(column)} AS CHAR) <=> {computed}))"
    # An expression may have a meaning only in its table, such as that of a row's start.
    if not _accepts(cursor, f"SELECT SUM(CRC32({computed})), {own} FROM {rows}"):
        return False
    here, different = cursor.fetchone() or (None, 0)
    if not different:
        return False
    # A server that cannot read its files of messages has no other language.
    for name, value in _OTHER.items():
        _accepts(cursor, f"SET SESSION {name} = {value}")
    is_known = _accepts(cursor, f"SELECT SUM(CRC32({computed})) FROM {rows}")
    elsewhere = (cursor.fetchone() or (None,))[0] if is_known else None
    for name in _OTHER:
        cursor.execute(f"SET SESSION {name} = {LOOK[name]}")
    return bool(here != elsewhere)


def _accepts(cursor: Cursor, statement: str) -> bool:
    """Execute a statement; return whether the server accepts it."""
    try:
        cursor.execute(statement)
    except pymysql.err.MySQLError as error:
        if error.args[0] in _CONNECTION_ERRORS:
            raise
        return False
    return True
