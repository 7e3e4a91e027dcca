# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Locks that the kernel frees when the last process that holds them is gone."""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import AlreadyRunning


@contextlib.contextmanager
def instance_lock(folder: str, instance: str) -> t.Iterator[int]:
    """Hold the one lock of a database instance; gives the descriptor, for children to inherit.

    A MyDumper whose parent was killed keeps the lock for as long as it still dumps.

    :raises AlreadyRunning: at once, when somebody holds it
    """
    path = os.path.join(folder, f".dump-{instance}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not try_lock(descriptor):
            raise AlreadyRunning(
                f"another dump of this server is in progress (lock {path}); wait for its end, or look for it with: "
                f"fuser -v {path}"
            )
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def directory_lock(path: str, refusal: str) -> t.Iterator[None]:
    """Hold a directory for as long as the body of the ``with`` takes.

    :param refusal: what to say, and to do, when somebody else holds it
    :raises AlreadyRunning: then, at once
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if not try_lock(descriptor):
            raise AlreadyRunning(refusal)
        yield
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file or directory if nobody holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
