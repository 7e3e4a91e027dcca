"""A server process with a log, which is ended only by its process id."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LOG_TAIL = 2000


class ServerFailed(Exception):
    """A server did not start; the message contains the end of its log."""


class Process:
    """One server process; a later program finds it by its pid file.

    :param name: the program's name, for messages
    :param directory: for the log (``<name>.log``) and the pid file (``<name>.pid``)
    :param detached: whether the server continues after the end of this program; else the kernel ends it then
    """

    def __init__(self, name: str, directory: Path, *, detached: bool = False) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        self.pid_file = directory / f"{name}.pid"
        self._detached = detached
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while the server runs, else ``None``."""
        if self._child is not None:
            return self._child.pid if self._child.poll() is None else None
        try:
            number, started = self.pid_file.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        # The kernel reuses process ids; the start time shows whether this is the same process.
        return int(number) if _start_time(int(number)) == started else None

    def start(
        self,
        argv: Sequence[str],
        ready: Callable[[], bool],
        *,
        timeout: float = 300,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start the server, and wait until *ready* returns true.

        :param timeout: seconds until it must be ready
        :raises ServerFailed: when it ends before that or takes longer
        """
        if not self._detached:
            argv = ["setpriv", "--pdeathsig", "KILL", *argv]
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        self.pid_file.write_text(f"{self._child.pid} {_start_time(self._child.pid)}\n")
        deadline = time.monotonic() + timeout
        while not ready():
            if self._child.poll() is not None:
                raise self._failure(f"ended with exit status {self._child.returncode}")
            if time.monotonic() > deadline:
                self.stop()
                raise self._failure(f"was not ready after {timeout:.0f} seconds")
            time.sleep(0.05)

    def stop(self, grace: float = 120) -> None:
        """End the process if it runs: SIGTERM, then SIGKILL after *grace* seconds."""
        if grace:
            self._end(signal.SIGTERM, grace)
        self._end(signal.SIGKILL, 60)
        self.pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """Kill the process, as in a crash."""
        self._end(signal.SIGKILL, 60)

    def _end(self, number: signal.Signals, patience: float) -> None:
        pid = self.pid
        if pid is None:
            return
        os.kill(pid, number)
        deadline = time.monotonic() + patience
        while self.pid is not None and time.monotonic() < deadline:
            time.sleep(0.02)

    def _failure(self, what: str) -> ServerFailed:
        tail = self.log.read_bytes()[-LOG_TAIL:].decode("utf-8", "replace")
        return ServerFailed(f"{self.name} {what}; the end of {self.log}:\n{tail}")


def _start_time(pid: int) -> str | None:
    """Return a process's start in ticks since boot; ``None`` if it has ended, even if nobody has reaped it yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state == "Z" else rest[18]
