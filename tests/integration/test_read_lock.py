"""The lock under which the snapshots of a dump begin, on a real MariaDB with writers."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pymysql
import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._dump import read_lock as read_lock_module
from ansible_collections.vex.backup.plugins.module_utils._dump.read_lock import ReadLock, read_lock
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    CommandTimeout,
    DumpFailed,
    ServerUnavailable,
    TablesInUse,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server, describe
from tests.playbook import HANGS
from tests.servers.database_server import DatabaseServer
from tests.servers.mariadb import MariaDB
from tests.servers.mysql import MySQL

UNLIMITED = Deadline(0, "the dump")


class Locked:
    """A server with a table, and a login with all privileges."""

    def __init__(self, mariadb: DatabaseServer) -> None:
        self.mariadb = mariadb
        self.login = Login("", 0, mariadb.socket, "root", "", None)
        with contextlib.closing(connect(self.login)) as connection:
            self.server: Server = describe(connection)

    def lock(
        self,
        patience: int = 0,
        deadline: Deadline = UNLIMITED,
        login: Login | None = None,
        lock_more: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take the lock and release it."""
        with read_lock(login or self.login, self.server, patience, deadline, lock_more) as lock:
            lock.release()

    @contextlib.contextmanager
    def held(self) -> Iterator[ReadLock]:
        """Hold the lock during the block."""
        with read_lock(self.login, self.server, 0, UNLIMITED, lambda: True) as lock:
            yield lock

    def number_of(self, statement: str) -> int:
        """Return the connection that executes a statement, which it waits for."""
        end = time.monotonic() + HANGS
        while time.monotonic() < end:
            found = self.mariadb.execute(
                "SELECT id FROM information_schema.processlist"
                f" WHERE info LIKE '{statement}%' AND id <> CONNECTION_ID()"
            )
            if found:
                return int(found[0][0])
            time.sleep(0.05)
        raise AssertionError(f"nobody executes {statement}")

    @contextlib.contextmanager
    def long_statement(self) -> Iterator[int]:
        """Let a statement that changes the table run during the block; yield its connection."""

        def update() -> None:
            with contextlib.suppress(pymysql.err.MySQLError):
                self.mariadb.execute("UPDATE locked.t SET a = 2 WHERE SLEEP(300) = 0")

        running = threading.Thread(target=update)
        running.start()
        number = self.number_of("UPDATE locked.t")
        try:
            yield number
        finally:
            with contextlib.suppress(pymysql.err.MySQLError):
                self.mariadb.execute(f"KILL {number}")
            running.join(HANGS)


@pytest.fixture
def locked(mariadb: MariaDB) -> Iterator[Locked]:
    mariadb.execute("CREATE DATABASE locked", "CREATE TABLE locked.t (a INT)", "INSERT INTO locked.t VALUES (1)")
    yield Locked(mariadb)
    mariadb.execute("DROP DATABASE locked")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the lock one second only, and try again at once."""
    monkeypatch.setattr(read_lock_module, "LOCK_WAIT_SECONDS", 1)
    monkeypatch.setattr(read_lock_module, "PAUSE_SECONDS", 0.2)


def test_position_is_that_of_the_lock(locked: Locked) -> None:
    with locked.held() as lock:
        ((file, position, *_),) = locked.mariadb.execute("SHOW MASTER STATUS")
        ((gtid,),) = locked.mariadb.execute("SELECT @@gtid_binlog_pos")
        assert lock.position == (file, str(position), gtid)
        with pytest.raises(pymysql.err.OperationalError, match="Lock wait timeout"):
            locked.mariadb.execute("SET lock_wait_timeout = 1", "INSERT INTO locked.t VALUES (2)")
        lock.release()
        locked.mariadb.execute("INSERT INTO locked.t VALUES (3)")
    assert locked.mariadb.execute("SELECT a FROM locked.t") == ((1,), (3,))


def test_end_of_the_block_releases_the_lock(locked: Locked) -> None:
    with pytest.raises(DumpFailed, match="other"), locked.held():
        raise DumpFailed("other")
    locked.mariadb.execute("SET lock_wait_timeout = 1", "INSERT INTO locked.t VALUES (2)")


def test_server_without_a_binary_log_has_no_position(locked: Locked) -> None:
    locked.server = locked.server._replace(binlog_enabled=False)
    with locked.held() as lock:
        assert lock.position is None


def test_long_statement_is_named(locked: Locked, hasty: None) -> None:
    with locked.long_statement() as number, pytest.raises(DumpFailed) as caught:
        locked.lock(patience=1)
    message = str(caught.value)
    assert message.startswith("the server's tables could not be locked for a snapshot within 1 seconds, because of ")
    assert "a statement of 'root' that has run for" in message
    assert f"(connection {number})" in message
    assert message.endswith("start the backup at another time, end that session, or raise long_query_guard")


def test_writers_wait_for_a_short_time_only(locked: Locked, hasty: None) -> None:
    """While the lock waits for a statement, it blocks others; between two attempts, they go on."""
    writes: list[int] = []
    with locked.long_statement() as number:

        def pause(_deadline: Deadline, _seconds: float) -> None:
            locked.mariadb.execute("SET lock_wait_timeout = 1", "CREATE OR REPLACE TABLE locked.u (a INT)")
            writes.append(1)
            if len(writes) == 2:
                locked.mariadb.execute(f"KILL {number}")

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Deadline, "pause", pause)
            locked.lock(patience=HANGS)
    assert len(writes) >= 2


def test_lock_is_had_when_the_statement_ends(locked: Locked, hasty: None) -> None:
    with locked.long_statement() as number:
        threading.Timer(2, lambda: locked.mariadb.execute(f"KILL {number}")).start()
        locked.lock(patience=HANGS)


def test_time_limit_while_the_lock_waits(locked: Locked, hasty: None) -> None:
    with locked.long_statement(), pytest.raises(CommandTimeout, match="the dump took longer"):
        locked.lock(patience=300, deadline=Deadline(2, "the dump"))


def test_idle_session_is_named(fresh_mariadb: MariaDB, hasty: None) -> None:
    fresh_mariadb.execute("CREATE DATABASE locked", "CREATE TABLE locked.t (a INT)")
    fresh_mariadb.create_account("app", "p", "ALL ON locked.*")
    with contextlib.closing(fresh_mariadb.connect("app", "p")) as idle:
        idle.query("LOCK TABLES locked.t WRITE")
        with pytest.raises(TablesInUse) as caught:
            Locked(fresh_mariadb).lock(patience=1)
    assert "because of a session that holds locks and is idle (idle connections: " in str(caught.value)
    assert f"{idle.thread_id()} of 'app', for " in str(caught.value)


def test_session_that_has_just_ended(fresh_mariadb: MariaDB, hasty: None) -> None:
    with pytest.raises(TablesInUse, match="because of a session that runs no statement now: "):
        Locked(fresh_mariadb).lock(lock_more=lambda: False)


def test_further_locks_are_tried_again_under_a_new_lock(locked: Locked, hasty: None) -> None:
    tries: list[int] = []

    def lock_more() -> bool:
        with pytest.raises(pymysql.err.OperationalError, match="Lock wait timeout"):
            locked.mariadb.execute("SET lock_wait_timeout = 1", "INSERT INTO locked.t VALUES (2)")
        tries.append(1)
        return len(tries) == 2

    locked.lock(patience=HANGS, lock_more=lock_more)
    assert len(tries) == 2


def test_server_ends_the_lock_of_a_host_that_is_gone(locked: Locked) -> None:
    with locked.held() as lock, lock._connection.cursor() as cursor:
        cursor.execute("SELECT @@wait_timeout")
        assert cursor.fetchone() == (90,)


@pytest.fixture
def mysql() -> Iterator[MySQL]:
    # Its path is short enough for sockets.
    with tempfile.TemporaryDirectory(prefix="vex-") as folder, MySQL(Path(folder)) as server:
        yield server


def test_writers_of_mysql_go_on_between_attempts(mysql: MySQL, hasty: None) -> None:
    """MySQL keeps the read lock of a FLUSH TABLES that waits for a table in vain."""
    mysql.execute("CREATE DATABASE locked", "CREATE TABLE locked.t (a INT)", "INSERT INTO locked.t VALUES (1)")
    locked = Locked(mysql)

    def read() -> None:
        with contextlib.suppress(pymysql.err.MySQLError):
            mysql.execute("SELECT SLEEP(300) FROM locked.t")

    reading = threading.Thread(target=read)
    reading.start()
    number = locked.number_of("SELECT SLEEP")

    def pause(_deadline: Deadline, _seconds: float) -> None:
        mysql.execute("SET lock_wait_timeout = 1", "CREATE TABLE locked.u (a INT)", "DROP TABLE locked.u")
        mysql.execute(f"KILL {number}")
        reading.join(HANGS)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Deadline, "pause", pause)
        locked.lock(patience=HANGS)


def test_lost_lock_is_noticed(locked: Locked) -> None:
    with locked.held() as lock:
        locked.mariadb.execute(f"KILL {lock._connection.thread_id()}")
        with pytest.raises(ServerUnavailable, match="the server no longer answers"):
            lock.release()


def test_account_that_may_not_lock(locked: Locked) -> None:
    locked.mariadb.create_account("feeble", "p", "SELECT ON *.*")
    feeble = Login("", 0, locked.mariadb.socket, "feeble", "p", None)
    try:
        with pytest.raises(ServerUnavailable, match=r"the server refused to lock its tables for a snapshot: .*RELOAD"):
            locked.lock(login=feeble)
    finally:
        locked.mariadb.execute("DROP USER feeble@localhost", "DROP USER feeble@127.0.0.1")
