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
        if _start.is_under_way:
            _start.interruption = interruption
        else:
            raise interruption

    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Start(threading.local):
    """Whether this thread starts something at this moment, and what is to be raised when it has."""

    is_under_way = False
    interruption: t.Optional[Interrupted] = None


_start = _Start()


@contextlib.contextmanager
def undisturbed() -> t.Iterator[None]:
    """Nothing interrupts the body of the ``with``, a short one: what starts there would run on, known to nobody."""
    _start.is_under_way = True
    try:
        yield
    finally:
        _start.is_under_way = False
    interruption, _start.interruption = _start.interruption, None
    if interruption:
        raise interruption


class Threads(ThreadPoolExecutor):
    """Python's own, which has to start its threads undisturbed: it fails with a ``KeyError`` otherwise."""

    def submit(self, *arguments: t.Any, **options: t.Any) -> Future[t.Any]:
        with undisturbed():
            return super().submit(*arguments, **options)
