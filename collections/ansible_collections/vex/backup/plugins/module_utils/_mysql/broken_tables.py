# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables that the server does not open or read: crashed, without their files, or of tables that are gone."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import server_errors
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import MERGE, SEQUENCE, Table

# connection.py keeps the reason of a failed import, and every module reports it before it calls this code.
with contextlib.suppress(ImportError):
    import pymysql.cursors
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

_MERGE_OF_OTHER_TABLES = 1168
_NO_SUCH_TABLE = 1146
_LISTED = """
SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %(database)s AND TABLE_NAME = %(table)s
"""
# Errors of a statement that say nothing of its table: of memory, disk, privileges, locks, limits, a killed session, or
# a table that was changed meanwhile.
_OF_THE_SESSION = frozenset(
    (
        *(1021, 1114),  # disk
        *(1037, 1038, 1041, 1135),  # memory
        *(1040, 1226),  # numbers of connections
        *(1044, 1142, 1143, 1227, 1290),  # privileges
        *(1064, 1100),  # syntax, LOCK TABLES
        *(1158, 1159, 1160, 1161),  # network
        *(1205, 1206, 1213),  # locks
        *(1053, 1317, 1927, 1969, 3024, 3168, 3169, 4031),  # ended
        1412,  # the definition was changed
    )
)
# PyMySQL gives errors of the connection these numbers, as MySQL's C client does.
_OF_THE_CONNECTION = range(2000, 3000)
_BATCH_ROWS = 1000


class Broken(t.NamedTuple):
    """A table that the server cannot read.

    ``definition`` is empty when the server does not show it. ``loses_rows`` is set when rows of its own are lost with
    it.
    """

    reason: str
    definition: str
    loses_rows: bool


def find_broken(
    connection: Connection[Cursor], database: str, tables: t.Iterable[Table], schema_only: t.Container[str] = ()
) -> t.Dict[str, Broken]:
    """Open each table that can be broken, and read its first row; return those that fail, by name.

    Tables of other servers and files are not opened. Nothing is known of a table that others keep locked, or that the
    account must not read.

    :param tables: those of *database*
    :param schema_only: tables whose rows nobody wants
    :raises ServerUnavailable: when the server stops answering
    """
    opened = [table for table in tables if table.kind != SEQUENCE and (table.has_own_rows or _is_merge(table))]
    found = {}
    with server_errors(), connection.cursor() as cursor:
        cursor.execute("SET @patience = @@lock_wait_timeout, SESSION lock_wait_timeout = 1")
        for table in opened:
            is_wanted = table.has_own_rows and table.name not in schema_only
            try:
                reason = _reason(cursor, database, table.name, int(is_wanted))
            except pymysql.err.MySQLError as error:
                if error.args[0] in _OF_THE_CONNECTION:
                    raise
                continue
            if reason is not None:
                found[table.name] = _broken(cursor, database, table.name, reason, is_wanted)
        cursor.execute("SET SESSION lock_wait_timeout = @patience")
    return found


def find_unreadable(
    connection: Connection[Cursor], database: str, tables: t.Iterable[Table], deadline: Deadline
) -> t.Dict[str, Broken]:
    """Read tables whole; return those that the server cannot read to their end, by name.

    :raises ServerUnavailable: when the server stops answering, or refuses for a reason that is not of the table
    :raises CommandTimeout: when the deadline passes
    """
    found = {}
    for table in tables:
        with server_errors(), connection.cursor(pymysql.cursors.SSCursor) as cursor:
            reason = _reason(cursor, database, table.name, None, deadline)
        if reason is not None:
            with server_errors(), connection.cursor() as cursor:
                found[table.name] = _broken(cursor, database, table.name, reason, is_wanted=True)
    return found


def _is_merge(table: Table) -> bool:
    return table.engine.upper() == MERGE


def is_of_the_object(number: int) -> bool:
    """Return whether an error of the server with this number is about the object, and not about the session.

    0 stands for an error that is not the server's.
    """
    return number != 0 and number not in _OF_THE_SESSION and number not in _OF_THE_CONNECTION


def show_broken(connection: Connection[Cursor], database: str, table: str, reason: str) -> Broken:
    """Return a table that cannot be dumped for *reason*, with its definition."""
    with server_errors(), connection.cursor() as cursor:
        return _broken(cursor, database, table, (0, reason), is_wanted=True)


def _reason(
    cursor: Cursor, database: str, table: str, rows: t.Optional[int], deadline: t.Optional[Deadline] = None
) -> t.Optional[t.Tuple[int, str]]:
    """Return number and text of the server's error when the table cannot be read; ``None`` when it can.

    :param rows: to read, ``None`` for all
    """
    limit = "" if rows is None else f" LIMIT {rows}"
    columns = "*" if rows is None else "1"
    try:
        cursor.execute(f"SELECT {columns} FROM {quote_identifier(database)}.{quote_identifier(table)}{limit}")
        while cursor.fetchmany(_BATCH_ROWS):
            if deadline:
                deadline.remaining()
    except pymysql.err.MySQLError as error:
        number = error.args[0]
        if not is_of_the_object(number):
            raise
        if number == _NO_SUCH_TABLE and not _is_listed(cursor, database, table):
            # It was dropped a moment ago.
            return None
        return number, str(error.args[1])
    return None


def _is_listed(cursor: Cursor, database: str, table: str) -> bool:
    # MySQL says so too of a partitioned table of which a file is lost.
    cursor.execute(_LISTED, {"database": database, "table": table})
    return bool(cursor.fetchall())


def _broken(cursor: Cursor, database: str, table: str, reason: t.Tuple[int, str], is_wanted: bool) -> Broken:
    definition = ""
    with contextlib.suppress(pymysql.err.MySQLError):
        cursor.execute(f"SHOW CREATE TABLE {quote_identifier(database)}.{quote_identifier(table)}")
        definition = str((cursor.fetchone() or ("", ""))[1])
    number, text = reason
    # MariaDB does not list the engine of a MERGE table that it cannot open.
    return Broken(text, definition, loses_rows=is_wanted and number != _MERGE_OF_OTHER_TABLES)
