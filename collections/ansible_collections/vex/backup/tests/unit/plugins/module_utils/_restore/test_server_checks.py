# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a restore sees on a server, where that is hard to have; the rest is in tests/restore/test_mysql_restore.py."""

from __future__ import annotations

import typing as t
from unittest import mock

import pytest

pytest.importorskip("pymysql")

from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Objects
from ansible_collections.vex.backup.plugins.module_utils._restore import server_checks as server_checks_module
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore, RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._restore.server_checks import (
    count_rows,
    differences,
    doubts,
    existing,
)

SHOP = DatabaseRestore("shop", "shop", "dump/shop", None, {"Orders": 3, "items": 3}, ["Open"], [], by_client=False)


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"a": 1, "b": 0}, []),
        (
            {"a": 1, "b": None, "c": None},
            ["shop: the manifest does not say how many rows b, c had, so they were not compared"],
        ),
    ],
)
def test_rows_that_the_manifest_does_not_know(tables: t.Dict[str, t.Optional[int]], said: t.List[str]) -> None:
    connection = mock.MagicMock()
    connection.cursor.return_value.__enter__.return_value.fetchall.return_value = []
    one = DatabaseRestore("shop", "shop", "dump/shop", None, tables, [], [], by_client=False)
    assert doubts(connection, one) == said


def server(monkeypatch: pytest.MonkeyPatch, tables: t.List[str], views: t.List[str], setting: int) -> t.Any:
    """A connection to a server with these; every table has three rows."""
    objects = Objects(tables, views, [], [], [], [], 0)
    monkeypatch.setattr(server_checks_module, "list_objects", lambda _connection, _database: objects)
    connection = mock.MagicMock()
    cursor = connection.cursor.return_value.__enter__.return_value
    cursor.fetchone.side_effect = lambda: (setting if "@@" in cursor.execute.call_args[0][0] else 3,)
    cursor.fetchall.return_value = [*((name, "BASE TABLE") for name in tables), *((name, "VIEW") for name in views)]
    return connection


def test_a_server_that_knows_no_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its `orders` is what `Orders` would be written into, and what it is when it has been."""
    connection = server(monkeypatch, ["orders", "items", "other"], ["open"], 1)
    found = existing(connection, SHOP)
    assert (found.tables, found.views) == (["orders", "items"], ["open"])
    plan = RestorePlan([SHOP], "0.10", False, "none", 0)
    counted = count_rows(lambda: connection, plan, 1)
    assert counted == {("shop", "Orders"): 3, ("shop", "items"): 3}
    assert differences(connection, plan, counted) == []


def test_a_server_that_knows_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = server(monkeypatch, ["orders", "items"], ["open"], 0)
    found = existing(connection, SHOP)
    assert (found.tables, found.views) == (["items"], [])
    plan = RestorePlan([SHOP], "0.10", False, "none", 0)
    counted = count_rows(lambda: connection, plan, 1)
    assert differences(connection, plan, counted) == ["table shop.Orders is missing", "view shop.Open is missing"]
