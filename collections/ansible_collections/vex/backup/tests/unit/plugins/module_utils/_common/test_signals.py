# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Being told to end, at the moments that bear it least."""

from __future__ import annotations

import os
import signal
import threading
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads, ending_children, undisturbed
from ansible_collections.vex.backup.plugins.module_utils._errors import Interrupted


def test_told_while_a_thread_starts_it_has_started(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first is Python 3.13's.
    name = "_start_joinable_thread" if hasattr(threading, "_start_joinable_thread") else "_start_new_thread"
    begin = getattr(threading, name)
    begun = threading.Event()
    done: t.List[str] = []

    def told_in_the_midst(*arguments: t.Any, **options: t.Any) -> t.Any:
        begins = begin(*arguments, **options)
        # The thread has taken itself off the list of those that are to start.
        begun.wait(60)
        os.kill(os.getpid(), signal.SIGTERM)
        return begins

    def work() -> None:
        begun.set()
        done.append("first")

    monkeypatch.setattr(threading, name, told_in_the_midst)
    with Threads(1) as pool:
        with pytest.raises(Interrupted, match="SIGTERM"), ending_children():
            pool.submit(work)
        pool.submit(done.append, "second").result()
    assert done == ["first", "second"]


def test_what_must_not_be_broken_off_is_whole_and_then_it_is_told() -> None:
    done = []

    def work() -> None:
        with undisturbed():
            with undisturbed():
                os.kill(os.getpid(), signal.SIGTERM)
            done.append("behind the inner one")
            raise ValueError("what failed meanwhile is not the reason")

    with pytest.raises(Interrupted, match="SIGTERM"), ending_children():
        work()
    with undisturbed():
        done.append("nothing is left to be told")
    assert len(done) == 2


def test_told_while_its_threads_end_they_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    done: t.List[str] = []

    def work() -> None:
        gate.wait(60)
        done.append("work")

    join = threading.Thread.join

    def told_in_the_midst(thread: threading.Thread, timeout: t.Optional[float] = None) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        gate.set()
        join(thread, timeout)
        done.append("joined")

    monkeypatch.setattr(threading.Thread, "join", told_in_the_midst)
    with pytest.raises(Interrupted, match="SIGTERM"), ending_children(), Threads(1) as pool:
        pool.submit(work)
    assert done == ["work", "joined"]


def test_what_has_not_begun_when_the_body_fails_does_not_begin() -> None:
    gate = threading.Event()
    done: t.List[str] = []

    def work() -> None:
        gate.wait(60)
        done.append("first")

    def fail() -> None:
        with Threads(1) as pool:
            pool.submit(work)
            pool.submit(done.append, "second")
            threading.Timer(0.1, gate.set).start()
            raise ValueError("the body fails")

    with pytest.raises(ValueError, match="the body fails"):
        fail()
    assert done == ["first"]
