"""The time, child programs, memory and processor time of one command, measured from outside."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.failure import BenchFailed

# Seconds between two readings. A process that lives shorter may be missed; a stage is not. A reading takes two
# milliseconds of processor time, which the command may lack.
PERIOD = 0.1
ARGUMENTS_SHOWN = 160
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Program:
    """A process while it ran one program.

    ``first`` and ``last`` are when it was seen, in seconds since 1970; ``peak`` is its most resident bytes, ``cpu`` the
    seconds that it computed, ``waited`` those that its first thread could have but other work had the processor.
    """

    name: str
    arguments: str
    first: float
    last: float
    peak: int = 0
    cpu: float = 0.0
    waited: float = 0.0


@dataclass
class Watched:
    """A successful command: elapsed ``seconds``, its programs, and the time of each line of its log."""

    started: float
    seconds: float
    programs: list[Program] = field(default_factory=list)
    lines: list[tuple[float, str]] = field(default_factory=list)


def run(
    argv: Sequence[str],
    output: Path,
    *,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    logs: str | None = None,
) -> Watched:
    """Run a command to its end.

    :param output: file that gets what it prints
    :param directory: where it runs
    :param environment: added to this process's own
    :param logs: pattern, below *directory*, of a log whose lines are timed as they appear
    :raises BenchFailed: when it fails; the message holds the end of what it printed
    """
    with output.open("wb") as stream:
        started, clock = time.time(), time.monotonic()
        process = subprocess.Popen(
            argv,
            cwd=directory,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        watcher = _Watcher(process.pid, directory if logs else None, logs or "")
        thread = threading.Thread(target=watcher.watch)
        thread.start()
        try:
            returncode = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
        finally:
            seconds = time.monotonic() - clock
            watcher.ended.set()
            thread.join()
    if returncode != 0:
        tail = output.read_bytes()[-3000:].decode("utf-8", "replace")
        raise BenchFailed(f"{argv[0]} ended with exit status {returncode}; the end of {output}:\n{tail}")
    return Watched(started, seconds, list(watcher.programs.values()), watcher.lines)


class _Watcher:
    """A reader of a process, its descendants and its log, until ``ended`` is set."""

    def __init__(self, root: int, directory: Path | None, logs: str) -> None:
        self.ended = threading.Event()
        self.programs: dict[tuple[int, str], Program] = {}
        self.lines: list[tuple[float, str]] = []
        # True for descendants of the command, decided once, because the parent of an orphan changes.
        self._ours: dict[int, bool] = {root: True}
        # Processor and waiting time of a process before it executed another program.
        self._before: dict[tuple[int, str], tuple[float, float]] = {}
        self._directory = directory
        self._logs = logs
        self._read: dict[Path, int] = {}

    def watch(self) -> None:
        while not self.ended.wait(PERIOD):
            self._look()
        self._read_logs(time.time())

    def _look(self) -> None:
        now = time.time()
        present = {int(name) for name in os.listdir("/proc") if name.isdigit()}
        for pid in sorted(present - self._ours.keys()):
            self._ours[pid] = self._ours.get(_parent(pid), False)
        for pid in self._ours.keys() - present:
            del self._ours[pid]
        for pid in [pid for pid, ours in self._ours.items() if ours]:
            self._look_at(pid, now)
        self._read_logs(now)

    def _look_at(self, pid: int, now: float) -> None:
        status = _contents(f"/proc/{pid}/status")
        peak = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
        if peak is None:  # it has just ended
            return
        name = status.partition("\n")[0].partition("\t")[2]
        cpu, waited = _computed(pid), _waited(pid)
        program = self.programs.get((pid, name))
        if program is None:
            earlier = [known for (other, _), known in self.programs.items() if other == pid]
            self._before[pid, name] = sum(one.cpu for one in earlier), sum(one.waited for one in earlier)
            arguments = " ".join(_contents(f"/proc/{pid}/cmdline").split("\0"))[:ARGUMENTS_SHOWN].strip()
            program = self.programs[pid, name] = Program(name, arguments, now, now)
        program.last = now
        program.cpu = max(program.cpu, cpu - self._before[pid, name][0])
        program.waited = max(program.waited, waited - self._before[pid, name][1])
        program.peak = max(program.peak, int(peak[1]) * 1024)

    def _read_logs(self, now: float) -> None:
        for path in self._directory.glob(self._logs) if self._directory else []:
            with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
                stream.seek(self._read.get(path, 0))
                text = stream.read()
                whole = text[: text.rfind(b"\n") + 1]
                self._read[path] = self._read.get(path, 0) + len(whole)
                self.lines += [(now, line) for line in whole.decode("utf-8", "replace").splitlines()]


def _parent(pid: int) -> int:
    found = re.search(r"\) \S (\d+)", _contents(f"/proc/{pid}/stat"))
    return int(found[1]) if found else 0


def _computed(pid: int) -> float:
    fields = _contents(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS if fields else 0.0


def _waited(pid: int) -> float:
    fields = _contents(f"/proc/{pid}/schedstat").split()
    return int(fields[1]) / 1e9 if fields else 0.0


def _contents(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
