# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Signals that interrupt a module, as an exception that is never raised while a child process starts or ends."""

from __future__ import annotations

import contextlib
import signal
import threading
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor

from ansible_collections.vex.backup.plugins.module_utils._errors import Interrupted


@contextlib.contextmanager
def ending_children() -> t.Iterator[None]:
    """Raise :class:`Interrupted` at the first SIGTERM, SIGHUP or SIGINT in the block, so that the module cleans up.

    Further signals are ignored: they would stop the clean-up.
    """
    received: t.List[int] = []

    def interrupt(number: int, _frame: t.Any) -> None:
        received.append(number)
        if len(received) > 1:
            return
        interruption = Interrupted(f"this step was interrupted by {signal.Signals(number).name}")
        if _undisturbed.depth:
            _undisturbed.interruption = interruption
        else:
            raise interruption

    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Undisturbed(threading.local):
    """The state of :func:`undisturbed` in one thread: its nesting depth, and the interruption to raise at its end."""

    depth = 0
    interruption: t.Optional[Interrupted] = None


_undisturbed = _Undisturbed()


@contextlib.contextmanager
def undisturbed() -> t.Iterator[None]:
    """Delay interruptions until the end of the block, a short one, so that they cannot stop it half-way.

    :raises Interrupted: at the end of the block, when a signal arrived meanwhile
    """
    _undisturbed.depth += 1
    try:
        yield
    finally:
        _undisturbed.depth -= 1
        if not _undisturbed.depth:
            interruption, _undisturbed.interruption = _undisturbed.interruption, None
            if interruption:
                raise interruption


class Threads(ThreadPoolExecutor):
    """A thread pool that starts no further calls after its block has failed.

    Interruptions are delayed while its threads start and end. Otherwise the pool fails with a ``KeyError``, and Python
    3.11 considers threads that still run as ended.
    """

    def submit(self, *arguments: t.Any, **options: t.Any) -> Future[t.Any]:
        """Start the call in a thread, as :class:`ThreadPoolExecutor` does."""
        with undisturbed():
            return super().submit(*arguments, **options)

    def shutdown(self, *arguments: t.Any, **options: t.Any) -> None:
        """Wait for the threads, as :class:`ThreadPoolExecutor` does."""
        with undisturbed():
            super().shutdown(*arguments, **options)

    def __exit__(self, kind: t.Optional[t.Type[BaseException]], *_error: object) -> None:
        self.shutdown(cancel_futures=kind is not None)
