# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables that the server does not open or read: crashed, without their files, or of tables that are gone."""

from __future__ import annotations

import contextlib
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import server_errors
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import MERGE, SEQUENCE, Column, Table

# connection.py keeps the reason of a failed import, and every module reports it before it calls this code.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

_MERGE_OF_OTHER_TABLES = 1168
_NO_SUCH_TABLE = 1146
_LISTED = """
SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %(database)s AND TABLE_NAME = %(table)s
"""
# Errors of a statement that say nothing of its table.
_OF_THE_SESSION = frozenset(
    (
        *(1004, 1021, 1114, 3032),  # disk
        *(1037, 1038, 1041, 1135, 1436),  # memory
        *(1040, 1226),  # numbers of connections
        *(1044, 1142, 1143, 1227, 1290),  # privileges
        *(1064, 1100),  # syntax, LOCK TABLES
        *(1077, 1152, 1158, 1159, 1160, 1161, 1184),  # network
        *(1205, 1206, 1213),  # locks
        *(1028, 1053, 1317, 1927, 1969, 3024, 3168, 3169, 4031),  # ended
        *(128, 146, 149),  # memory and locks, by the engine
    )
)
# A table was changed or made anew after the snapshot began.
CHANGED = 1412
# The file functions of servers have numbers below 100. These three are about a file of a table: it cannot be read, it
# ends too early, it does not exist.
_OF_FILES = (2, 9, 29)
_FIRST_OF_ENGINES = 100
# In the text of some errors: no memory, too many open files (of the server, of the process), no space.
_OF_THE_HOST = re.compile(r"(?:errno:?|error|Errcode:) (?:12|23|24|28)\b")
# PyMySQL gives errors of the connection these numbers, as MySQL's C client does.
_OF_THE_CONNECTION = range(2000, 3000)


class Broken(t.NamedTuple):
    """A table that cannot be read; ``is_lost`` is set when it has rows of its own, which are wanted."""

    reason: str
    is_lost: bool


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
                reason = _reason(cursor, database, table.name, None, int(is_wanted))
            except pymysql.err.MySQLError as error:
                if error.args[0] in _OF_THE_CONNECTION:
                    raise
                continue
            if reason is not None:
                # MariaDB does not list the engine of a MERGE table that it cannot open.
                found[table.name] = Broken(reason[1], is_wanted and reason[0] != _MERGE_OF_OTHER_TABLES)
        cursor.execute("SET SESSION lock_wait_timeout = @patience")
    return found


def find_unreadable(connection: Connection[Cursor], database: str, tables: t.Iterable[Table]) -> t.Dict[str, Broken]:
    """Read tables whole, on the server's side; return those that it cannot read to their end, by name.

    :raises ServerUnavailable: when the server stops answering, or refuses for a reason that is not of the table
    """
    found = {}
    with server_errors(), connection.cursor() as cursor:
        for table in tables:
            reason = _reason(cursor, database, table.name, table.stored)
            if reason is not None:
                found[table.name] = Broken(reason[1], is_lost=True)
    return found


def _is_merge(table: Table) -> bool:
    return table.engine.upper() == MERGE


def is_of_the_object(number: int, text: str) -> bool:
    """Return whether an error of the server is about the object, and not about the session or the host.

    :param number: 0 for an error that is not the server's
    :param text: the server's message
    """
    if number < _FIRST_OF_ENGINES:
        return number in _OF_FILES and not _OF_THE_HOST.search(text)
    of_others = number in _OF_THE_SESSION or number in _OF_THE_CONNECTION
    return not of_others and not _OF_THE_HOST.search(text)


def _reason(
    cursor: Cursor, database: str, table: str, columns: t.Optional[t.Sequence[Column]], rows: int = 1
) -> t.Optional[t.Tuple[int, str]]:
    """Return number and text of the server's error when the table cannot be read; ``None`` when it can.

    :param columns: to read of all rows; ``None`` reads the first *rows* only
    """
    name = f"{quote_identifier(database)}.{quote_identifier(table)}"
    lengths = ", ".join(f"SUM(LENGTH({quote_identifier(column.name)}))" for column in columns or ())
    try:
        cursor.execute(
            f"SELECT 1 FROM {name} LIMIT {rows}" if columns is None else f"SELECT COUNT(*), {lengths or 1} FROM {name}"
        )
    except pymysql.err.MySQLError as error:
        number, text = error.args[0], str(error.args[-1])
        if not is_of_the_object(number, text):
            raise
        if number == _NO_SUCH_TABLE and not _is_listed(cursor, database, table):
            # It was dropped a moment ago.
            return None
        return number, text
    return None


def _is_listed(cursor: Cursor, database: str, table: str) -> bool:
    # MySQL says so too of a partitioned table of which a file is lost.
    cursor.execute(_LISTED, {"database": database, "table": table})
    return bool(cursor.fetchall())
