"""One run of playbooks/backup.yml over many hosts on this machine, and its cost on the control node."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.bench import ours
from tests.bench.failure import BenchFailed
from tests.bench.place import Place

# Seconds between two readings of the memory.
PERIOD = 0.2
# A wrapper of the modules' Python, which writes the processor time of itself and its children to a file.
INTERPRETER = """#!/usr/bin/env bash
{python} "$@"
status=$?
times >>{times}
exit $status
"""


class Cost(NamedTuple):
    """The cost of one run: seconds of processor time on both sides, elapsed seconds, peak bytes of memory.

    ``control`` is ansible-playbook and its workers, with the shells that start modules; ``modules`` is what would
    compute on the hosts. ``memory`` is resident in ansible-playbook, ``memory_of_all`` in it and its workers together,
    what they share counted once.
    """

    hosts: int
    control: float
    modules: float
    seconds: float
    memory: int
    memory_of_all: int


def play(place: Place, folder: Path, hosts: int, say: Callable[[str], None]) -> Cost:
    """Back up an inventory of *hosts*, in the new *folder*.

    :raises BenchFailed: when it fails, or a host has no record of a backup that went well
    """
    folder.mkdir(mode=0o700)
    names = [f"of-{hosts}-{number:03}" for number in range(1, hosts + 1)]
    times, before = folder / "times", _computed_by_children()
    command = ours.playbook("backup.yml", _inventory(place, folder, names, times))
    output, started = folder / "playbook.out", time.monotonic()
    with output.open("wb") as stream:
        process = subprocess.Popen(
            command,
            env={**os.environ, **ours.environment()},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        memory, memory_of_all = _watch(process)
    seconds, computed = time.monotonic() - started, _computed_by_children() - before
    good = place.log.execute(
        f"SELECT COUNT(*) FROM vex_backup.backup_log WHERE hostname LIKE 'of-{hosts}-%' AND status_backup = 1"
    )
    if process.returncode != 0 or good != ((hosts,),):
        tail = output.read_bytes()[-3000:].decode("utf-8", "replace")
        raise BenchFailed(f"exit status {process.returncode}, {good} good of {hosts}; the end of the output:\n{tail}")
    modules = sum(
        int(minutes) * 60 + float(rest) for minutes, rest in re.findall(r"(\d+)m([\d.]+)s", times.read_text())
    )
    say(f"{hosts} hosts: {seconds:.0f} s")
    return Cost(hosts, computed - modules, modules, seconds, memory, memory_of_all)


def _inventory(place: Place, folder: Path, names: list[str], times: Path) -> Path:
    interpreter = folder / "python"
    interpreter.write_text(INTERPRETER.format(python=sys.executable, times=times))
    interpreter.chmod(0o700)
    variables = {
        **ours.variables(place, folder / "work/{{ inventory_hostname }}"),
        "ansible_python_interpreter": str(interpreter),
    }
    path = folder / "hosts.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"all": {"hosts": {name: {} for name in names}, "vars": variables}}))
    return path


def _computed_by_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _watch(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Read the memory of a process and its forks until it ends; return its own peak and the peak of all together."""
    own = together = 0
    while process.poll() is None:
        time.sleep(PERIOD)
        forks = [pid for pid in _children(process.pid) if _program(pid) == _program(process.pid)]
        own = max(own, _kilobytes(process.pid, "status", "VmHWM"))
        together = max(together, sum(_kilobytes(pid, "smaps_rollup", "Pss") for pid in (process.pid, *forks)))
    return own * 1024, together * 1024


def _children(pid: int) -> list[int]:
    return [int(child) for child in _contents(f"/proc/{pid}/task/{pid}/children").split()]


def _program(pid: int) -> str:
    with contextlib.suppress(OSError):  # it has just ended
        return os.readlink(f"/proc/{pid}/exe")
    return ""


def _kilobytes(pid: int, file: str, field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB", _contents(f"/proc/{pid}/{file}"), re.MULTILINE)
    return int(found[1]) if found else 0


def _contents(path: str) -> str:
    with contextlib.suppress(OSError):  # it has just ended
        return Path(path).read_text("utf-8", "replace")
    return ""
