# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The process of a scratch server: its identity, and its end."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import typing as t

END_SECONDS = 60


class ServerProcess(t.NamedTuple):
    """A process by its number and its start in ticks since boot: the kernel gives a number to another process later."""

    pid: int
    started: t.Optional[str]

    @property
    def runs(self) -> bool:
        """Return whether this process still runs."""
        return self.started is not None and start_of(self.pid) == self.started


def start_of(pid: int) -> t.Optional[str]:
    """Return when a process started, in ticks since boot; ``None`` when it has ended; zombies have ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stream:
            state, *rest = stream.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else rest[18]


def servers_of(data: str) -> t.List[ServerProcess]:
    """Return the servers that run with this data directory, by their arguments."""
    argument = os.fsencode(f"--datadir={data}")
    found = []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        # Ended meanwhile, or of another account where the system hides those.
        with (
            contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError),
            open(f"/proc/{pid}/cmdline", "rb") as stream,
        ):
            if argument in stream.read().split(b"\0"):
                found.append(ServerProcess(pid, start_of(pid)))
    return found


def end_server(server: ServerProcess) -> None:
    """End a server with SIGTERM, then with SIGKILL after 60 seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + END_SECONDS
        if server.runs:
            with contextlib.suppress(ProcessLookupError):
                os.kill(server.pid, number)
        while server.runs and time.monotonic() < deadline:
            time.sleep(0.05)
