# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The time limit of a stage."""

from __future__ import annotations

import threading
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common import deadline as deadline_module
from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout, StoreFailed


class Clock:
    """A clock that the test moves."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(deadline_module, "time", made)
    return made


def test_a_limit_runs_out(clock: Clock) -> None:
    deadline = Deadline(10, "the dump")
    assert deadline.remaining() == 10
    clock.now += 9.5
    assert deadline.remaining() == 0.5
    deadline.check()
    clock.now += 0.5
    for ended in (deadline.remaining, deadline.check):
        with pytest.raises(CommandTimeout, match="the dump took longer than 10 seconds: raise timeout"):
            ended()


@pytest.mark.parametrize("seconds", [0, None])
def test_without_a_limit_no_time_is_too_long(clock: Clock, seconds: t.Optional[int]) -> None:
    deadline = Deadline(seconds, "the dump")
    clock.now += 10**9
    assert deadline.remaining() is None
    deadline.check()


def test_the_error_has_the_requested_class(clock: Clock) -> None:
    deadline = Deadline(10, "the upload", StoreFailed)
    clock.now += 10
    with pytest.raises(StoreFailed, match="the upload took longer than"):
        deadline.pause(1)


def test_a_stopped_deadline_fails_every_check() -> None:
    deadline = Deadline(None, "the upload", StoreFailed)
    deadline.pause(0)
    deadline.stop()
    with pytest.raises(StoreFailed, match="the upload was stopped because another part of it failed"):
        deadline.check()


@pytest.mark.parametrize("seconds", [None, 60])
def test_a_stop_ends_a_pause(seconds: t.Optional[int]) -> None:
    deadline = Deadline(seconds, "the upload", StoreFailed)
    threading.Timer(0.05, deadline.stop).start()
    with pytest.raises(StoreFailed, match="was stopped"):
        deadline.pause(60)


def test_a_part_is_stopped_alone(clock: Clock) -> None:
    whole = Deadline(10, "the dump")
    part = whole.part()
    part.stop()
    with pytest.raises(CommandTimeout, match="was stopped"):
        part.check()
    whole.check()
    clock.now += 10
    with pytest.raises(CommandTimeout, match="took longer than 10 seconds"):
        whole.part().check()
