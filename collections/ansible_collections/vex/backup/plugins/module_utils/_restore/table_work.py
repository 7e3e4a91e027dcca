# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Work on each restored table, such as counting its rows, by several connections at once."""

from __future__ import annotations

import contextlib
import threading
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import keeps_rows
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore, RestorePlan, TableRestore
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

Result = t.TypeVar("Result")
# By the names of database and table in the backup.
RowCounts = t.Dict[t.Tuple[str, str], int]


class RestoredTable(t.NamedTuple):
    """A restored table.

    ``name`` is its name in the backup, ``found`` the same as the server writes it; ``kind`` and ``engine`` are the
    server's ``TABLE_TYPE`` and ``ENGINE``.
    """

    database: DatabaseRestore
    name: str
    found: str
    kind: str
    engine: str

    @property
    def planned(self) -> TableRestore:
        """The table in the plan."""
        return self.database.tables[self.name]


Work = t.Callable[["Connection[Cursor]", RestoredTable], Result]


class _Working(t.Generic[Result]):
    """Work in progress: the connections that do it, and a flag that ends them."""

    def __init__(self, connect: Connect, work: Work[Result]) -> None:
        self._connect = connect
        self._work = work
        self._connections: t.List[int] = []
        self._stopped = threading.Event()

    def do(self, tables: t.Sequence[RestoredTable]) -> t.Dict[t.Tuple[str, str], Result]:
        """Do the work for *tables*, one after the other; do nothing after :meth:`stop`."""
        with contextlib.closing(self._connect()) as connection, converted_errors():
            self._connections.append(connection.thread_id())
            # Read after the append: stop() either finds this connection, or is seen here.
            wanted = () if self._stopped.is_set() else tables
            return {(table.database.name, table.name): self._work(connection, table) for table in wanted}

    def stop(self) -> None:
        """Kill the connections: the server continues to count a large table after its client has disconnected."""
        self._stopped.set()
        with contextlib.suppress(BackupError), contextlib.closing(self._connect()) as connection:
            for number in self._connections:
                # The connection may have ended meanwhile.
                with contextlib.suppress(pymysql.err.MySQLError), connection.cursor() as cursor:
                    cursor.execute(f"KILL {number}")


def each_table(
    connect: Connect, plan: RestorePlan, threads: int, work: Work[Result]
) -> t.Dict[t.Tuple[str, str], Result]:
    """Return the result of *work* for each restored table that the server has, by the backup's database and table.

    :param connect: opens a connection to the server
    :param threads: for how many tables work is done at a time
    """
    with contextlib.closing(connect()) as connection:
        tables = [table for one in plan.databases for table in _tables(connection, one)]
    shares = [tables[start::threads] for start in range(threads)]
    working = _Working(connect, work)
    with Threads(threads) as pool:
        try:
            return {key: found for part in pool.map(working.do, filter(None, shares)) for key, found in part.items()}
        except BaseException:
            working.stop()
            raise


def count_rows(connect: Connect, plan: RestorePlan, threads: int) -> RowCounts:
    """Count the rows of each restored table that the server has, as :func:`each_table` does."""
    return each_table(connect, plan, threads, _count)


def _tables(connection: Connection[Cursor], one: DatabaseRestore) -> t.List[RestoredTable]:
    key = table_key(connection)
    with converted_errors(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT TABLE_NAME, TABLE_TYPE, COALESCE(ENGINE, '') FROM information_schema.TABLES"
            " WHERE TABLE_SCHEMA = %s",
            (one.target,),
        )
        present = {key(name): (name, kind, engine) for name, kind, engine in cursor.fetchall() if kind != "VIEW"}
    return [RestoredTable(one, name, *present[key(name)]) for name in one.tables if key(name) in present]


def _count(connection: Connection[Cursor], table: RestoredTable) -> int:
    if not keeps_rows(table.kind, table.engine):
        return table.planned.rows
    history = " FOR SYSTEM_TIME ALL" if "VERSIONED" in table.kind else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {qualified(table.database.target, table.name)}{history}")
        return int((cursor.fetchone() or (0,))[0])
