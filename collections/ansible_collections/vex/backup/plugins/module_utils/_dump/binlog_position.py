# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The binlog position of a dump's snapshots, where MyDumper 0.10 cannot read it: MySQL 8.4 removed its statement.

The server's present position belongs to the snapshots only if nothing is written between the two. So ``mysql_dump``
takes the same lock as MyDumper: it blocks writers before the position is read, until MyDumper has its snapshots, for
some tenths of a second. Both locks are shared, so neither waits for the other.
"""

from __future__ import annotations

import contextlib
import re
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import (
    BinlogPosition,
    Server,
    server_errors,
)
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, Version

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

# MySQL 8.4 removed SHOW MASTER STATUS.
STATEMENT_REMOVED_SINCE = (8, 4)
# Writers queue behind a lock that waits for a long statement. After this time, the dump has no position instead.
LOCK_WAIT_SECONDS = 5
# A MyDumper without snapshots after this time has another problem, and writers must not wait for it.
BLOCK_SECONDS = 15
_POLL_SECONDS = 0.01
# 0.10 starts its threads one after the other, each with its snapshot, and gives them work when all have started.
_SNAPSHOTS_EXIST = re.compile(r"Thread \d+ dumping |unlocking tables|Finished dump at")


def mydumper_cannot_read_position(version: Version, server: Server) -> bool:
    """Return whether the server has a binlog position that this MyDumper cannot read."""
    return (
        server.binlog_enabled
        and version.generation == LEGACY
        and server.product == "mysql"
        and server.numbers >= STATEMENT_REMOVED_SINCE
    )


class BlockedWriters:
    """A lock that blocks all writers, and the binlog position that does not change meanwhile."""

    def __init__(self, connection: Connection[Cursor]) -> None:
        self._connection = connection
        with server_errors(), connection.cursor() as cursor:
            cursor.execute(f"SET SESSION lock_wait_timeout = {LOCK_WAIT_SECONDS}")
            cursor.execute("FLUSH TABLES WITH READ LOCK")
            cursor.execute("SHOW BINARY LOG STATUS")
            file, position, _do, _ignore, gtid = t.cast("t.Tuple[t.Any, ...]", cursor.fetchone())[:5]
        self._position = BinlogPosition(str(file), str(position), "".join(str(gtid).split()))

    def wait_for_snapshots(self, log: t.Callable[[], str], has_ended: t.Callable[[], bool]) -> BinlogPosition:
        """Block writers until MyDumper has its snapshots; return their binlog position.

        :param log: returns MyDumper's log so far
        :param has_ended: returns whether MyDumper has ended
        :raises ServerUnavailable: when the lock was lost or released before, so that the position is not theirs
        """
        deadline = time.monotonic() + BLOCK_SECONDS
        try:
            while True:
                # In this order: MyDumper may write its log and end between the two.
                is_late = has_ended() or time.monotonic() > deadline
                if _SNAPSHOTS_EXIST.search(log()):
                    break
                if is_late:
                    raise ServerUnavailable("MyDumper took no snapshots in time")
                time.sleep(_POLL_SECONDS)
            # The success of this statement shows that the connection, and so the lock, existed all the time.
            with server_errors(), self._connection.cursor() as cursor:
                cursor.execute("UNLOCK TABLES")
        finally:
            self._connection.close()
        return self._position


@contextlib.contextmanager
def block_writers(login: Login) -> t.Iterator[BlockedWriters]:
    """Block all writers of the server until :meth:`BlockedWriters.wait_for_snapshots` or the end of the block.

    :raises ServerUnavailable: when they cannot be blocked, at once or after :data:`LOCK_WAIT_SECONDS`
    """
    connection = connect(login)
    try:
        yield BlockedWriters(connection)
    finally:
        if connection.open:
            connection.close()
