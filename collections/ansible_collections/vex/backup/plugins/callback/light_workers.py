# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Callback that lets Ansible's workers search for less garbage and find the packages of modules ready."""

from __future__ import annotations

DOCUMENTATION = r"""
name: light_workers
type: aggregate
short_description: Less work for Ansible's workers
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Ansible forks a worker for each task of each host. In many of them Python's garbage collector looks through all that
    Ansible has loaded, and finds nothing there.
  - Takes what is there when a play starts out of that search, and lets the search begin less often. What plays do is
    not changed. Of the control node's processor time for a backup, a sixth is saved.
  - Before it runs a module for the first time, a worker looks for all that the module imports and packs it, for a tenth
    to a fifth of a second. From ansible-core 2.19 on, another process does that for this collection's modules from a
    play's start, while the first tasks wait for their hosts. A backup takes nearly a second less.
requirements:
  - Enable it by C(callbacks_enabled = vex.backup.light_workers) in C(ansible.cfg).
"""

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import typing as t

from ansible import constants
from ansible.executor.module_common import modify_module
from ansible.module_utils.compat.version import LooseVersion
from ansible.playbook.block import Block
from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import module_loader
from ansible.release import __version__
from ansible.template import Templar
from ansible.utils import display

if t.TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from ansible.executor.stats import AggregateStats
    from ansible.playbook.play import Play
    from ansible.playbook.task import Task

# Python's own is 700, which a worker reaches some hundred times while it makes one module's package.
NEW_OBJECTS = 20_000
COLLECTION = "vex.backup."
# Earlier ones lock a package for their workers, and for no other process.
PACKAGES_ARE_LOCKED = LooseVersion(__version__) >= LooseVersion("2.19")
ENDING = (signal.SIGTERM, signal.SIGINT)


class CallbackModule(CallbackBase):
    """Ansible looks for this name."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "vex.backup.light_workers"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._packed: t.Set[str] = set()
        self._packer: t.Optional[BaseProcess] = None

    def v2_playbook_on_play_start(self, play: Play) -> None:
        """Do so, now that Ansible, its plugins and the play are loaded, and before anything is forked.

        As https://docs.python.org/3/library/gc.html#gc.freeze advises those that fork.
        """
        gc.freeze()
        gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
        # Each batch of a play starts it anew.
        if PACKAGES_ARE_LOCKED and play._uuid not in self._packed:
            self._end_packer()
            self._packed.add(play._uuid)
            self._packer = _start_packer(play)

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:  # noqa: ARG002 - Ansible gives it
        """Leave nothing that could still write where Ansible is about to tidy up."""
        self._end_packer()

    def _end_packer(self) -> None:
        if self._packer is not None:
            self._packer.terminate()
            self._packer.join()
            self._packer.close()
            self._packer = None


def _start_packer(play: Play) -> BaseProcess:
    packer = multiprocessing.get_context("fork").Process(target=_pack_modules, args=(play, os.getpid()), daemon=True)
    # Until it has its own, it would meet them with Ansible's handlers, which speak to the workers.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        packer.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return packer


def _pack_modules(play: Play, parent: int) -> None:
    """Make the packages of the collection's modules in *play*, where Ansible's workers look for them.

    :param parent: process without which nobody needs them any more
    """
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    _be_silent()
    for name in dict.fromkeys(task.action for task in _tasks(play.compile()) if task.action.startswith(COLLECTION)):
        if os.getppid() != parent:
            return
        # What is wrong with a module, the worker that is to run it says.
        with contextlib.suppress(Exception):
            _pack(name)


def _pack(name: str) -> None:
    modify_module(
        module_name=name,
        module_path=module_loader.find_plugin_with_context(name).plugin_resolved_path,
        module_args={},
        templar=Templar(loader=None),
        task_vars={"ansible_python_interpreter": sys.executable},
        module_compression=constants.config.get_config_value("DEFAULT_MODULE_COMPRESSION"),
    )


def _be_silent() -> None:
    """Whatever there is to say of a module, its worker says; and whoever reads the output waits for its last holder."""
    display.logger = None
    with open(os.devnull, "wb") as nowhere:
        for output in (1, 2):
            os.dup2(nowhere.fileno(), output)


def _tasks(blocks: t.Iterable[t.Union[Block, Task]]) -> t.Iterator[Task]:
    for one in blocks:
        if isinstance(one, Block):
            yield from _tasks([*one.block, *one.rescue, *one.always])
        else:
            yield one
