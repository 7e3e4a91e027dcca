# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The outcome of a run whose sizes were compared with earlier backups."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.vex.backup.plugins.plugin_utils.run_outcome import Outcome, decide
from ansible_collections.vex.backup.plugins.plugin_utils.run_stages import Failure
from ansible_collections.vex.backup.tests.unit.plugins.plugin_utils.made_stages import GOOD, PLAN


def outcome(sizes: t.Mapping[str, t.Any], **changes: t.Any) -> Outcome:
    """Return the outcome of a good run with this result of the comparison."""
    return decide(PLAN, dataclasses.replace(GOOD, sizes=sizes, **changes))


def test_alarming_sizes_are_warnings() -> None:
    found = outcome({"alarms": ["table a.b has vanished", "look"], "count": 1})
    assert (found.status, found.upload_status, found.verdict) == (2, 1, 2)
    assert found.notes == ["[WARNING] table a.b has vanished", "[WARNING] look"]
    assert (found.backup["notes"], found.backup["alarms"]) == (found.notes, 1)
    assert found.problems == []
    # The backup is whole: what is old enough goes.
    assert found.may_prune


def test_sizes_without_alarms() -> None:
    found = outcome({"alarms": [], "count": 0, "compared": 10})
    assert (found.status, found.notes, found.backup["alarms"]) == (1, [], 0)


def test_sizes_that_could_not_be_compared_are_a_warning() -> None:
    found = outcome({"failed": True, "msg": "silenced_tables: 'b' names no table"})
    assert (found.status, found.verdict, found.problems) == (2, 2, [])
    text = "the sizes were not compared with earlier backups: silenced_tables: 'b' names no table"
    assert found.notes == [f"[WARNING] {text}"]
    assert "alarms" not in found.backup


def test_sizes_of_a_run_without_a_backup_are_no_warning() -> None:
    failed = {"failed": True, "msg": "no space"}
    found = outcome({"alarms": ["a"], "count": 1}, pack=failed, failure=Failure("Pack", "no space"))
    assert (found.status, found.notes) == (3, ["[ERROR] no space"])
