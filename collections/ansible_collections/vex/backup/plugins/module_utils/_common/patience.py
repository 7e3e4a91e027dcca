# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Patience with a server that is away: what failed is tried again until a time limit."""

from __future__ import annotations

import random
import threading
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, OptionError

# The longest pause before the first repetition, in seconds. It doubles with each one, up to the second number.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0

Result = t.TypeVar("Result")


class Patience:
    """Tries again what failed for a reason that may pass (:attr:`BackupError.may_pass`). Threads may share one.

    Pauses are random between nothing and a bound that doubles ("full jitter"), so that the hosts of a fleet do not
    return to a server all at once.

    :param seconds: how long one call is tried again, from its first failure; 0 to try once
    :param whom: the server's name in log lines, such as ``the object store``
    :param log: gets a line when a wait begins and one when it ends
    :raises OptionError: when *seconds* is negative
    """

    def __init__(self, seconds: float, whom: str, log: t.Optional[RunLog] = None) -> None:
        if seconds < 0:
            raise OptionError("patience must be at least 0")
        self._seconds = seconds
        self._whom = whom
        self._log = log or RunLog(None)
        self._lock = threading.Lock()
        self._waiting_since: t.Optional[float] = None
        #: How often anything was tried again.
        self.repetitions = 0

    def attempt(self, action: t.Callable[[], Result], pause: t.Callable[[float], object] = time.sleep) -> Result:
        """Call *action* until it returns, and return its result.

        *action* must be safe to repeat after a failure that may pass, even if the server carried it out.

        :param pause: waits for a number of seconds; raises an error to end the attempts
        :raises BackupError: of *action*: one that does not pass, or the last one when no time is left
        """
        began: t.Optional[float] = None
        tries = 0
        while True:
            tries += 1
            try:
                result = action()
            except BackupError as error:
                now = time.monotonic()
                began = now if began is None else began
                left = began + self._seconds - now
                if not error.may_pass or left <= 0:
                    if error.may_pass and tries > 1:
                        error.extend(f"tried {tries} times in {now - began:.0f} seconds: raise patience")
                    with self._lock:
                        self._waiting_since = None
                    raise
                self._begin_wait(error)
            else:
                self._end_wait()
                return result
            # No pause is longer than the time left, so the last attempt is made when it is over.
            pause(min(_draw(tries), left))

    def _begin_wait(self, error: BackupError) -> None:
        with self._lock:
            self.repetitions += 1
            if self._waiting_since is None:
                self._waiting_since = time.monotonic()
                self._log.warning(
                    f"{self._whom} does not answer ({error}): trying again for up to {_duration(self._seconds)}"
                )

    def _end_wait(self) -> None:
        with self._lock:
            if self._waiting_since is not None:
                waited = time.monotonic() - self._waiting_since
                self._waiting_since = None
                self._log.info(f"{self._whom} answers again after {_duration(waited)}")


def _draw(tries: int) -> float:
    """Return the seconds to wait after so many *tries*."""
    # The exponent is bounded, because a float is.
    bound = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries - 1, 16))
    return random.SystemRandom().uniform(0, bound)


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 60 and not seconds % 60 else f"{seconds:.0f} seconds"
