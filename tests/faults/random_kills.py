"""Kills at a moment that nobody chose: of a sequence of modules, the one that runs then is ended."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Mapping

from tests.faults.interference import Interference, Options
from tests.faults.module_server import Ended, ModuleServer


class KillAt(Interference):
    """A kill of the module that runs after some seconds of a sequence, with everything else that runs.

    :param seconds: from the start of the first module
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._began: float | None = None

    def call(self, modules: ModuleServer, module: str, options: Options, environment: Mapping[str, str]) -> Ended:
        """Call the module, and kill it if it runs at the moment."""
        now = time.monotonic()
        self._began = self._began or now
        left = self._began + self._seconds - now
        pid = modules.start(module, options, environment)
        if left < 0:
            return modules.wait()
        timer = threading.Timer(left, self._kill, [pid])
        timer.start()
        try:
            return modules.wait()
        finally:
            timer.cancel()
            timer.join()

    def _kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
