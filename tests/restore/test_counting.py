"""Rows are counted by many connections at once, and none goes on when the restore has been told to end."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._errors import Interrupted
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore, RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._restore.server_checks import count_rows
from tests.playbook import HANGS
from tests.servers.mariadb import MariaDB

COUNTS = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT COUNT(*) FROM `counted`%'"


def test_told_to_end_it_does_not_wait_for_the_counts(mariadb: MariaDB) -> None:
    mariadb.execute("CREATE DATABASE counted", "CREATE TABLE counted.a (n INT)", "CREATE TABLE counted.b (n INT)")
    database = DatabaseRestore("counted", "counted", "dump", None, {"a": 0, "b": 0}, [], [], by_client=False)
    plan = RestorePlan([database], "0.10", False, "none", 0)
    released = threading.Event()

    def tell() -> None:
        while mariadb.execute(COUNTS) != ((2,),):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    def release(holder: int) -> None:
        released.set()
        mariadb.execute(f"KILL {holder}")

    with contextlib.closing(mariadb.connect()) as holder, holder.cursor() as cursor:
        # Counts wait for this as they would for a billion rows; so that a failure ends, not for ever.
        cursor.execute("LOCK TABLES counted.a WRITE, counted.b WRITE")
        watchdog = threading.Timer(HANGS, release, [holder.thread_id()])
        watchdog.start()
        teller = threading.Thread(target=tell)
        teller.start()
        with pytest.raises(Interrupted, match="SIGTERM"), ending_children():
            count_rows(mariadb.connect, plan, 2)
        watchdog.cancel()
        teller.join()
        assert not released.is_set()
        assert mariadb.execute(COUNTS) == ((0,),)
    mariadb.execute("DROP DATABASE counted")
