"""Modules of the collection in processes of their own that start at once: each is a fork of a prepared process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.faults.gates import arguments_of, parent_of
from tests.playbook import HANGS

MODULES = """
archive_7z backup_compare backup_download backup_hold backup_info backup_log_record backup_mail backup_proof
backup_prune backup_upload mysql_dump mysql_restore mysql_scratch restore_log_record s3_upload unarchive_7z
""".split()

SERVE = """
import ctypes, importlib, json, os, sys
from ansible.module_utils.testing import patch_module_args
package = "ansible_collections.vex.backup.plugins.modules."
modules = {name: importlib.import_module(package + name) for name in sys.argv[1:]}
# What a killed module leaves running becomes a child of this process (PR_SET_CHILD_SUBREAPER).
assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if not child:
        os.setsid()
        os.environ.update(asked["environment"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        output = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir("/")
        with patch_module_args(asked["options"]):
            modules[asked["module"]].main()
        sys.exit("the module has returned")
    print(child, flush=True)
    ended = status = 0
    while ended != child:
        # Also what earlier modules left running.
        ended, status = os.waitpid(-1, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


class Ended(NamedTuple):
    """A module that has ended: ``status`` is negative for death by that signal, ``result`` is empty without one."""

    status: int
    result: dict[str, Any]
    output: str

    @property
    def failed(self) -> bool:
        """Return whether Ansible would call this a failed task."""
        return self.status != 0 or bool(self.result.get("failed"))

    @property
    def message(self) -> str:
        """The message of a failure."""
        return str(self.result.get("msg", f"the module ended without a result (status {self.status})"))


class ModuleServer:
    """The prepared process.

    :param folder: for the output of the modules
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._output = folder / "output"
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}{SERVE}", *MODULES],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.end_children()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def start(self, module: str, options: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> int:
        """Start a module; return its process id."""
        asked = {"module": module, "options": dict(options), "environment": dict(environment or {})}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({**asked, "output": str(self._output)}) + "\n")
        self._process.stdin.flush()
        return int(self._line())

    def wait(self) -> Ended:
        """Wait for the end of the module that was started."""
        status = int(self._line())
        output = self._output.read_text("utf-8", "replace")
        result: dict[str, Any] = {}
        with contextlib.suppress(IndexError, ValueError):
            result = json.loads(output.strip().splitlines()[-1])
        return Ended(status, result, output)

    def run(self, module: str, options: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Ended:
        """Run a module to its end."""
        pid = self.start(module, options, environment)
        began = time.monotonic()
        ended = self.wait()
        assert time.monotonic() - began < HANGS, f"{module} ({pid}) hung: {ended.output}"
        return ended

    def end_children(self, but: str = "no program") -> None:
        """Kill what killed modules left running, as a power cut does; *but* is a program that stays."""
        for pid in filter(self._is_left, map(int, filter(str.isdigit, os.listdir("/proc")))):
            if os.path.basename((arguments_of(pid) or [""])[0]) != but:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)

    def _is_left(self, pid: int) -> bool:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            return parent_of(pid) == self._process.pid
        return False

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the prepared process has ended"
        return line
