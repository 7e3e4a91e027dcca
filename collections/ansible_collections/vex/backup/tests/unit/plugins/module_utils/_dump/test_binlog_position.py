# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The binlog position counts only if writers are blocked from before it is read until the snapshots exist."""

from __future__ import annotations

import contextlib
import typing as t

import pymysql.err
import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump import binlog_position as binlog_position_module
from ansible_collections.vex.backup.plugins.module_utils._dump.binlog_position import (
    block_writers,
    mydumper_cannot_read_position,
)
from ansible_collections.vex.backup.plugins.module_utils._errors import ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import BinlogPosition, Server
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, MODERN, Version

LOGIN = Login("db", 3306, None, "vex", "", None)
STARTED = "2026-11-24 03:00:00 [INFO] - Thread 1 connected using MySQL connection ID 118\n"
DUMPING = STARTED + "2026-11-24 03:00:00 [INFO] - Thread 1 dumping schema create for `shop`\n"
POSITION = BinlogPosition("binlog.000002", "158", "3e11fa47:1-5,4e11fa47:1")


class FakeConnection:
    """The statements of MySQL 9.7 that are used here; one that starts with *refuses* fails."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.statements: t.List[str] = []
        self.open = True

    @contextlib.contextmanager
    def cursor(self) -> t.Iterator[FakeConnection]:
        yield self

    def execute(self, statement: str) -> None:
        self.statements.append(statement)
        if self.refuses and statement.startswith(self.refuses):
            raise pymysql.err.OperationalError(1205, "Lock wait timeout exceeded")

    def fetchone(self) -> t.Tuple[t.Any, ...]:
        return ("binlog.000002", 158, "", "", "3e11fa47:1-5,\n4e11fa47:1")

    def close(self) -> None:
        self.open = False


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeConnection:
    connection = FakeConnection()
    monkeypatch.setattr(binlog_position_module, "connect", lambda _login, **_options: connection)
    return connection


def test_position_is_read_under_the_lock_until_the_snapshots_exist(server: FakeConnection) -> None:
    logs = iter(["", STARTED, DUMPING])
    with block_writers(LOGIN) as writers:
        assert server.statements[1:] == ["FLUSH TABLES WITH READ LOCK", "SHOW BINARY LOG STATUS"]
        assert writers.wait_for_snapshots(lambda: next(logs), lambda: False) == POSITION
    assert server.statements[-1] == "UNLOCK TABLES"
    assert next(logs, None) is None
    assert not server.open


def test_mydumper_that_ends_right_after_its_snapshots(server: FakeConnection) -> None:
    with block_writers(LOGIN) as writers:
        assert writers.wait_for_snapshots(lambda: DUMPING, lambda: True) == POSITION
    assert not server.open


def test_mydumper_that_ends_without_snapshots(server: FakeConnection) -> None:
    with block_writers(LOGIN) as writers:
        with pytest.raises(ServerUnavailable, match="no snapshots in time"):
            writers.wait_for_snapshots(lambda: STARTED, lambda: True)
        assert not server.open


def test_writers_are_released_when_mydumper_hangs(server: FakeConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binlog_position_module, "BLOCK_SECONDS", -1)
    with block_writers(LOGIN) as writers:
        with pytest.raises(ServerUnavailable, match="no snapshots in time"):
            writers.wait_for_snapshots(lambda: STARTED, lambda: False)
        assert not server.open


@pytest.mark.parametrize("statement", ["FLUSH TABLES", "SHOW BINARY"])
def test_lock_that_is_refused(server: FakeConnection, statement: str) -> None:
    server.refuses = statement
    with pytest.raises(ServerUnavailable, match="Lock wait timeout"), block_writers(LOGIN):
        pytest.fail("writers are not blocked")
    assert not server.open


def test_lock_that_was_lost(server: FakeConnection) -> None:
    with block_writers(LOGIN) as writers:
        server.refuses = "UNLOCK"
        with pytest.raises(ServerUnavailable):
            writers.wait_for_snapshots(lambda: DUMPING, lambda: False)
    assert not server.open


def test_writers_are_released_when_the_dump_is_interrupted(server: FakeConnection) -> None:
    with pytest.raises(KeyboardInterrupt), block_writers(LOGIN):
        raise KeyboardInterrupt
    assert not server.open


@pytest.mark.parametrize(
    ("generation", "product", "numbers", "logs", "expected"),
    [
        (LEGACY, "mysql", (8, 4, 0), True, True),
        (LEGACY, "mysql", (9, 7, 4), True, True),
        (LEGACY, "mysql", (8, 0, 40), True, False),
        (LEGACY, "mysql", (9, 7, 4), False, False),
        (LEGACY, "mariadb", (11, 8, 9), True, False),
        (MODERN, "mysql", (9, 7, 4), True, False),
    ],
)
def test_only_mydumper_0_10_on_mysql_8_4_cannot_read_the_position(
    generation: str, product: str, numbers: t.Tuple[int, ...], logs: bool, expected: bool
) -> None:
    server = Server(product, ".".join(map(str, numbers)), numbers, "'a'@'b'", "i", logs)
    assert mydumper_cannot_read_position(Version("0.0.0", generation), server) is expected
