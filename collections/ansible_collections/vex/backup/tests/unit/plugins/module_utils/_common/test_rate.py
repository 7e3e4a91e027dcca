# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the limit on bytes a second, with a clock of their own."""

from __future__ import annotations

import threading
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.rate import LEAST, Rate
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout, OptionError


class Clock:
    """A clock that a pause moves, and the pauses."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: t.List[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        """Pass the time."""
        self.pauses.append(seconds)
        self.now += seconds


def test_blocks_follow_each_other() -> None:
    clock = Clock()
    rate = Rate(100_000, clock)
    for count in (50_000, 100_000, 25_000):
        rate.wait(count, clock.pause)
    assert clock.pauses == [0.5, 1.0]


def test_idle_time_is_not_made_up_for() -> None:
    clock = Clock()
    rate = Rate(100_000, clock)
    rate.wait(100_000, clock.pause)
    clock.now += 60
    rate.wait(100_000, clock.pause)
    rate.wait(1, clock.pause)
    assert clock.pauses == [1.0]


def test_no_limit() -> None:
    clock = Clock()
    rate = Rate(0, clock)
    for _number in range(3):
        rate.wait(10**12, clock.pause)
    assert clock.pauses == []


def test_nothing_is_sent() -> None:
    clock = Clock()
    rate = Rate(LEAST, clock)
    rate.wait(0, clock.pause)
    rate.wait(0, clock.pause)
    assert clock.pauses == []


@pytest.mark.parametrize("rate", [-1, 1, LEAST - 1])
def test_a_rate_that_no_store_waits_for_is_refused(rate: int) -> None:
    with pytest.raises(
        OptionError, match=f"rate must be 0, for no limit, or at least 65536 bytes a second, not {rate}"
    ):
        Rate(rate)


def test_threads_share_the_rate() -> None:
    """The turns of all threads together are a block apart, whatever their order."""
    turns: t.List[float] = []
    rate = Rate(LEAST, lambda: 0.0)

    def send() -> None:
        for _number in range(50):
            rate.wait(LEAST, turns.append)

    threads = [threading.Thread(target=send) for _thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(turns) == [float(second) for second in range(1, 200)]


def test_a_wait_ends_with_the_deadline() -> None:
    rate = Rate(LEAST)
    deadline = Deadline(600, "the upload")
    deadline.stop()
    rate.wait(LEAST * 300, deadline.pause)
    with pytest.raises(CommandTimeout, match="the upload was stopped"):
        rate.wait(1, deadline.pause)
