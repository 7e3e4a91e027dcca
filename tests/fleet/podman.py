"""Containers by their ids: started, stopped and removed, and those removed that a session left behind when it died."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

# The runtime is named: another, where it is installed too, may not get along with the machine's control groups.
# Podman's own limits are above what some machines allow.
LIMITS = ("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=4000:4000")
# An imported image names no signal.
RUN = ("run", "--detach", "--runtime", "runc", "--stop-signal", "SIGTERM", *LIMITS)
INIT = "/usr/local/sbin/init"
SESSION_LABEL = "vex-backup.session"


def podman(*arguments: str, check: bool = True, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run Podman.

    :param timeout: seconds it may take
    :raises AssertionError: with what it said, when it fails and *check* is set
    """
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, timeout=timeout, check=False)
    assert not check or done.returncode == 0, f"podman {' '.join(arguments)}:\n{done.stderr}"
    return done


def start_container(image: str, hostname: str, volumes: Mapping[str, str], command: Sequence[str] = (INIT,)) -> str:
    """Start a container with an address of its own; gives its id.

    :param volumes: what is mounted where; ``:ro`` behind the place makes it read-only
    :param command: its first process
    """
    mounts = [part for source, place in volumes.items() for part in ("--volume", f"{source}:{place}")]
    label = f"{SESSION_LABEL}={os.getpid()} {_started(os.getpid())}"
    return podman(*RUN, "--label", label, "--hostname", hostname, *mounts, image, *command).stdout.strip()


def remove_container(container: str) -> None:
    """End a container at once and remove it: nobody needs its data any more."""
    podman("rm", "--force", "--time", "0", "--volumes", container)


def address_of(container: str) -> str:
    """The container's own address."""
    return podman("inspect", "--format", "{{.NetworkSettings.IPAddress}}", container).stdout.strip()


def gateway_of(container: str) -> str:
    """This machine's address as the container sees it."""
    return podman("inspect", "--format", "{{.NetworkSettings.Gateway}}", container).stdout.strip()


def remove_leftovers() -> None:
    """Remove the containers of sessions that died before they could."""
    form = f'{{{{.ID}}}} {{{{index .Labels "{SESSION_LABEL}"}}}}'
    listed = podman("ps", "--all", "--filter", f"label={SESSION_LABEL}", "--format", form).stdout
    for line in listed.splitlines():
        container, pid, started = line.split()
        if _started(int(pid)) != started:
            remove_container(container)


def _started(pid: int) -> str | None:
    """When a process started, in ticks since boot: ids of processes are used again."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return None
