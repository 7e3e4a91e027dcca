# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Points at which a test ends this process: before and after each durable step and each call to a server.

``VEX_FAILPOINT=rename:archive:after=kill:2`` ends it when it reaches that point for the second time. ``kill`` is
SIGKILL, ``term`` is SIGTERM. ``VEX_FAILPOINT_LOG`` names an existing file, which gets a line for each point.

Without these variables a point does nothing. With them it can only end the process: no point skips a step, changes data
or returns an error, so a backup that succeeds is as good as without them.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import signal
import typing as t

ACTIONS = {"kill": signal.SIGKILL, "term": signal.SIGTERM}


class _Setting(t.NamedTuple):
    """The point that the environment asks for: empty texts for none."""

    point: str
    signal: int
    number: str
    log: str
    visits: t.Iterator[int]


@contextlib.contextmanager
def failpoint(step: str) -> t.Iterator[None]:
    """Reach the point ``{step}:before``, run the block, and reach the point ``{step}:after`` if it succeeds."""
    _reach(f"{step}:before")
    yield
    _reach(f"{step}:after")


def _reach(point: str) -> None:
    setting = _setting()
    if setting.log:
        descriptor = os.open(setting.log, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, f"{point}\n".encode())
        finally:
            os.close(descriptor)
    if point == setting.point and str(next(setting.visits)) == setting.number:
        os.kill(os.getpid(), setting.signal)


@functools.cache
def _setting() -> _Setting:
    point, _equals, action = os.environ.get("VEX_FAILPOINT", "").partition("=")
    name, _colon, number = action.partition(":")
    return _Setting(
        point if name in ACTIONS else "",
        ACTIONS.get(name, 0),
        number or "1",
        os.environ.get("VEX_FAILPOINT_LOG", ""),
        itertools.count(1),
    )
