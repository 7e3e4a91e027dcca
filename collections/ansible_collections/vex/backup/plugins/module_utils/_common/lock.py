# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Locks that the kernel releases when the last process that holds them ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import AlreadyRunning


@contextlib.contextmanager
def instance_lock(folder: str, instance: str) -> t.Iterator[int]:
    """Hold the lock of a database instance during the block; yield its descriptor, which child processes inherit.

    A MyDumper whose parent was killed keeps the lock until it ends.

    :param folder: the directory of the lock file
    :raises AlreadyRunning: at once, when another process holds the lock
    """
    path = os.path.join(folder, f".dump-{instance}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not try_lock(descriptor):
            raise AlreadyRunning(
                f"another dump of this server is in progress (lock {path}); wait for its end, or find it with: "
                f"fuser -v {path}"
            )
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def directory_lock(path: str, refusal: str) -> t.Iterator[None]:
    """Hold the lock of a directory during the block.

    :param refusal: the error's message, with a remedy
    :raises AlreadyRunning: at once, when another process holds the lock
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if not try_lock(descriptor):
            raise AlreadyRunning(refusal)
        yield
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file or directory; return false if another process holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
