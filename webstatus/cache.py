"""A cache for values that are the same for every user and take long to compute."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Value = TypeVar("Value")
# The time when the value was computed, and the value.
Entry = tuple[datetime.datetime, Any]

# Less than the shortest refresh of a page.
FRESH = datetime.timedelta(seconds=2)
# A count of many rows takes tenths of a second: it may be older.
FRESH_COUNT = datetime.timedelta(seconds=20)
# Up to so many times that age, a value still serves the requests that come while a newer one is made.
USABLE = 5


class Cache:
    """Values by key, each made anew when it is old.

    One thread at a time makes a value. The others get the old one, or wait when it is :data:`USABLE` times too old.

    :param clock: returns the time, UTC without a zone
    """

    def __init__(self, clock: Callable[[], datetime.datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}

    def get(self, key: str, make: Callable[[], Value], fresh: datetime.timedelta = FRESH) -> Value:
        """Return the value of *key*, from the cache or from *make*.

        :param key: one of few: entries are never removed
        :param fresh: the age at which the value is old
        """
        entry = self._entry(key, fresh) or self._renewed(key, make, fresh)
        value: Value = entry[1]
        return value

    def _renewed(self, key: str, make: Callable[[], Value], fresh: datetime.timedelta) -> Entry:
        usable = self._entry(key, fresh * USABLE)
        if not self._lock.acquire(blocking=usable is None) and usable:
            return usable
        try:
            # Another thread may have made it while this one waited.
            entry = self._entry(key, fresh)
            if entry is None:
                entry = self._entries[key] = (self._clock(), make())
            return entry
        finally:
            self._lock.release()

    def _entry(self, key: str, age: datetime.timedelta) -> Entry | None:
        entry = self._entries.get(key)
        return entry if entry and abs(self._clock() - entry[0]) < age else None
