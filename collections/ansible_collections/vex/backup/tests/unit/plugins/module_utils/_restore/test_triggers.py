# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the texts of triggers; tests/restore/test_mysql_restore.py executes some on a server."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._restore.triggers import (
    UnreadTrigger,
    belongs_to,
    without_database,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW x", None),
        (
            "CREATE DEFINER=`r o`@`%` TRIGGER shop.a AFTER DELETE ON `shop` . `t` FOR EACH ROW shop.x",
            "CREATE DEFINER=`r o`@`%` TRIGGER a AFTER DELETE ON `t` FOR EACH ROW shop.x",
        ),
        (
            'create or replace definer = "r"@"h" trigger "shop"."a" before update or insert on "t" for each row x',
            'create or replace definer = "r"@"h" trigger "a" before update or insert on "t" for each row x',
        ),
        (
            "CREATE DEFINER=role TRIGGER IF NOT EXISTS `on t` BEFORE UPDATE OF a, b ON shop.t FOR EACH ROW x",
            "CREATE DEFINER=role TRIGGER IF NOT EXISTS `on t` BEFORE UPDATE OF a, b ON t FOR EACH ROW x",
        ),
    ],
)
def test_triggers_lose_the_database_name(text: str, expected: t.Optional[str]) -> None:
    assert without_database(text.encode()) == (expected or text).encode()
    assert belongs_to(text.encode(), "t")
    assert not belongs_to(text.encode(), "tt")


@pytest.mark.parametrize(
    "text",
    [b"CREATE /* why */ TRIGGER shop.a BEFORE INSERT ON shop.t x", b"CREATE TRIGGER a /*c*/ BEFORE INSERT ON t"],
)
def test_triggers_that_cannot_be_read(text: bytes) -> None:
    with pytest.raises(UnreadTrigger):
        without_database(text)
    with pytest.raises(UnreadTrigger):
        belongs_to(text, "t")


def test_a_table_whose_name_is_in_another_character_set() -> None:
    text = "CREATE TRIGGER a BEFORE INSERT ON ação FOR EACH ROW x"
    assert belongs_to(text.encode(), "ação")
    with pytest.raises(UnreadTrigger):
        belongs_to(text.encode("latin1"), "ação")
    assert not belongs_to(text.encode("latin1"), "plain")
