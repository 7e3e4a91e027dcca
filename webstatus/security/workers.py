"""The threads that run views. Few of them hash passwords, so that many logins do not keep pages waiting."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

# More at once would not be faster, because hashing is bound by the CPU. Further logins wait without a thread.
MAX_HASHING = 4

P = ParamSpec("P")
R = TypeVar("R")

# One limiter per event loop.
_hashing: RunVar[CapacityLimiter] = RunVar("vex_webstatus_hashing")


async def run(hashes: bool, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call *function* in a thread, because database and bcrypt would block the event loop.

    :param hashes: whether *function* may hash a password
    """
    call = functools.partial(function, *args, **kwargs)
    return await to_thread.run_sync(call, limiter=_hashing_limiter() if hashes else None)


def _hashing_limiter() -> CapacityLimiter:
    try:
        return _hashing.get()
    except LookupError:
        limiter = CapacityLimiter(MAX_HASHING)
        _hashing.set(limiter)
        return limiter
