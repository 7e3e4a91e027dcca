# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One bound for several programs."""

from __future__ import annotations

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common import deadline as deadline_module
from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout


class Clock:
    """Time that goes on when told."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


def test_a_bound_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(deadline_module, "time", clock)
    deadline = Deadline(10, "the dump")
    assert deadline.remaining() == 10
    clock.now += 9.5
    assert deadline.remaining() == 0.5
    clock.now += 0.5
    with pytest.raises(CommandTimeout, match="the dump took longer than its timeout of 10 seconds"):
        deadline.remaining()


def test_no_bound_is_never_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(deadline_module, "time", clock)
    deadline = Deadline(0, "the dump")
    clock.now += 10**9
    assert deadline.remaining() is None
