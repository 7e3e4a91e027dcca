# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A limit on the time of a whole exchange with a server, however slowly the server answers."""

from __future__ import annotations

import contextlib
import signal
import typing as t


class TimeIsOver(BaseException):
    """The time is over. Not an Exception: libraries would treat it as a failure of one attempt and go on."""


@contextlib.contextmanager
def time_limit(seconds: float) -> t.Iterator[None]:
    """Raise an error in the block after so many seconds. It is for the main thread.

    :raises TimeIsOver: in the block
    """

    def expire(_number: int, _frame: t.Any) -> None:
        raise TimeIsOver

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
