"""Failures of hosts and of the control node, at a known point of a run: network, daemons, memory and power."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tests.fleet.fleet import Member, Run
from tests.fleet.hosts import Host
from tests.fleet.podman import podman
from tests.playbook import HANGS

DATABASE = "held"
# The programs that take the longest in a stage; the first line lists those of a restore.
LOADERS = "mysql|mariadb"
STAGES = f"mydumper|{LOADERS}"


class HeldDump:
    """A dump that stops in the middle, because another session locks a table that MyDumper reads."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._host = member.host
        self._host.execute(
            f"CREATE DATABASE {DATABASE}",
            f"CREATE TABLE {DATABASE}.words (id INT PRIMARY KEY, word VARCHAR(20))",
            f"INSERT INTO {DATABASE}.words VALUES (1, 'ação'), (2, 'três')",
        )
        self._session = self._host.connect(DATABASE)
        self._session.query("LOCK TABLES words WRITE")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.go_on()
        self._host.execute(f"DROP DATABASE {DATABASE}")

    def reach(self, run: Run) -> None:
        """Wait until MyDumper waits for the table's lock."""
        deadline = time.monotonic() + HANGS
        while not self._is_waited_for():
            assert time.monotonic() < deadline, f"MyDumper did not reach the locked table on {self._host.name}"
            assert not run.ended, run.wait()
            time.sleep(0.2)

    def go_on(self) -> None:
        """Unlock the table."""
        if self._session.open:
            self._session.close()

    def _is_waited_for(self) -> bool:
        sessions = self._host.execute("SHOW PROCESSLIST")
        return any(
            user == self._member.account[0] and str(state).startswith("Waiting for")
            for _, user, _, _, _, _, state, *_ in sessions
        )


def reach_loading(host: Host, run: Run) -> None:
    """Wait until a restore loads data into the host's server."""
    deadline = time.monotonic() + HANGS
    while host.shell(f"pgrep -x '{LOADERS}'").returncode != 0:
        assert time.monotonic() < deadline, f"nothing was loaded on {host.name}"
        assert not run.ended, run.wait()
        time.sleep(0.2)


@contextlib.contextmanager
def cable_out(host: Host) -> Iterator[None]:
    """Cut the host's network. Its processes go on."""
    index = int(podman("exec", host.container, "cat", "/sys/class/net/eth0/iflink").stdout)
    link = ["ip", "link", "set", socket.if_indextoname(index)]
    subprocess.run([*link, "down"], check=True)
    try:
        yield
    finally:
        subprocess.run([*link, "up"], check=True)


@contextlib.contextmanager
def without_sshd(host: Host) -> Iterator[None]:
    """Reset every SSH connection to the host and refuse new ones. Its other processes go on."""
    podman("exec", host.container, "pkill", "-KILL", "^sshd")
    try:
        yield
    finally:
        podman("exec", host.container, "/usr/sbin/sshd")


@contextlib.contextmanager
def without_python(host: Host) -> Iterator[None]:
    """Keep modules from starting on the host, as a shortage of memory does. Its processes go on."""
    python = host.shell("readlink -f /usr/bin/python3").stdout.strip()
    podman("exec", host.container, "mv", python, f"{python}.away")
    try:
        yield
    finally:
        podman("exec", host.container, "mv", f"{python}.away", python)


def kill_stage(host: Host) -> None:
    """Kill the background process of a stage, and what its programs do not end themselves without it."""
    podman("exec", host.container, "pkill", "-KILL", "-f", "async_wrapper|AnsiballZ")
    podman("exec", host.container, "pkill", "-KILL", "-x", STAGES, check=False)


def kill_controller(run: Run, directory: Path) -> None:
    """Kill a playbook and its children on this machine, as a power cut does.

    :param directory: folder of its SSH sockets
    """
    doomed = [run.pid]
    for pid in doomed:
        doomed += _children_of(pid)
    doomed += [pid for pid in _processes() if f"ssh: {directory}/" in _command_line_of(pid)]
    for pid in doomed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    run.wait()


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _children_of(parent: int) -> list[int]:
    return [pid for pid in _processes() if _read(pid, "stat").rpartition(")")[2].split()[1:2] == [str(parent)]]


def _command_line_of(pid: int) -> str:
    return _read(pid, "cmdline")


def _read(pid: int, name: str) -> str:
    """Return a file of a process in /proc; empty when the process has ended."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes().decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
