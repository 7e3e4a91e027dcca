# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Locks that the kernel releases when the last process that holds them ends.

A process that reads a file or directory shares its lock, and one that removes or fills it has the lock alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import AlreadyRunning


@contextlib.contextmanager
def instance_lock(folder: str, instance: str) -> t.Iterator[int]:
    """Hold the lock of a database instance during the block; yield its descriptor, which child processes inherit.

    A MyDumper whose parent was killed keeps the lock until it ends.

    :param folder: the directory of the lock file
    :raises AlreadyRunning: at once, when another process holds the lock
    """
    path = _instance_path(folder, instance)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock_instance(descriptor, path)
        yield descriptor
    finally:
        os.close(descriptor)


def try_instance_lock(folder: str, instance: str) -> None:
    """Check that :func:`instance_lock` would succeed, in a directory that can be written; create nothing.

    :raises AlreadyRunning: when another process holds the lock
    :raises OSError: when the lock file cannot be opened
    """
    path = _instance_path(folder, instance)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        # Released at once: a run that starts at this moment would be refused.
        _lock_instance(descriptor, path)
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


@contextlib.contextmanager
def reading(path: str) -> t.Iterator[None]:
    """Share the lock of a file or directory during the block, so that no :func:`removing` takes it away.

    :raises AlreadyRunning: at once, when another process removes or fills it
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if not try_lock(descriptor, fcntl.LOCK_SH):
            raise AlreadyRunning(
                f"another process removes or writes {path}: wait for its end, or find it with: fuser -v {path}"
            )
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def removing(paths: t.Iterable[str]) -> t.Iterator[t.Optional[str]]:
    """Take the locks of what is to be removed, during the block.

    :returns: the first path that somebody else uses, and nothing may be removed then; else ``None``
    """
    with contextlib.ExitStack() as stack:
        yield next((path for path in paths if not _claim(path, stack)), None)


def try_lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Take the lock of an open file or directory; return false if another process holds it.

    :param kind: ``LOCK_EX`` to have it alone, ``LOCK_SH`` to share it
    """
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _claim(path: str, stack: contextlib.ExitStack) -> bool:
    """Lock a path until *stack* ends; return false if that is not possible."""
    try:
        mode = os.lstat(path).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            # Nobody locks a link.
            return True
        # NFS wants to write where a lock is not shared.
        access = os.O_RDWR if stat.S_ISREG(mode) else os.O_RDONLY
        descriptor = os.open(path, access | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except PermissionError:
        # It is another account's, and so are its locks.
        return False
    stack.callback(os.close, descriptor)
    return try_lock(descriptor)


def _instance_path(folder: str, instance: str) -> str:
    return os.path.join(folder, f".dump-{instance}.lock")


def _lock_instance(descriptor: int, path: str) -> None:
    if not try_lock(descriptor):
        raise AlreadyRunning(
            f"another dump of this server is in progress (lock {path}); wait for its end, or find it with: "
            f"fuser -v {path}"
        )
