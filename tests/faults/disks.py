"""Work directories on small or full disks."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """Mount a file system in memory on *folder*; skip the test where mounting is refused."""
    folder.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", f"mode=0700,{options}", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Fill the disk of *folder*."""
    disk = os.statvfs(folder)
    with (folder / "ballast").open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, disk.f_bavail * disk.f_frsize)


@contextlib.contextmanager
def covered(folder: Path, options: str) -> Iterator[None]:
    """Hide a directory behind a file system in memory during the block."""
    folder.mkdir(mode=0o700, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"mode=0700,{options}", "tmpfs", str(folder)]
    subprocess.run(command, check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill_inodes(folder: Path) -> None:
    """Use all inodes of the disk of *folder*."""
    ballast = folder / "inodes"
    ballast.mkdir()
    with contextlib.suppress(OSError):
        for number in itertools.count():
            (ballast / str(number)).touch()


def read_only(folder: Path) -> None:
    """Let the disk of *folder* become read-only."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
