# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The end of a MyDumper 0.10 that waits for its own threads forever, and blocks all writers meanwhile.

MyDumper 0.10 counts a table without snapshots after it has given the table to a thread (``start_dump()`` in its
``mydumper.c``). When the thread is done before that, the lock on all tables is never released. Seen with 0.10.1 on a
busy machine: the log ends with the last view, and all connections sleep.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.process import Running
from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpStalled, ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import server_errors

# The log and the connections of a working MyDumper are never idle for so long at the same time.
STALL_SECONDS = 60
POLL_SECONDS = 5


@contextlib.contextmanager
def stall_guard(program: Running, log: str, login: Login) -> t.Iterator[None]:
    """End *program* if it stalls while the block waits for it.

    :param log: path of its log
    :param login: of its connections, too
    :raises DumpStalled: after the block, if the program was ended
    """
    stopped = threading.Event()
    with Threads(1) as pool:
        watching = pool.submit(_ended_a_stalled, program, log, login, stopped)
        try:
            yield
        finally:
            stopped.set()
        if watching.result():
            raise DumpStalled(
                f"MyDumper did nothing for {STALL_SECONDS} seconds while it blocked all writers: back up again, or "
                "install MyDumper 0.20 or later"
            )


def _ended_a_stalled(program: Running, log: str, login: Login, stopped: threading.Event) -> bool:
    """Watch the program until *stopped*; return whether it stalled, and was ended."""
    size, since = -1, time.monotonic()
    while not stopped.wait(POLL_SECONDS):
        current = os.path.getsize(log) if os.path.exists(log) else 0
        if current != size:
            size, since = current, time.monotonic()
        elif time.monotonic() - since >= STALL_SECONDS and _connections_sleep(login):
            program.end()
            return True
    return False


def _connections_sleep(login: Login) -> bool:
    """Return whether every connection of the account, but the one that asks, executes nothing."""
    try:
        with connect(login) as connection, server_errors(), connection.cursor() as cursor:
            cursor.execute("SHOW PROCESSLIST")
            # Id, User, Host, db, Command, …
            rows = [row for row in cursor.fetchall() if row[1] == login.user and row[0] != connection.thread_id()]
    except ServerUnavailable:
        return False
    return all(row[4] == "Sleep" for row in rows)
