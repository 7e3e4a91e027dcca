# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Patterns of tables."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump.table_filter import TableFilter
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError

NAMES = ["orders", "log_1", "log_2", "a.b", "new\nline"]


@pytest.mark.parametrize(
    ("patterns", "chosen"),
    [
        ([], []),
        (["shop.orders"], ["orders"]),
        (["shop.ORDERS", "shop.order", "other.orders"], []),
        (["shop.log_*"], ["log_1", "log_2"]),
        (["*.orders", "shop.a.b"], ["orders", "a.b"]),
        (["sh*p.*"], NAMES),
        (["shop.[ol]*", "shop.log_?"], []),
    ],
)
def test_patterns(patterns: t.List[str], chosen: t.List[str]) -> None:
    assert TableFilter("exclude_tables", patterns, ignore_case=False).chosen("shop", NAMES) == chosen


def test_names_of_a_server_that_ignores_case() -> None:
    assert TableFilter("exclude_tables", ["Shop.ORD*"], ignore_case=True).chosen("shop", NAMES) == ["orders"]


@pytest.mark.parametrize("pattern", ["orders", "", ".", ".orders", "shop."])
def test_pattern_without_a_database_or_table_is_refused(pattern: str) -> None:
    with pytest.raises(OptionError, match=r"names no table of a database: write database\.table") as caught:
        TableFilter("exclude_tables", [pattern], ignore_case=False)
    assert str(caught.value).startswith(f"exclude_tables: {pattern!r} ")
