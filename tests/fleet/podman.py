"""Containers: start and remove them, and remove those that a dead session left behind."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

# The runtime is named because another installed one may not work with the machine's control groups. Podman's default
# limits are higher than some machines allow.
LIMITS = ("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=4000:4000")
# An imported image has no stop signal.
RUN = ("run", "--detach", "--runtime", "runc", "--stop-signal", "SIGTERM", *LIMITS)
INIT = "/usr/local/sbin/init"
SESSION_LABEL = "vex-backup.session"


def podman(*arguments: str, check: bool = True, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    """Run Podman.

    :param timeout: time limit in seconds
    :raises AssertionError: with its message, when it fails and *check* is set
    """
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, timeout=timeout, check=False)
    assert not check or done.returncode == 0, f"podman {' '.join(arguments)}:\n{done.stderr}"
    return done


def start_container(image: str, hostname: str, volumes: Mapping[str, str], command: Sequence[str] = (INIT,)) -> str:
    """Start a container with an address of its own; return its id.

    :param volumes: mount points by source; a mount point that ends in ``:ro`` is read-only
    :param command: its first process
    """
    mounts = [part for source, place in volumes.items() for part in ("--volume", f"{source}:{place}")]
    label = f"{SESSION_LABEL}={os.getpid()} {_started(os.getpid())}"
    return podman(*RUN, "--label", label, "--hostname", hostname, *mounts, image, *command).stdout.strip()


def remove_container(container: str) -> None:
    """Kill a container and remove it with its data."""
    podman("rm", "--force", "--time", "0", "--volumes", container)


def address_of(container: str) -> str:
    """Return the container's address."""
    return podman("inspect", "--format", "{{.NetworkSettings.IPAddress}}", container).stdout.strip()


def gateway_of(container: str) -> str:
    """Return this machine's address as the container sees it."""
    return podman("inspect", "--format", "{{.NetworkSettings.Gateway}}", container).stdout.strip()


def remove_leftovers() -> None:
    """Remove the containers of dead sessions."""
    form = f'{{{{.ID}}}} {{{{index .Labels "{SESSION_LABEL}"}}}}'
    listed = podman("ps", "--all", "--filter", f"label={SESSION_LABEL}", "--format", form).stdout
    for line in listed.splitlines():
        container, pid, started = line.split()
        if _started(int(pid)) != started:
            remove_container(container)


def _started(pid: int) -> str | None:
    """Return the start of a process in ticks since boot, because process ids are reused."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return None
