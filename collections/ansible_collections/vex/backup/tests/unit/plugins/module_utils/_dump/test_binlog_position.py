# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Coordinates count only when writers were held from before they were asked for until the snapshots were there."""

from __future__ import annotations

import contextlib
import typing as t

import pymysql.err
import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump import binlog_position as binlog_position_module
from ansible_collections.vex.backup.plugins.module_utils._dump.binlog_position import (
    are_asked_for_in_vain,
    writers_held,
)
from ansible_collections.vex.backup.plugins.module_utils._errors import ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, MODERN, Coordinates, Version

PARAMS = {"connect_timeout": 10}
STARTED = "2026-11-24 03:00:00 [INFO] - Thread 1 connected using MySQL connection ID 118\n"
AT_WORK = STARTED + "2026-11-24 03:00:00 [INFO] - Thread 1 dumping schema create for `shop`\n"
FOUND = Coordinates("binlog.000002", "158", "3e11fa47:1-5,4e11fa47:1")


class FakeConnection:
    """A MySQL 9.7 as far as it is asked here; a statement that starts with *refuses* ends in an error."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.asked: t.List[str] = []
        self.open = True

    @contextlib.contextmanager
    def cursor(self) -> t.Iterator[FakeConnection]:
        yield self

    def execute(self, statement: str) -> None:
        self.asked.append(statement)
        if self.refuses and statement.startswith(self.refuses):
            raise pymysql.err.OperationalError(1205, "Lock wait timeout exceeded")

    def fetchone(self) -> t.Tuple[t.Any, ...]:
        return ("binlog.000002", 158, "", "", "3e11fa47:1-5,\n4e11fa47:1")

    def close(self) -> None:
        self.open = False


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeConnection:
    connection = FakeConnection()
    monkeypatch.setattr(binlog_position_module, "connect", lambda _params, **_options: connection)
    return connection


def test_they_are_asked_for_under_the_lock_which_goes_with_the_snapshots(server: FakeConnection) -> None:
    logs = iter(["", STARTED, AT_WORK])
    with writers_held(PARAMS) as held:
        assert server.asked[1:] == ["FLUSH TABLES WITH READ LOCK", "SHOW BINARY LOG STATUS"]
        assert held.until_snapshots(lambda: next(logs), lambda: False) == FOUND
    assert server.asked[-1] == "UNLOCK TABLES"
    assert next(logs, None) is None
    assert not server.open


def test_one_that_ends_as_soon_as_it_has_them(server: FakeConnection) -> None:
    with writers_held(PARAMS) as held:
        assert held.until_snapshots(lambda: AT_WORK, lambda: True) == FOUND
    assert not server.open


def test_one_that_ends_without_them(server: FakeConnection) -> None:
    with writers_held(PARAMS) as held:
        with pytest.raises(ServerUnavailable, match="no snapshots in time"):
            held.until_snapshots(lambda: STARTED, lambda: True)
        assert not server.open


def test_writers_do_not_wait_for_one_that_hangs(server: FakeConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binlog_position_module, "HOLD_SECONDS", -1)
    with writers_held(PARAMS) as held:
        with pytest.raises(ServerUnavailable, match="no snapshots in time"):
            held.until_snapshots(lambda: STARTED, lambda: False)
        assert not server.open


@pytest.mark.parametrize("statement", ["FLUSH TABLES", "SHOW BINARY"])
def test_a_lock_that_cannot_be_had(server: FakeConnection, statement: str) -> None:
    server.refuses = statement
    with pytest.raises(ServerUnavailable, match="Lock wait timeout"), writers_held(PARAMS):
        pytest.fail("nobody is held")
    assert not server.open


def test_a_lock_that_was_lost_meanwhile(server: FakeConnection) -> None:
    with writers_held(PARAMS) as held:
        server.refuses = "UNLOCK"
        with pytest.raises(ServerUnavailable):
            held.until_snapshots(lambda: AT_WORK, lambda: False)
    assert not server.open


def test_writers_are_let_go_when_the_dump_is_broken_off(server: FakeConnection) -> None:
    with pytest.raises(KeyboardInterrupt), writers_held(PARAMS):
        raise KeyboardInterrupt
    assert not server.open


@pytest.mark.parametrize(
    ("generation", "product", "numbers", "logs", "in_vain"),
    [
        (LEGACY, "mysql", (8, 4, 0), True, True),
        (LEGACY, "mysql", (9, 7, 4), True, True),
        (LEGACY, "mysql", (8, 0, 40), True, False),
        (LEGACY, "mysql", (9, 7, 4), False, False),
        (LEGACY, "mariadb", (11, 8, 9), True, False),
        (MODERN, "mysql", (9, 7, 4), True, False),
    ],
)
def test_only_where_mydumper_asks_in_vain(
    generation: str, product: str, numbers: t.Tuple[int, ...], logs: bool, in_vain: bool
) -> None:
    server = Server(product, ".".join(map(str, numbers)), numbers, "'a'@'b'", "i", logs)
    assert are_asked_for_in_vain(Version("0.0.0", generation), server) is in_vain
