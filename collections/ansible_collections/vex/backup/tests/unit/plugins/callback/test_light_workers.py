# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a forked process inherits is not searched for garbage, and what it makes still is.

That packages are made beside a play's tasks is shown by ``tests/integration/test_light_workers.py``.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
import typing as t
import weakref

import pytest

from ansible_collections.vex.backup.plugins.callback import light_workers
from ansible_collections.vex.backup.plugins.callback.light_workers import NEW_OBJECTS, CallbackModule


class Thing:
    """Holds itself, so that only the collector can remove it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> t.Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


def test_what_is_there_is_left_alone_and_what_comes_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(light_workers, "PACKAGES_ARE_LOCKED", False)
    before = Thing()
    inherited = weakref.ref(before)
    CallbackModule().v2_playbook_on_play_start(t.cast("t.Any", None))
    del before
    made = weakref.ref(Thing())
    gc.collect()
    assert inherited() is not None
    assert made() is None
    assert gc.isenabled()
    assert gc.get_threshold()[0] == NEW_OBJECTS


def test_none_packs_modules_when_a_playbook_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def for_long(play: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pause()

    monkeypatch.setattr(light_workers, "PACKAGES_ARE_LOCKED", True)
    monkeypatch.setattr(light_workers, "_pack_modules", for_long)
    callback = CallbackModule()
    for _play in range(2):
        callback.v2_playbook_on_play_start(t.cast("t.Any", None))
    assert len(multiprocessing.active_children()) == 2
    callback.v2_playbook_on_stats(t.cast("t.Any", None))
    assert multiprocessing.active_children() == []
