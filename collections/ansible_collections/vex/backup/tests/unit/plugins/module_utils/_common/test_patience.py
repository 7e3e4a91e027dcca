# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the patience with a server that is away."""

from __future__ import annotations

import pathlib
import random
import time
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common import patience as patience_module
from ansible_collections.vex.backup.plugins.module_utils._common.patience import Patience
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, OptionError, StoreFailed


class Clock:
    """A clock that moves only by pauses."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: t.List[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: made.now)
    return made


@pytest.fixture
def longest_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every pause be as long as it may be."""
    monkeypatch.setattr(random.SystemRandom, "uniform", lambda _self, _least, most: most)


def failure(*, may_pass: bool = True) -> BackupError:
    made = StoreFailed("no answer")
    made.may_pass = may_pass
    return made


class Server:
    """An action that fails until a time of the clock."""

    def __init__(self, clock: Clock, away: float) -> None:
        self.clock = clock
        self.back = clock.now + away
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.clock.now < self.back:
            raise failure()
        return "answer"


@pytest.mark.parametrize("away", [0, 0.1, 3, 59, 600])
def test_a_server_that_comes_back_in_time_costs_only_time(clock: Clock, away: float) -> None:
    server = Server(clock, away)
    assert Patience(600, "the server").attempt(server, clock.pause) == "answer"
    assert clock.now >= server.back


@pytest.mark.parametrize("seconds", [0, 0.5, 600])
def test_a_server_that_stays_away_fails_when_the_time_is_over(clock: Clock, seconds: float) -> None:
    server = Server(clock, 10_000)
    with pytest.raises(StoreFailed) as caught:
        Patience(seconds, "the server").attempt(server, clock.pause)
    assert clock.now == pytest.approx(1000 + seconds)
    tried = f"no answer; tried {server.calls} times in {seconds:.0f} seconds: raise patience"
    assert str(caught.value) == (tried if seconds else "no answer")


def test_what_does_not_pass_fails_at_once(clock: Clock) -> None:
    def refuse() -> None:
        raise failure(may_pass=False)

    with pytest.raises(StoreFailed, match=r"^no answer$"):
        Patience(600, "the server").attempt(refuse, clock.pause)
    assert clock.pauses == []


def test_another_failure_after_the_wait_is_reported_as_it_is(clock: Clock) -> None:
    failures = [failure(), failure(may_pass=False)]

    def fail() -> None:
        raise failures.pop(0)

    with pytest.raises(StoreFailed, match=r"^no answer$"):
        Patience(600, "the server").attempt(fail, clock.pause)
    assert len(clock.pauses) == 1


@pytest.mark.usefixtures("longest_pauses")
def test_pauses_double_up_to_a_bound(clock: Clock) -> None:
    Patience(600, "the server").attempt(Server(clock, 120), clock.pause)
    assert clock.pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_pauses_are_random(clock: Clock) -> None:
    Patience(600, "the server").attempt(Server(clock, 600), clock.pause)
    assert all(0 <= pause <= patience_module.LONGEST_PAUSE for pause in clock.pauses)
    assert len(set(clock.pauses)) > 1


def test_an_error_of_the_pause_ends_the_attempts(clock: Clock) -> None:
    def stop(_seconds: float) -> None:
        raise BackupError("the stage took too long")

    with pytest.raises(BackupError, match="the stage took too long"):
        Patience(600, "the server").attempt(Server(clock, 60), stop)


def test_each_attempt_has_its_own_time(clock: Clock) -> None:
    patience = Patience(60, "the server")
    for _outage in range(2):
        assert patience.attempt(Server(clock, 60), clock.pause) == "answer"


def test_one_line_when_a_wait_begins_and_one_when_it_ends(clock: Clock, tmp_path: pathlib.Path) -> None:
    log = tmp_path / "run.log"
    patience = Patience(600, "the object store", RunLog(str(log)))
    assert patience.attempt(Server(clock, 0), clock.pause) == "answer"
    assert not log.exists()
    server = Server(clock, 42)
    assert patience.attempt(server, clock.pause) == "answer"
    began, ended = log.read_text().splitlines()
    assert began.endswith("[WARNING] - the object store does not answer (no answer): trying again for up to 10 minutes")
    assert "[INFO] - the object store answers again after " in ended
    assert patience.repetitions == server.calls - 1


def test_a_negative_patience_is_refused() -> None:
    with pytest.raises(OptionError, match="patience must be at least 0"):
        Patience(-1, "the server")
