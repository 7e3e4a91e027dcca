# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lock under which all readers of a dump begin their snapshots, so that these are one.

The lock blocks writers, for some tenths of a second. Under it, the binlog position is that of the snapshots.
"""

from __future__ import annotations

import contextlib
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._errors import ServerUnavailable, TablesInUse
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import (
    BinlogPosition,
    Server,
    server_errors,
)

# connection.py keeps the reason of a failed import, and every module reports it before it calls this code.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

# The lock waits for statements that run. Meanwhile it blocks writers, so it waits for a short time only.
LOCK_WAIT_SECONDS = 5
PAUSE_SECONDS = 5
# A server that hangs must not keep this session, and so its lock.
STATEMENT_SECONDS = 60
# MyDumper begins its snapshots meanwhile.
_IDLE_SECONDS = 90
_MOST_SHOWN = 3
_LOCK_WAIT_TIMEOUT = 1205
# MySQL 8.2 has this name, and 8.4 has no other.
_BINARY_LOG_STATUS_SINCE = (8, 2)


class ReadLock:
    """The lock, held by a connection; ``position`` is the binlog position, ``None`` where the server writes none."""

    def __init__(self, connection: Connection[Cursor], server: Server) -> None:
        self._connection = connection
        with server_errors(), connection.cursor() as cursor:
            self.position = _read_position(cursor, server) if server.binlog_enabled else None

    def release(self) -> None:
        """Release the lock.

        :raises ServerUnavailable: when the connection, and so the lock, was lost before
        """
        _unlock(self._connection)


@contextlib.contextmanager
def read_lock(
    login: Login, server: Server, patience: int, deadline: Deadline, lock_more: t.Callable[[], bool]
) -> t.Iterator[ReadLock]:
    """Hold the lock until :meth:`ReadLock.release` or the end of the block.

    :param patience: seconds to try again while a session keeps the lock waiting
    :param lock_more: takes further locks under this one; returns ``False`` when a session keeps it waiting
    :raises TablesInUse: when the locks cannot be had in that time
    :raises ServerUnavailable: when the server stops answering
    """
    with contextlib.closing(connect(login, statement_timeout=STATEMENT_SECONDS)) as connection:
        # The server ends the lock of a host that is gone.
        set_variable(connection, "wait_timeout", _IDLE_SECONDS)
        end = time.monotonic() + patience
        while not (lock(connection, "FLUSH TABLES WITH READ LOCK") and lock_more()):
            # MySQL keeps the first part of a lock whose second part it could not have in time.
            _unlock(connection)
            if time.monotonic() > end:
                raise TablesInUse(
                    f"the server's tables could not be locked for a snapshot within {patience} seconds, because of "
                    f"{_blocker(connection)}: start the backup at another time, end that session, or raise "
                    "long_query_guard"
                )
            deadline.pause(PAUSE_SECONDS)
        yield ReadLock(connection, server)


def lock(connection: Connection[Cursor], statement: str) -> bool:
    """Lock tables by *statement*; return ``False`` when a session keeps it waiting for some seconds.

    :raises ServerUnavailable: when the server refuses, or stops answering
    """
    set_variable(connection, "lock_wait_timeout", LOCK_WAIT_SECONDS)
    try:
        connection.query(statement)
    except pymysql.err.MySQLError as error:
        if error.args[:1] == (_LOCK_WAIT_TIMEOUT,):
            return False
        reason = error.args[-1] if error.args else type(error).__name__
        raise ServerUnavailable(f"the server refused to lock its tables for a snapshot: {reason}") from None
    return True


def set_variable(connection: Connection[Cursor], name: str, value: int) -> None:
    """Set a variable of the session, which the purpose of this session needs otherwise."""
    with server_errors(), connection.cursor() as cursor:
        cursor.execute(f"SET SESSION {name} = {value}")


def _unlock(connection: Connection[Cursor]) -> None:
    with server_errors(), connection.cursor() as cursor:
        cursor.execute("UNLOCK TABLES")


def _blocker(connection: Connection[Cursor]) -> str:
    """Describe the session that probably keeps the lock waiting."""
    with server_errors(), connection.cursor() as cursor:
        cursor.execute("SHOW PROCESSLIST")
        # Id, User, Host, db, Command, Time, …
        listed = cursor.fetchall()
    rows = [row for row in listed if row[0] != connection.thread_id()]
    own = next((row[1] for row in listed if row[0] == connection.thread_id()), None)
    running = [row for row in rows if row[4] in ("Query", "Execute")]
    if running:
        longest = max(running, key=_seconds)
        return f"a statement of {longest[1]!r} that has run for {longest[5]} seconds (connection {longest[0]})"
    # The account's own sessions are idle as well.
    idle = sorted((row for row in rows if row[4] == "Sleep" and row[1] != own), key=_seconds)[-_MOST_SHOWN:]
    if idle:
        shown = ", ".join(f"{row[0]} of {row[1]!r}, for {row[5]} seconds" for row in reversed(idle))
        return f"a session that holds locks and is idle (idle connections: {shown})"
    return "a session that runs no statement now"


def _seconds(row: t.Sequence[t.Any]) -> int:
    return int(row[5] or 0)


def _read_position(cursor: Cursor, server: Server) -> t.Optional[BinlogPosition]:
    is_new = server.product == "mysql" and server.numbers >= _BINARY_LOG_STATUS_SINCE
    cursor.execute("SHOW BINARY LOG STATUS" if is_new else "SHOW MASTER STATUS")
    row = cursor.fetchone()
    if row is None:
        return None
    file, position = str(row[0]), str(row[1])
    if server.product == "mariadb":
        cursor.execute("SELECT @@gtid_binlog_pos")
        gtid = str((cursor.fetchone() or ("",))[0] or "")
    else:
        gtid = str(row[4] or "") if len(row) > 4 else ""
    return BinlogPosition(file, position, "".join(gtid.split()))
