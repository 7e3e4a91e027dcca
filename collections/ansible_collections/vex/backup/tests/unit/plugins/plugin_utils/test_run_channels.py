# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the outcome of a run whose channels or dead-man switch could not be told."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.vex.backup.plugins.plugin_utils.run_outcome import decide
from ansible_collections.vex.backup.plugins.plugin_utils.run_stages import Plan, Stages

PLAN = Plan("db1", "backup_x", "backup_x.zip", "/dump", is_packed=False, is_uploaded=False)
DUMP = {"status": 1}


@pytest.mark.parametrize("told", [{"failed": True, "msg": "no such host"}, {"error": "no such host"}])
def test_a_failed_message_or_ping_counts_like_a_failed_mail(told: t.Dict[str, t.Any]) -> None:
    for stages in (Stages(dump=DUMP, channels=told), Stages(dump=DUMP, ping=told), Stages(dump=DUMP, mail=told)):
        found = decide(PLAN, stages)
        assert (found.status, found.verdict, found.problems) == (2, 3, ["no such host"])
        assert found.notes == ["[WARNING] no such host"]


def test_nothing_is_said_of_messages_that_arrived() -> None:
    found = decide(PLAN, Stages(dump=DUMP, channels={"delivered": ["channel 1 (slack)"]}, ping={"delivered": True}))
    assert (found.status, found.verdict, found.notes) == (1, 1, [])
