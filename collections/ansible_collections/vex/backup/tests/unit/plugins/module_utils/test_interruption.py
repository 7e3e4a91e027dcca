# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Being told to end, at the moments that bear it least."""

from __future__ import annotations

import os
import signal
import threading
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import Interrupted
from ansible_collections.vex.backup.plugins.module_utils._interruption import Threads, ending_children


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
