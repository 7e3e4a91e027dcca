# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The order in which views can be created."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump.read_definitions import in_order_of_use
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import VIEW, Definition


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
