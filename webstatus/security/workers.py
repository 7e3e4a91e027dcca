"""The threads that answer. Passwords are hashed by few of them, so that any number of logins leaves room for pages."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

# Hashing works the processor: more at once would not be quicker. Those above wait on the event loop, without a thread.
HASHING_AT_ONCE = 4

P = ParamSpec("P")
R = TypeVar("R")

# One for each event loop.
_hashing: RunVar[CapacityLimiter] = RunVar("vex_webstatus_hashing")


async def run(hashes: bool, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call *function* in a thread: database and bcrypt wait and work, which the event loop must not.

    :param hashes: whether it may hash a password
    """
    call = functools.partial(function, *args, **kwargs)
    return await to_thread.run_sync(call, limiter=_hashing_limiter() if hashes else None)


def _hashing_limiter() -> CapacityLimiter:
    try:
        return _hashing.get()
    except LookupError:
        limiter = CapacityLimiter(HASHING_AT_ONCE)
        _hashing.set(limiter)
        return limiter
