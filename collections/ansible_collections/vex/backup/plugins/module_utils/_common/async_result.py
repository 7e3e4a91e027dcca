# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a stage that runs in the background came to, or that it died and will never say."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import StageLost

_KILLED = (
    "this step ended without a word: the host was restarted, or its processes were killed, as the kernel does when "
    "memory runs out (its log says so then); start it again"
)


def stage_result(results_file: str) -> t.Dict[str, t.Any]:
    """Look once.

    :param results_file: what Ansible returns under that name when it starts a task with ``async``
    :returns: ``finished``, whether the stage has ended, and once it has, what its module returned
    :raises StageLost: when it ended without a result
    :raises OSError: when its file cannot be read
    """
    # In this order: it may end between the two.
    is_at_work = _is_at_work(os.path.basename(results_file))
    try:
        with open(results_file, encoding="utf-8") as stream:
            # ansible-core writes it beside and renames it: it is never half there.
            result: t.Dict[str, t.Any] = json.load(stream)
    except (FileNotFoundError, ValueError):
        result = {"started": True}
    # Only what stands there until the module has ended has `started` (ansible-core, modules/async_wrapper.py).
    if "started" not in result:
        if _says_nothing(result):
            raise StageLost(_KILLED)
        return {**result, "finished": True}
    if is_at_work:
        return {"finished": False}
    if os.path.exists(f"{results_file}.tmp"):
        raise StageLost(
            "this step has ended, and what it came to could not be written: is the disk of "
            f"{os.path.dirname(results_file)} full? Make room there, and start it again"
        )
    raise StageLost(_KILLED)


def _says_nothing(result: t.Mapping[str, t.Any]) -> bool:
    """Whether it is what the wrapper writes about a module that ended without printing anything."""
    return "cmd" in result and result.get("data") == "" and not result.get("stderr")


def _is_at_work(job: str) -> bool:
    """Whether a process of the *job* is there: Ansible's wrapper has what is before the dot as an argument."""
    argument = os.fsencode(job.partition(".")[0])
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{process}/cmdline", "rb") as stream:
            if argument in stream.read().split(b"\0"):
                return True
    return False
