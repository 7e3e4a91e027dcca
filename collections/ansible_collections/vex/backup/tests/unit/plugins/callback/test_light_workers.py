# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a forked process inherits is not searched for garbage, and what it makes still is.

That workers find packages that are made beside a play's tasks is in tests/integration/test_light_workers.py.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import time
import typing as t
import weakref
from unittest import mock

import pytest

from ansible_collections.vex.backup.plugins.callback import light_workers
from ansible_collections.vex.backup.plugins.callback.light_workers import (
    NEW_OBJECTS,
    PACKAGES_ARE_LOCKED,
    CallbackModule,
)


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


def play(name: str) -> t.Any:
    """One without tasks."""
    return mock.Mock(_uuid=name, compile=list)


def test_what_is_there_is_left_alone_and_what_comes_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(light_workers, "PACKAGES_ARE_LOCKED", False)
    before = Thing()
    inherited = weakref.ref(before)
    CallbackModule().v2_playbook_on_play_start(play("a"))
    del before
    made = weakref.ref(Thing())
    gc.collect()
    assert inherited() is not None
    assert made() is None
    assert gc.isenabled()
    assert gc.get_threshold()[0] == NEW_OBJECTS
    assert multiprocessing.active_children() == []


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> pathlib.Path:
    """Packing takes a minute, and then makes this file."""
    end = tmp_path / "end"

    def tasks(_blocks: object) -> t.Iterator[t.Any]:
        time.sleep(60)
        end.touch()
        yield from []

    monkeypatch.setattr(light_workers, "PACKAGES_ARE_LOCKED", True)
    monkeypatch.setattr(light_workers, "_tasks", tasks)
    return end


def test_one_process_packs_what_the_play_before_had_not(slow: pathlib.Path) -> None:
    callback, descriptors = CallbackModule(), os.listdir("/proc/self/fd")
    packers = []
    for name in ("a", "a", "b", "a", "b"):
        callback.v2_playbook_on_play_start(play(name))
        (packer,) = multiprocessing.active_children()
        packers.append(packer.pid)
    first, second = packers[0], packers[-1]
    assert packers == [first, first, second, second, second]
    callback.v2_playbook_on_stats(t.cast("t.Any", None))
    assert multiprocessing.active_children() == []
    assert len(os.listdir("/proc/self/fd")) == len(descriptors)
    assert not slow.exists()


def test_it_ends_however_soon_and_by_no_handler_of_ansible(slow: pathlib.Path) -> None:
    def ansible(_number: int, _frame: t.Any) -> None:
        slow.touch()

    callback = CallbackModule()
    before = signal.signal(signal.SIGTERM, ansible)
    try:
        for name in range(20):
            callback.v2_playbook_on_play_start(play(str(name)))
            assert not slow.exists()
        callback.v2_playbook_on_stats(t.cast("t.Any", None))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not slow.exists()


# Says which packages there are, with a loader as ansible-playbook has it.
PACK = """
import os, sys
from ansible import constants
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader([sys.argv[1]])
from ansible_collections.vex.backup.plugins.callback import light_workers
light_workers._pack("vex.backup.archive_7z")
print(*os.listdir(os.path.join(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache")))
"""


@pytest.mark.skipif(not PACKAGES_ARE_LOCKED, reason="this ansible-core's workers alone make packages")
def test_a_package_is_made_as_this_ansible_core_makes_it(tmp_path: pathlib.Path) -> None:
    collections = str(pathlib.Path(light_workers.__file__).parents[5])
    done = subprocess.run(
        [sys.executable, "-c", PACK, collections],
        env={**os.environ, "ANSIBLE_LOCAL_TEMP": str(tmp_path), "ANSIBLE_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    package = "ansible_collections.vex.backup.plugins.modules.archive_7z-ZIP_DEFLATED-none"
    assert set(done.stdout.split()) == {package, f"{package}.lock"}
