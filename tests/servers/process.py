"""A server's process: started with a log, waited for, and ended by its process id and no other way."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LOG_TAIL = 2000


class ServerFailed(Exception):
    """A server did not start; the message holds the end of its log."""


class Process:
    """One server process, known by its pid file, also to a later run of another program.

    :param name: for messages
    :param directory: where the log (``<name>.log``) and the pid file (``<name>.pid``) go
    :param detached: the server outlives this program; else the kernel ends it when this program dies
    """

    def __init__(self, name: str, directory: Path, *, detached: bool = False) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        self.pid_file = directory / f"{name}.pid"
        self._detached = detached
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process's id while it runs, else ``None``."""
        if self._child is not None:
            return self._child.pid if self._child.poll() is None else None
        try:
            number, started = self.pid_file.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        # A process id is used again after its process is gone; the start time tells whether this is still ours.
        return int(number) if _start_time(int(number)) == started else None

    def start(
        self,
        argv: Sequence[str],
        ready: Callable[[], bool],
        *,
        timeout: float = 60,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start the server and return when *ready* says so.

        :param timeout: seconds that it may take
        :raises ServerFailed: when it ends or takes longer
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

    def stop(self, grace: float = 20) -> None:
        """End the process: SIGTERM, then SIGKILL after *grace* seconds. One that does not run is no error."""
        if grace:
            self._end(signal.SIGTERM, grace)
        self._end(signal.SIGKILL, 10)
        self.pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        self._end(signal.SIGKILL, 10)

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
    """When a process started, in ticks since boot; ``None`` for one that is gone or only waits to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state == "Z" else rest[18]
