"""An Ansible callback that writes the start and end of each task, in JSON lines, to the file VEX_BENCH_CLOCK."""

from __future__ import annotations

import json
import os
import time

from ansible.executor.task_result import CallbackTaskResult
from ansible.playbook import Playbook
from ansible.playbook.task import Task
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: bench_clock
type: aggregate
short_description: Times of tasks, for the benchmark
description: Writes a line for each task's start and end to the file that VEX_BENCH_CLOCK names.
"""


class CallbackModule(CallbackBase):
    """The callback, under the name that Ansible expects."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "bench_clock"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        """Write the time when Ansible has read the playbook."""
        self._write("playbook", "")

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:
        """Write the start of a task."""
        self._write("start", task.get_name())

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        """Write the end of a successful task."""
        self._write("end", result.task.get_name())

    def v2_runner_on_skipped(self, result: CallbackTaskResult) -> None:
        """Write the end of a skipped task."""
        self._write("end", result.task.get_name())

    def _write(self, event: str, task: str) -> None:
        with open(os.environ["VEX_BENCH_CLOCK"], "a", encoding="utf-8") as stream:
            stream.write(json.dumps({"event": event, "task": task, "at": time.time()}) + "\n")
