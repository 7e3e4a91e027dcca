# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the messages about the log database."""

from __future__ import annotations

import ssl
import typing as t

import pytest

pytest.importorskip("pymysql")

import pymysql.err

from ansible_collections.vex.backup.plugins.module_utils._errors import LogDatabaseUnavailable
from ansible_collections.vex.backup.plugins.module_utils._log_db import connection as connection_module
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import (
    LogDatabase,
    explain,
    log_database,
    unavailable,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Exception(1045, "Access denied"), "Access denied"),
        (Exception(0, ""), "the connection was lost"),
        (Exception("Already closed"), "the connection was lost"),
        (Exception(), "the connection was lost"),
    ],
)
def test_explain_uses_the_servers_words(error: Exception, words: str) -> None:
    assert words in explain(error)


@pytest.mark.parametrize(
    ("error", "may_pass"),
    [
        (pymysql.err.OperationalError(2003, "Can't connect"), True),
        (pymysql.err.OperationalError(2013, "Lost connection"), True),
        (pymysql.err.OperationalError(1040, "Too many connections"), True),
        (pymysql.err.InterfaceError(0, ""), True),
        (pymysql.err.OperationalError(1045, "Access denied"), False),
        (pymysql.err.OperationalError(1049, "Unknown database"), False),
        (pymysql.err.DataError(), False),
        (RuntimeError("cryptography is required"), False),
        (None, False),
    ],
)
def test_only_a_server_that_is_away_may_come_back(error: t.Optional[Exception], may_pass: bool) -> None:
    assert unavailable("why", error).may_pass is may_pass


def test_a_certificate_that_is_not_trusted_does_not_pass() -> None:
    error: t.Any = pymysql.err.OperationalError(2003, "Can't connect")
    error.original_exception = ssl.SSLCertVerificationError("self-signed certificate")
    assert unavailable("why", error).may_pass is False


def test_a_server_that_leaves_after_the_login_may_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    class Leaving:
        closed = False

        def cursor(self) -> t.NoReturn:
            raise pymysql.err.OperationalError(2013, "Lost connection")

        def close(self) -> None:
            self.closed = True

    made = Leaving()
    monkeypatch.setattr(connection_module, "connect", lambda *_arguments, **_options: made)
    database = LogDatabase(Login("127.0.0.1", 3306, None, "backup", "", None), "vex")
    with pytest.raises(LogDatabaseUnavailable, match="log database: Lost connection") as caught, log_database(database):
        pass
    assert (caught.value.may_pass, made.closed) == (True, True)
