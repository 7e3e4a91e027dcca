# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The order in which views can be created, and objects that the server does not show."""

from __future__ import annotations

import itertools
import typing as t
from unittest import mock

import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump import read_definitions as read_module
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan, TablePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.read_definitions import (
    in_order_of_use,
    read_definitions,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import LostObject
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed, TableFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import DATABASE, TABLE, VIEW, Definition
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.made_tables import make_table


def view(name: str, *used: str) -> Definition:
    columns = ",".join(f"`{one.replace('`', '``')}`.`x`" for one in used)
    text = f"CREATE ALGORITHM=UNDEFINED VIEW `{name.replace('`', '``')}` AS select {columns}"
    return Definition(VIEW, name, [], [text.encode("utf-8", "surrogateescape")])


VIEWS = [view("a", "c"), view("b", "a", "c"), view("c", "table"), view("é`\n", "b"), view("bad\udcff", "é`\n")]


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(VIEWS)))), ids=str)
def test_views_come_after_those_that_they_use(order: t.Sequence[int]) -> None:
    ordered = in_order_of_use([VIEWS[number] for number in order])
    assert [one.name for one in ordered if one] == ["c", "a", "b", "é`\n", "bad\udcff"]


def test_views_that_were_dropped_meanwhile_are_left_out() -> None:
    assert in_order_of_use([None, VIEWS[2], None]) == [VIEWS[2]]
    assert in_order_of_use([]) == []


def test_circle_of_names_ends() -> None:
    """A column may have the name of a view."""
    circle = [view("a", "b"), view("b", "a"), view("c", "b")]
    assert sorted(one.name for one in in_order_of_use(circle) if one) == ["a", "b", "c"]


def test_own_name_is_no_use() -> None:
    assert in_order_of_use([view("a", "a"), view("b", "a")]) == [view("a", "a"), view("b", "a")]


@pytest.mark.parametrize(
    ("kind", "number", "error"),
    [
        (VIEW, 1194, None),
        (VIEW, 1064, None),
        (VIEW, 2013, DumpFailed),
        (VIEW, 0, DumpFailed),
        (TABLE, 1194, TableFailed),
        (TABLE, 1142, DumpFailed),
        (DATABASE, 1194, DumpFailed),
    ],
)
def test_an_object_that_the_server_does_not_show(
    monkeypatch: pytest.MonkeyPatch, kind: str, number: int, error: t.Optional[t.Type[DumpFailed]]
) -> None:
    failure = DumpFailed("the server cannot show it")
    failure.number = number

    def read(wanted: str, name: str) -> Definition:
        if wanted == kind:
            raise failure
        return Definition(wanted, name, [], [b"x"])

    reader = mock.Mock(read=read, collation=b"utf8mb4_bin")
    monkeypatch.setattr(read_module, "connect", mock.MagicMock())
    monkeypatch.setattr(read_module, "DefinitionReader", mock.Mock(return_value=reader))
    monkeypatch.setattr(read_module, "find_change", lambda *_arguments: "")
    plan = DatabasePlan("a", "a", [TablePlan(make_table("t"), "")], ["v"], [])
    login: t.Any = None
    if error is None:
        found = read_definitions(login, plan)
        assert found.lost == [LostObject(VIEW, "v", "the server cannot show it")]
        assert [one.kind for one in found.definitions] == [DATABASE, TABLE]
        return
    with pytest.raises(DumpFailed) as caught:
        read_definitions(login, plan)
    assert isinstance(caught.value, TableFailed) is (error is TableFailed)
