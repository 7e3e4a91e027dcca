# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The binary log's coordinates at a dump's snapshots, where MyDumper 0.10 asks in words that MySQL 8.4 took away.

What the server answers to a question of ours is true of the snapshots only while nothing is written between the two. So
writers are held by the lock that MyDumper takes too, from before the question until MyDumper has its snapshots: some
tenths of a second. Both locks are shared ones, neither waits for the other.
"""

from __future__ import annotations

import contextlib
import re
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import connect, resolve_login
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server, answers
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, Coordinates, Version

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

ASKED_IN_VAIN_SINCE = (8, 4)
# Writers queue behind a lock that waits for a long statement: rather no coordinates than a queue.
LOCK_WAIT_SECONDS = 5
# A MyDumper that has no snapshots by then has another trouble, in which writers are not to wait for it.
HOLD_SECONDS = 15
_POLL_SECONDS = 0.01
# 0.10 starts its threads one after the other, each with its snapshot, and gives them work when all are there.
_SNAPSHOTS_ARE_TAKEN = re.compile(r"Thread \d+ dumping |unlocking tables|Finished dump at")


def are_asked_for_in_vain(version: Version, server: Server) -> bool:
    """Whether this MyDumper cannot get the coordinates that this server has."""
    return (
        server.binlog_enabled
        and version.generation == LEGACY
        and server.product == "mysql"
        and server.numbers >= ASKED_IN_VAIN_SINCE
    )


class HeldWriters:
    """Writers who wait, and where the binary log stands meanwhile."""

    def __init__(self, connection: Connection[Cursor]) -> None:
        self._connection = connection
        with answers(), connection.cursor() as cursor:
            cursor.execute(f"SET SESSION lock_wait_timeout = {LOCK_WAIT_SECONDS}")
            cursor.execute("FLUSH TABLES WITH READ LOCK")
            cursor.execute("SHOW BINARY LOG STATUS")
            file, position, _do, _ignore, gtid = t.cast("t.Tuple[t.Any, ...]", cursor.fetchone())[:5]
        self._found = Coordinates(str(file), str(position), "".join(str(gtid).split()))

    def until_snapshots(self, log: t.Callable[[], str], has_ended: t.Callable[[], bool]) -> Coordinates:
        """Hold them until MyDumper has its snapshots; the coordinates of these.

        :param log: MyDumper's log until now
        :param has_ended: whether MyDumper has
        :raises ServerUnavailable: when writers were let go before, and the coordinates are nobody's
        """
        deadline = time.monotonic() + HOLD_SECONDS
        try:
            while True:
                # In this order: it may say so, and end, in between.
                is_late = has_ended() or time.monotonic() > deadline
                if _SNAPSHOTS_ARE_TAKEN.search(log()):
                    break
                if is_late:
                    raise ServerUnavailable("MyDumper took no snapshots in time")
                time.sleep(_POLL_SECONDS)
            # That it is still there to be given back shows that the lock was held all along.
            with answers(), self._connection.cursor() as cursor:
                cursor.execute("UNLOCK TABLES")
        finally:
            self._connection.close()
        return self._found


@contextlib.contextmanager
def writers_held(params: t.Mapping[str, t.Any]) -> t.Iterator[HeldWriters]:
    """Hold all writers of the server until told otherwise, or the end of the block.

    :param params: the options of ``mysql_dump``
    :raises ServerUnavailable: when they cannot be held, at once or after :data:`LOCK_WAIT_SECONDS`
    """
    connection = connect(resolve_login(params))
    try:
        yield HeldWriters(connection)
    finally:
        if connection.open:
            connection.close()
