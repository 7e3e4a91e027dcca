# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The variables of sessions, on a server that answers as told."""

from __future__ import annotations

import contextlib
import re
import typing as t

import pymysql.err
import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import SessionRefused, WrongServer
from ansible_collections.vex.backup.plugins.module_utils._mysql.session import (
    ANOTHER_SERVER,
    LOAD,
    LOOK,
    choose,
    prepare,
    statement,
)

INSTANCE = "0123456789abcdef"


class Connection:
    """A session with the variables *shown*, whose account must not set those in *refused*."""

    def __init__(self, shown: t.Dict[str, str], refused: t.Collection[str] = (), error: int = 1227) -> None:
        self.shown = shown
        self.refused = refused
        self.error = error
        self.executed: t.List[str] = []

    def cursor(self) -> t.ContextManager[Connection]:
        return contextlib.nullcontext(self)

    def execute(self, query: str) -> None:
        self.executed.append(query)
        for name in self.refused:
            if re.search(rf"SESSION {name} =", query):
                raise pymysql.err.OperationalError(self.error, f"no {name}")

    def fetchall(self) -> t.List[t.Tuple[t.Union[str, bytes], t.Union[str, bytes]]]:
        # A connection opened with `raw` returns bytes.
        return [(name.encode(), value.encode()) for name, value in self.shown.items()]


def prepared(connection: Connection, purpose: t.Mapping[str, str], instance: str = "") -> t.Dict[str, str]:
    return prepare(t.cast("t.Any", connection), purpose, instance)


def test_variables_that_the_server_has_are_set() -> None:
    connection = Connection({"sql_mode": "ANSI", "max_statement_time": "1.000000"})
    variables = prepared(connection, LOOK)
    assert list(variables) == ["sql_mode", "max_statement_time"]
    # The list of variables must not end at a limit.
    assert connection.executed[0].startswith("SET SESSION sql_select_limit = 18446744073709551615")
    assert connection.executed[-1] == statement(variables)
    assert statement(variables).startswith("SET NAMES utf8mb4 COLLATE utf8mb4_general_ci, SESSION sql_mode = 'NO_AUTO")


@pytest.mark.parametrize("value", ["OFF", "ON"])
def test_right_value_needs_no_privilege(value: str) -> None:
    chosen = choose(LOAD, {"innodb_strict_mode": value, "enforce_storage_engine": "", "foreign_key_checks": "OFF"})
    assert ("innodb_strict_mode" in chosen) == (value == "ON")
    assert "enforce_storage_engine" not in chosen
    assert "foreign_key_checks" in chosen


@pytest.mark.parametrize(
    ("name", "harmful", "harmless"), [("binlog_format", "STATEMENT", "MIXED"), ("max_error_count", "0", "64")]
)
def test_only_one_value_needs_a_privilege(name: str, harmful: str, harmless: str) -> None:
    assert choose(LOAD, {name: harmless}) == {}
    assert list(choose(LOAD, {name: harmful})) == [name]


def test_refused_variable_is_named() -> None:
    connection = Connection({"sql_require_primary_key": "ON", "unique_checks": "ON"}, {"sql_require_primary_key"})
    with pytest.raises(SessionRefused, match=r"sql_require_primary_key = 'ON' and must have 'OFF'.*GRANT the account"):
        prepared(connection, LOAD)


def test_refused_variable_with_the_right_value_is_left_out() -> None:
    connection = Connection({"wsrep_osu_method": "TOI", "unique_checks": "ON"}, {"wsrep_osu_method"})
    assert prepared(connection, LOAD, INSTANCE) == {"unique_checks": "'OFF'"}
    assert connection.executed[-1] == statement({"unique_checks": "'OFF'"}, INSTANCE)


def test_old_mode_that_an_old_server_does_not_know_is_left_out() -> None:
    connection = Connection({"old_mode": "", "unique_checks": "ON"}, {"old_mode"}, error=1231)
    assert prepared(connection, LOAD) == {"unique_checks": "'OFF'"}


def test_another_server_is_named() -> None:
    connection = Connection({"time_zone": "SYSTEM"}, {"time_zone"}, error=1298)
    with pytest.raises(WrongServer, match=ANOTHER_SERVER):
        prepared(connection, LOOK, INSTANCE)


def test_statement_fails_on_another_server() -> None:
    text = statement({"time_zone": "'+00:00'"}, INSTANCE)
    assert f"= '{INSTANCE}', '+00:00', '{ANOTHER_SERVER}')" in text
    assert statement({"time_zone": "'+00:00'"}).endswith("SESSION time_zone = '+00:00'")
