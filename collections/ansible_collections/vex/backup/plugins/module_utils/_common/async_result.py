# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The result of a stage that Ansible runs in the background with ``async``."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import StageLost

_KILLED = (
    "this step ended without a result: the host was restarted, or its processes were killed, as the kernel does when "
    "memory runs out (its log reports that); start the backup again"
)


def stage_result(results_file: str) -> t.Dict[str, t.Any]:
    """Read the result of a stage, without waiting for its end.

    :param results_file: the path that Ansible returns under that name when it starts a task with ``async``
    :returns: ``finished``, whether the stage has ended, and after its end also the result of its module
    :raises StageLost: when it ended without a result
    :raises OSError: when its file cannot be read
    """
    # In this order: the stage may end between the two.
    is_running = _is_running(os.path.basename(results_file))
    try:
        with open(results_file, encoding="utf-8") as stream:
            # ansible-core writes a temporary file and renames it, so this one is always complete.
            result: t.Dict[str, t.Any] = json.load(stream)
    except (FileNotFoundError, ValueError):
        result = {"started": True}
    # Only the text that stands there until the module ends has `started` (ansible-core, modules/async_wrapper.py).
    if "started" not in result:
        if _is_empty(result):
            raise StageLost(_KILLED)
        return {**result, "finished": True}
    if is_running:
        return {"finished": False}
    if os.path.exists(f"{results_file}.tmp"):
        raise StageLost(
            "this step has ended, but its result could not be saved, probably because the disk of "
            f"{os.path.dirname(results_file)} is full: make room there, and start the backup again"
        )
    raise StageLost(_KILLED)


def _is_empty(result: t.Mapping[str, t.Any]) -> bool:
    """Return whether this is the wrapper's result for a module that ended without output."""
    return "cmd" in result and result.get("data") == "" and not result.get("stderr")


def _is_running(job: str) -> bool:
    """Return whether a process of *job* exists: the text before the dot is an argument of Ansible's wrapper."""
    argument = os.fsencode(job.partition(".")[0])
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{process}/cmdline", "rb") as stream:
            if argument in stream.read().split(b"\0"):
                return True
    return False
