# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The number of rows of each restored table, counted by several connections at once."""

from __future__ import annotations

import contextlib
import threading
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore, RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import (
    Connect,
    converted_errors,
    qualified,
    table_key,
)

# connection.py keeps the reason of a failed import; every module that uses this file reports it first.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

# By the names of database and table in the backup.
RowCounts = t.Dict[t.Tuple[str, str], int]


class _Table(t.NamedTuple):
    """A restored table: its database, its name in the backup, and the server's ``TABLE_TYPE``."""

    database: DatabaseRestore
    name: str
    kind: str


class _Counting:
    """Counts in progress: the connections that count, and a flag that ends them."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connections: t.List[int] = []
        self._stopped = threading.Event()

    def count(self, tables: t.Sequence[_Table]) -> RowCounts:
        """Count the rows of *tables*, one after the other; count nothing after :meth:`stop`."""
        with contextlib.closing(self._connect()) as connection, converted_errors(), connection.cursor() as cursor:
            self._connections.append(connection.thread_id())
            # Read after the append: stop() either finds this connection, or is seen here.
            wanted = () if self._stopped.is_set() else tables
            return {(table.database.name, table.name): _count(cursor, table) for table in wanted}

    def stop(self) -> None:
        """Kill the connections: the server continues to count a large table after its client has disconnected."""
        self._stopped.set()
        with contextlib.suppress(BackupError), contextlib.closing(self._connect()) as connection:
            for number in self._connections:
                # The connection may have ended meanwhile.
                with contextlib.suppress(pymysql.err.MySQLError), connection.cursor() as cursor:
                    cursor.execute(f"KILL {number}")


def count_rows(connect: Connect, plan: RestorePlan, threads: int) -> RowCounts:
    """Count the rows of each restored table that the server has.

    :param connect: opens a connection to the server
    :param threads: how many tables are counted at a time
    """
    with contextlib.closing(connect()) as connection:
        tables = [table for one in plan.databases for table in _tables(connection, one)]
    shares = [tables[start::threads] for start in range(threads)]
    counting = _Counting(connect)
    with Threads(threads) as pool:
        try:
            return {key: rows for part in pool.map(counting.count, filter(None, shares)) for key, rows in part.items()}
        except BaseException:
            counting.stop()
            raise


def _tables(connection: Connection[Cursor], one: DatabaseRestore) -> t.List[_Table]:
    key = table_key(connection)
    with converted_errors(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s", (one.target,)
        )
        kinds = {key(name): kind for name, kind in cursor.fetchall() if kind != "VIEW"}
    return [_Table(one, name, kinds[key(name)]) for name in one.tables if key(name) in kinds]


def _count(cursor: Cursor, table: _Table) -> int:
    if table.kind == "SEQUENCE":
        # SELECT shows its state as a row; the dump has no rows of it.
        return 0
    history = " FOR SYSTEM_TIME ALL" if "VERSIONED" in table.kind else ""
    cursor.execute(f"SELECT COUNT(*) FROM {qualified(table.database.target, table.name)}{history}")
    return int((cursor.fetchone() or (0,))[0])
