"""Tests of counts that a signal ends."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._errors import Interrupted
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import (
    DatabaseRestore,
    RestorePlan,
    Source,
    TableRestore,
)
from ansible_collections.vex.backup.plugins.module_utils._restore.table_work import count_rows
from tests.playbook import HANGS
from tests.servers.mariadb import MariaDB

COUNTS = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT COUNT(*) FROM `counted`%'"


def test_a_signal_ends_the_counts(mariadb: MariaDB) -> None:
    mariadb.execute("CREATE DATABASE counted", "CREATE TABLE counted.a (n INT)", "CREATE TABLE counted.b (n INT)")
    tables = {name: TableRestore("InnoDB", 0, [], is_exact=False, fingerprint={}) for name in ("a", "b")}
    database = DatabaseRestore("counted", "counted", "dump", "utf8mb4_bin", None, tables, [], [], {})
    plan = RestorePlan([database], Source("mariadb", "10.11", 0), "none", 0, [])
    released = threading.Event()

    def send_signal() -> None:
        while mariadb.execute(COUNTS) != ((2,),):
            assert not released.is_set()
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    def release(holder: int) -> None:
        released.set()
        mariadb.execute(f"KILL {holder}")

    with contextlib.closing(mariadb.connect()) as holder, holder.cursor() as cursor:
        # The counts wait for these locks as they would for a billion rows. The timer ends the wait if the test fails.
        cursor.execute("LOCK TABLES counted.a WRITE, counted.b WRITE")
        watchdog = threading.Timer(HANGS, release, [holder.thread_id()])
        watchdog.start()
        sender = threading.Thread(target=send_signal)
        sender.start()
        with pytest.raises(Interrupted, match="SIGTERM"), ending_children():
            count_rows(mariadb.connect, plan, 2)
        watchdog.cancel()
        sender.join()
        assert not released.is_set()
        assert mariadb.execute(COUNTS) == ((0,),)
    mariadb.execute("DROP DATABASE counted")
