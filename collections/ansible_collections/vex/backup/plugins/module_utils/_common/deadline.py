# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The time limit of one stage, shared by the programs, requests and threads that work on it."""

from __future__ import annotations

import copy
import threading
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, CommandTimeout


class Deadline:
    """A time limit that starts when the object is made.

    Threads may share one: after :meth:`stop`, :meth:`check` fails in all of them.

    :param seconds: the limit; 0 or ``None`` for none
    :param work: the name of the limited work in error messages, such as ``the dump``
    :param error: the class of the errors
    """

    def __init__(self, seconds: t.Optional[float], work: str, error: t.Type[BackupError] = CommandTimeout) -> None:
        self._seconds = seconds
        self._work = work
        self._error = error
        self._end = time.monotonic() + seconds if seconds else None
        self._stopped = threading.Event()

    def remaining(self) -> t.Optional[float]:
        """Return the seconds left, more than 0, or ``None`` without a limit.

        :raises BackupError: of the class *error*, when none are left
        """
        if self._end is None:
            return None
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.passed()
        return left

    def check(self) -> None:
        """Raise an error after :meth:`stop`, or when no time is left.

        :raises BackupError: of the class *error*
        """
        if self._stopped.is_set():
            raise self._error(f"{self._work} was stopped because another part of it failed")
        self.remaining()

    def pause(self, seconds: float) -> None:
        """Wait, at most until no time is left or :meth:`stop` is called, then :meth:`check`."""
        left = self.remaining()
        self._stopped.wait(seconds if left is None else min(seconds, left))
        self.check()

    def part(self) -> Deadline:
        """Return the same limit for a part of the work, which can be stopped alone."""
        made = copy.copy(self)
        made._stopped = threading.Event()  # noqa: SLF001  # of this class
        return made

    def stop(self) -> None:
        """Make every later :meth:`check` fail."""
        self._stopped.set()

    def passed(self) -> BackupError:
        """Return the error for a time limit that has passed."""
        return self._error(f"{self._work} took longer than {self._seconds:g} seconds: raise timeout")
