# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the outcome of a restore."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.vex.backup.plugins.plugin_utils.restore_outcome import Scope, Stages, decide

SCOPE = Scope(database="", table="", name="", into="db1:3306")
COMPARED = {"columns": 5, "definitions": 3, "sampled_rows": 0, "tables_sampled": 0}
LOADED = {
    "status": 2,
    "restore_finished": "2026-01-01 03:10:00",
    "tables": 0,
    "rows": 0,
    "compared": COMPARED,
    "restore_warnings": ["a\nb"],
}


@pytest.mark.parametrize(
    ("database", "table", "name", "text"),
    [
        ("", "", "", "everything into db1:3306"),
        ("shop", "", "", "shop into db1:3306"),
        ("shop", "orders", "before", "shop.orders as before into db1:3306"),
    ],
)
def test_scope(database: str, table: str, name: str, text: str) -> None:
    assert str(Scope(database, table, name, "db1:3306")) == text


def test_a_restore_with_warnings() -> None:
    outcome = decide(SCOPE, Stages(opened={"run_uuid": "u"}, loaded=LOADED, closed={}, failure=""))
    assert outcome.status == 2
    assert outcome.notes == ["[INFO] everything into db1:3306", "[WARNING] a b"]
    assert outcome.record == {"restored": "2026-01-01 03:10:00", "tables": 0, "rows": 0, "compared": COMPARED}
    assert (outcome.warnings, outcome.loaded) == (["a\nb"], "0 tables, 0 rows")


def test_warnings_that_are_not_text() -> None:
    outcome = decide(SCOPE, Stages({}, {**LOADED, "restore_warnings": [["a"], 7]}, {}, ""))
    assert outcome.notes[1:] == ["[WARNING] ['a']", "[WARNING] 7"]


def test_a_failed_restore_has_no_figures() -> None:
    loaded = {**LOADED, "status": 3}
    outcome = decide(SCOPE, Stages({}, loaded, {}, "Load the backup: it differs"))
    assert outcome.status == 3
    assert outcome.notes[1:] == ["[ERROR] Load the backup: it differs", "[WARNING] a b"]
    assert outcome.record == {}


@pytest.mark.parametrize(
    ("opened", "closed", "reason"),
    [
        ({}, {}, []),
        ({"msg": "refused"}, {}, ["not in the log database: refused"]),
        ({"msg": "refused"}, {"message": "kept"}, ["not in the log database: kept"]),
        ({}, {"msg": "bad option"}, ["not in the log database: bad option"]),
    ],
)
def test_a_missing_record_is_explained(opened: t.Dict[str, str], closed: t.Dict[str, str], reason: t.List[str]) -> None:
    assert decide(SCOPE, Stages(opened, LOADED, closed, "")).warnings[1:] == reason
