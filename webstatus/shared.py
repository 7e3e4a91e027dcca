"""What every user sees the same of is made once for all of them."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")

# Long enough for all who look at once, shorter than anybody's refresh.
LIFETIME = datetime.timedelta(seconds=2)


class Shared(Generic[Value]):
    """Values by key, each for :data:`LIFETIME` by the app's own clock. Of threads that ask at once, one makes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, tuple[datetime.datetime, Value]] = {}

    def get(self, key: str, now: datetime.datetime, make: Callable[[], Value]) -> Value:
        """The value of *key*: the one that there is, or what *make* returns.

        :param key: one of few
        """
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or not datetime.timedelta() <= now - entry[0] < LIFETIME:
                entry = self._entries[key] = (now, make())
            return entry[1]
