# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the outcome of a run whose hooks fail."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.plugin_utils.run_outcome import Outcome, decide
from ansible_collections.vex.backup.plugins.plugin_utils.run_stages import Failure, Plan
from ansible_collections.vex.backup.tests.unit.plugins.plugin_utils.made_stages import GOOD, PLAN


def failed(message: str, **more: t.Any) -> t.Dict[str, t.Any]:
    """Return the registered result of a task that failed."""
    return {"failed": True, "msg": message, **more}


def outcome(plan: Plan = PLAN, **changes: t.Any) -> Outcome:
    """Return the outcome of a good run with these stages changed."""
    return decide(plan, dataclasses.replace(GOOD, **changes))


def test_hooks_warned() -> None:
    """A hook that failed late is in the record, and the play does not fail."""
    hooks: t.Dict[str, t.Any] = {
        name: {"hook_warnings": [f"{name} failed"]} for name in ("before_run", "after_dump", "after_run")
    }
    found = outcome(**hooks)
    assert (found.status, found.verdict, found.problems, found.may_prune) == (2, 2, [], True)
    assert found.notes == ["[WARNING] before_run failed", "[WARNING] after_dump failed", "[WARNING] after_run failed"]
    assert (found.late_problems, found.late_warnings) == ([], ["after_run failed"])
    assert outcome(after_run={"hook_warnings": []}).late_warnings == []


@pytest.mark.parametrize("is_packed", [True, False])
def test_hook_refused_the_dump(is_packed: bool) -> None:
    """The dump itself is whole, and a hook before it has warned."""
    plan = dataclasses.replace(PLAN, is_packed=is_packed, is_uploaded=is_packed)
    found = outcome(
        plan,
        before_run={"hook_warnings": ["slow"]},
        after_dump=failed("refused", hook_warnings=["first"]),
        pack={},
        uploads={},
        failure=Failure("Run the hooks after the dump", "refused"),
    )
    assert (found.status, found.verdict, found.may_prune) == (3, 3, False)
    assert found.notes == ["[WARNING] slow", "[WARNING] first", "[ERROR] refused"]
    assert found.problems == ["Run the hooks after the dump: refused"]


def test_hook_failed_at_the_end() -> None:
    found = outcome(after_run=failed("no copy", hook_warnings=["slow"]))
    assert (found.status, found.verdict, found.upload_status) == (2, 3, 1)
    assert (found.problems, found.late_problems, found.late_warnings) == (["no copy"], ["no copy"], ["slow"])
    assert found.notes == ["[WARNING] slow", "[WARNING] no copy"]
