"""Gates that stop a run at a known point, without sleeps, so that a test can break something there."""

from __future__ import annotations

import os
import select
import signal
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.faults.source import DATABASE, LARGE
from tests.playbook import HANGS, Installation, Run

READ_BYTES = 65536


class OpenDump:
    """A gate in the middle of the large table: MyDumper writes it to a pipe that nobody reads.

    MyDumper has read part of the table's rows then, and holds its connections open. The module has read all it
    needs, so that what fails next fails in MyDumper.
    """

    def __init__(self, host: Installation) -> None:
        self._pipe = host.directory / "rows"
        self._work = host.work
        os.mkfifo(self._pipe, 0o600)
        self._reader = os.open(self._pipe, os.O_RDONLY | os.O_NONBLOCK)
        host.replace_program(
            "mydumper",
            f"""for argument; do
                case "$argument" in --outputdir=*.mydumper)
                    mkdir "${{argument#*=}}"
                    ln -s '{self._pipe}' "${{argument#*=}}/{DATABASE}.{LARGE}.00001.sql"
                esac
            done
            exec "$REAL" "$@" """,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        os.close(self._reader)

    def reach(self, run: Run) -> int:
        """Wait until MyDumper writes the table's rows, and only MyDumper works; return its process id."""
        deadline = time.monotonic() + HANGS
        while not (self._readable(0.05) and self._module_has_read()):
            assert time.monotonic() < deadline, "MyDumper never came to the large table"
            assert not run.ended, run.wait().output
            time.sleep(0.05)
        return process_with(f"--outputdir={self._work}/")

    def go_on(self, run: Run) -> None:
        """Read everything that MyDumper still writes, until the run ends."""
        while not run.ended:
            if self._readable(0.05) and not os.read(self._reader, READ_BYTES):
                time.sleep(0.01)  # the other end is closed, which counts as readable

    def _module_has_read(self) -> bool:
        return any("fingerprint: " in log.read_text() for log in self._work.glob("*.logs/backup_script.log"))

    def _readable(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        # Without a writer yet there is nothing; after the last one there is a hang-up.
        return any(events & (select.POLLIN | select.POLLHUP) for _, events in poll.poll(seconds * 1000))


class ClosedGate:
    """A gate before a program of the host: the program waits until the gate opens."""

    def __init__(self, host: Installation, program: str) -> None:
        self._host = host
        self._program = program
        self._reached = host.directory / f"{program}.reached"
        self._open = host.directory / f"{program}.open"
        host.replace_program(
            program,
            f"""if [ "$1" != --version ] && [ ! -e '{self._open}' ]; then
                : > '{self._reached}'
                while [ -d '{host.directory}' ] && [ ! -e '{self._open}' ]; do sleep 0.05; done
            fi
            exec "$REAL" "$@" """,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.go_on()
        self._host.restore_program(self._program)

    def reach(self, run: Run) -> None:
        """Wait until the program has been started."""
        deadline = time.monotonic() + HANGS
        while not self._reached.exists():
            assert time.monotonic() < deadline, f"{self._program} was never started"
            assert not run.ended, run.wait().output
            time.sleep(0.05)

    def go_on(self) -> None:
        """Open the gate: the program and every later start of it go on."""
        self._open.touch()


def process_with(argument: str) -> int:
    """Return the id of the one process that has an argument starting with *argument*."""
    (pid,) = [pid for pid in _processes() if any(part.startswith(argument) for part in arguments_of(pid))]
    return pid


def processes_with(text: str) -> list[list[str]]:
    """Return the arguments of each process that has *text* in one of them."""
    return [found for found in map(arguments_of, _processes()) if any(text in part for part in found)]


def parent_of(pid: int) -> int:
    """Return the id of a process's parent."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def kill_with_controller(pid: int) -> None:
    """Kill a process and its ancestors up to these tests, as a power cut does."""
    chain = [pid]
    while chain[-1] != os.getpid():
        chain.append(parent_of(chain[-1]))
    for doomed in reversed(chain[:-1]):
        os.kill(doomed, signal.SIGKILL)


def arguments_of(pid: int) -> list[str]:
    """Return a process's arguments; none when it has just ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]
