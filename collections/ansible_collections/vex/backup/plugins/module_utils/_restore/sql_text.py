# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shared parts of a restore's SQL: quoted names, converted errors, and the server's comparison of table names."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import RestoreFailed, ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier

# connection.py keeps the reason of a failed import; every module that uses this file reports it first.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

Connect = t.Callable[[], "Connection[Cursor]"]

_SHOWN = 10
# PyMySQL gives errors of the connection these numbers, as MySQL's C client does (CR_MIN_ERROR to CR_MAX_ERROR).
_CONNECTION_ERRORS = range(2000, 3000)
# A privilege on a database, table, column, the server, or a stored program is missing.
_DENIED = (1044, 1142, 1143, 1227, 1370, 1419)
_ENCRYPT = "; GRANT the account TABLE_ENCRYPTION_ADMIN ON *.*, or SET GLOBAL table_encryption_privilege_check = OFF"
# By the numbers of the server's errors.
REMEDIES = {
    1298: "; load the time zones into the server: mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql mysql",
    3826: _ENCRYPT,
    3827: _ENCRYPT,
}


@contextlib.contextmanager
def converted_errors() -> t.Iterator[None]:
    """Convert PyMySQL's errors in the block to errors of this collection.

    :raises ServerUnavailable: when the server went away
    :raises RestoreFailed: when the server refused a statement
    """
    try:
        yield
    except (pymysql.err.MySQLError, OSError) as error:
        number, reason = error.args if len(error.args) == 2 else (0, error)
        if isinstance(error, (OSError, pymysql.err.InterfaceError)) or number in _CONNECTION_ERRORS:
            raise ServerUnavailable(f"the server stopped answering: {reason}") from None
        denied = "; grant the account the rights to create and drop the restored objects" if number in _DENIED else ""
        remedy = REMEDIES.get(number, denied)
        raise RestoreFailed(f"the server refused a statement of the restore: {reason}{remedy}") from None


def is_refusal(error: pymysql.err.MySQLError) -> bool:
    """Return whether the server refused a statement, so that the connection can be used for others."""
    number = error.args[0] if len(error.args) == 2 else 0
    return isinstance(number, int) and number > 0 and number not in _CONNECTION_ERRORS


def qualified(database: str, name: str) -> str:
    """Return the name of a table, view or program with its database, both quoted."""
    return f"{quote_identifier(database)}.{quote_identifier(name)}"


def shortened(names: t.Sequence[str]) -> str:
    """Return the first 10 of *names*, and how many more there are."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def table_key(connection: Connection[Cursor]) -> t.Callable[[str], str]:
    """Return a function that gives two names the same key when they name the same table on the server."""
    with converted_errors(), connection.cursor() as cursor:
        cursor.execute("SELECT @@lower_case_table_names")
        is_sensitive = not int((cursor.fetchone() or (0,))[0])
    return str if is_sensitive else str.lower
