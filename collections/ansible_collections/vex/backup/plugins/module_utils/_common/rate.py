# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A limit on the bytes a second that threads send together."""

from __future__ import annotations

import threading
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError

# A store ends a connection on which nothing comes for a while, and several of them share the rate.
LEAST = 64 * 1024


class Rate:
    """A limit that threads share: each block waits for its turn behind all blocks before it.

    Time in which nothing was sent is not made up for.

    :param bytes_per_second: 0 for no limit
    :param clock: returns the present time in seconds
    :raises OptionError: for a limit below :data:`LEAST`
    """

    def __init__(self, bytes_per_second: int, clock: t.Callable[[], float] = time.monotonic) -> None:
        if bytes_per_second != 0 and bytes_per_second < LEAST:
            raise OptionError(
                f"rate must be 0, for no limit, or at least {LEAST} bytes a second, not {bytes_per_second}: stores end "
                "slower connections"
            )
        self._bytes_per_second = bytes_per_second
        self._clock = clock
        self._free_at = clock()
        self._lock = threading.Lock()

    def wait(self, count: int, pause: t.Callable[[float], None]) -> None:
        """Wait until *count* bytes may be sent.

        :param pause: waits so many seconds, or raises when they are more than there are: ``Deadline.pause``
        """
        if not self._bytes_per_second:
            return
        with self._lock:
            now = self._clock()
            turn = max(now, self._free_at)
            self._free_at = turn + count / self._bytes_per_second
        if turn > now:
            pause(turn - now)
