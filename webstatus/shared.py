"""What every user sees the same of is made once for all of them."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")

# Long enough for all who look at once, shorter than anybody's refresh.
LIFETIME = datetime.timedelta(seconds=2)
# A value this old will still do for those who ask while a newer one is made.
MEANWHILE = datetime.timedelta(seconds=10)


class Shared(Generic[Value]):
    """Values by key, each for :data:`LIFETIME` by the app's own clock. Of threads that ask at once, one makes it; the
    others get the value before it, or wait when that is older than :data:`MEANWHILE`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, tuple[datetime.datetime, Value]] = {}

    def get(self, key: str, now: datetime.datetime, make: Callable[[], Value]) -> Value:
        """The value of *key*: the one that there is, or what *make* returns.

        :param key: one of few
        """
        entry = self._younger(key, now, LIFETIME)
        if entry:
            return entry[1]
        entry = self._younger(key, now, MEANWHILE)
        if not self._lock.acquire(blocking=entry is None) and entry:
            return entry[1]
        try:
            # Somebody may have made it while this thread waited, and by a clock that this thread read before.
            entry = self._younger(key, now, LIFETIME)
            if entry is None:
                entry = self._entries[key] = (now, make())
            return entry[1]
        finally:
            self._lock.release()

    def _younger(
        self, key: str, now: datetime.datetime, age: datetime.timedelta
    ) -> tuple[datetime.datetime, Value] | None:
        entry = self._entries.get(key)
        return entry if entry and abs(now - entry[0]) < age else None
