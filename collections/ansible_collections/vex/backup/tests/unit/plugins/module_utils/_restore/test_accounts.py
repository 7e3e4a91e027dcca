# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Failures in a restore of accounts. tests/restore/test_accounts.py restores them on servers."""

from __future__ import annotations

import types
import typing as t

import pytest

pytest.importorskip("pymysql")

import pymysql.err

from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed, ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.accounts import ACCOUNT, ROLE
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import Definition
from ansible_collections.vex.backup.plugins.module_utils._restore import accounts as accounts_module
from ansible_collections.vex.backup.plugins.module_utils._restore.accounts import AccountRestore

APP = Definition(ACCOUNT, "`app`@`%`", [], [b"CREATE USER `app`@`%`"])
READER = Definition(ROLE, "`reader`", [], [b"CREATE ROLE `reader`"])


class Connection:
    """A connection to a server that refuses some statements; roles have an administrator."""

    def __init__(self, refusals: t.Mapping[bytes, Exception]) -> None:
        self.refusals = refusals

    def query(self, text: bytes) -> None:
        if text in self.refusals:
            raise self.refusals[text]

    def cursor(self) -> Connection:
        return self

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def close(self) -> None:
        pass

    def execute(self, _statement: str, _values: t.Sequence[str]) -> None:
        pass

    def fetchall(self) -> t.List[t.Tuple[int]]:
        return [(1,)]


class Target:
    """A target with a log."""

    def __init__(self) -> None:
        self.refusals: t.Dict[bytes, Exception] = {}
        self.lines: t.List[str] = []
        self.log = types.SimpleNamespace(info=self.lines.append, warning=self.lines.append)
        self.server = types.SimpleNamespace(account="'root'@'localhost'")
        self.session = "SET x"
        self.request = types.SimpleNamespace(login=None)

    def connect_to_load(self) -> Connection:
        return Connection(self.refusals)

    def connect(self, *, raw: bool) -> Connection:
        assert raw
        return Connection(self.refusals)


def restore_of(target: Target, *wanted: Definition) -> AccountRestore:
    restore = AccountRestore(t.cast("t.Any", target), wanted)
    restore.create()
    return restore


def test_a_lost_connection_is_not_a_refusal() -> None:
    lost = pymysql.err.OperationalError(2013, "lost")
    target = Target()
    target.refusals[APP.texts[0]] = lost
    with pytest.raises(ServerUnavailable, match="the server stopped answering: lost"):
        restore_of(target, APP)


def test_accounts_that_cannot_be_dropped_are_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target()
    restore = restore_of(target, READER, APP)

    def unavailable(*_given: object, **_options: object) -> t.NoReturn:
        raise ServerUnavailable("gone")

    monkeypatch.setattr(accounts_module, "connect", unavailable)
    restore.drop()
    assert target.lines == ["drop `reader`, `app`@`%` before the next restore: their grants are not complete"]


def test_accounts_that_were_dropped_are_not_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target()
    restore_of(target).drop()
    monkeypatch.setattr(accounts_module, "connect", lambda *_given, **_options: Connection({}))
    restore_of(target, APP).drop()
    assert target.lines == []


def test_a_role_that_cannot_be_left_and_accounts_that_cannot_be_read_are_warnings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = Target()
    target.refusals[b"REVOKE `reader` FROM CURRENT_USER"] = pymysql.err.OperationalError(1698, "denied")

    def hidden(_connection: object) -> t.NoReturn:
        raise DumpFailed("hidden")

    monkeypatch.setattr(accounts_module, "list_accounts", hidden)
    assert restore_of(target, READER, APP).finish() == [
        "'root'@'localhost' keeps the role `reader`: denied",
        "the created accounts were not compared: hidden",
    ]
