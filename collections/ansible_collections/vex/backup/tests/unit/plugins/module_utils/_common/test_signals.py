# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Signals that arrive while a thread or a child process starts or ends."""

from __future__ import annotations

import os
import signal
import threading
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads, ending_children, undisturbed
from ansible_collections.vex.backup.plugins.module_utils._errors import Interrupted


def test_signal_while_a_thread_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first is Python 3.13's.
    name = "_start_joinable_thread" if hasattr(threading, "_start_joinable_thread") else "_start_new_thread"
    begin = getattr(threading, name)
    begun = threading.Event()
    done: t.List[str] = []

    def interrupted(*arguments: t.Any, **options: t.Any) -> t.Any:
        begins = begin(*arguments, **options)
        # The thread has removed itself from the list of threads that start.
        begun.wait(300)
        os.kill(os.getpid(), signal.SIGTERM)
        return begins

    def work() -> None:
        begun.set()
        done.append("first")

    monkeypatch.setattr(threading, name, interrupted)
    with Threads(1) as pool:
        with pytest.raises(Interrupted, match="SIGTERM"), ending_children():
            pool.submit(work)
        pool.submit(done.append, "second").result()
    assert done == ["first", "second"]


def test_signal_is_raised_at_the_end_of_an_undisturbed_block() -> None:
    done = []

    def work() -> None:
        with undisturbed():
            with undisturbed():
                os.kill(os.getpid(), signal.SIGTERM)
            done.append("after the inner block")
            raise ValueError("this failure is not the reason")

    with pytest.raises(Interrupted, match="SIGTERM"), ending_children():
        work()
    with undisturbed():
        done.append("no interruption is left")
    assert len(done) == 2


def test_signal_while_threads_end(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    done: t.List[str] = []

    def work() -> None:
        gate.wait(300)
        done.append("work")

    join = threading.Thread.join

    def interrupted(thread: threading.Thread, timeout: t.Optional[float] = None) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        gate.set()
        join(thread, timeout)
        done.append("joined")

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(Interrupted, match="SIGTERM"), ending_children(), Threads(1) as pool:
        pool.submit(work)
    assert done == ["work", "joined"]


def test_pending_calls_do_not_start_after_the_block_fails() -> None:
    gate = threading.Event()
    done: t.List[str] = []

    def work() -> None:
        gate.wait(300)
        done.append("first")

    def fail() -> None:
        with Threads(1) as pool:
            pool.submit(work)
            pool.submit(done.append, "second")
            threading.Timer(0.1, gate.set).start()
            raise ValueError("the block fails")

    with pytest.raises(ValueError, match="the block fails"):
        fail()
    assert done == ["first"]
