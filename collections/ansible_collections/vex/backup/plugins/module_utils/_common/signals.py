# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A module that is told to end: as an exception, raised anywhere but where it would leave something half-started."""

from __future__ import annotations

import contextlib
import signal
import threading
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor

from ansible_collections.vex.backup.plugins.module_utils._errors import Interrupted


@contextlib.contextmanager
def ending_children() -> t.Iterator[None]:
    """Turn the first SIGTERM, SIGHUP or SIGINT into :class:`Interrupted`, so that a told-to-end module cleans up.

    Those that follow change nothing: the clean-up, which they would break off, is under way.
    """
    told: t.List[int] = []

    def interrupt(number: int, _frame: t.Any) -> None:
        told.append(number)
        if len(told) > 1:
            return
        interruption = Interrupted(f"the backup was told to end ({signal.Signals(number).name})")
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
    """How many bodies of :func:`undisturbed` this thread is in, and what is to be raised behind the outermost."""

    depth = 0
    interruption: t.Optional[Interrupted] = None


_undisturbed = _Undisturbed()


@contextlib.contextmanager
def undisturbed() -> t.Iterator[None]:
    """Nothing interrupts the body of the ``with``, a short one: what it starts or ends would be left half-way.

    :raises Interrupted: behind it, when this process was told to end meanwhile
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
    """Python's own, which begins nothing more once the body of the ``with`` has failed.

    Its threads start and end undisturbed: otherwise it fails with a ``KeyError``, and Python 3.11 takes threads that
    still work for ended.
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
