"""How many backups every server has of each status, and counts that take long, remembered for a while.

Counting a million rows takes tenths of a second. In a history of more than :data:`LARGE` backups a count is therefore
remembered fifty times as long as it took: some seconds, in which the pages' numbers may lag behind the rows on them.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webstatus.models import Backup
from webstatus.queries.search import folded

LARGE = 20_000
REMEMBERED = 50
ENTRIES = 512
# One index holds all that the tally counts, in its order.
TALLY_INDEX = "FORCE INDEX (ix_backup_log_hostname_status_backup_data_inicio)"

Value = TypeVar("Value")


class Group(NamedTuple):
    """The backups of one server that have one status; ``oldest`` and ``newest`` are starts, UTC without a zone."""

    hostname: str
    status: int
    number: int
    oldest: datetime.datetime
    newest: datetime.datetime


class Tally(NamedTuple):
    """All backups, by server and status; ``servers`` are their names as written and :func:`folded`, in order.

    ``oldest`` and ``newest`` are starts, none where there is no backup.
    """

    total: int
    groups: tuple[Group, ...]
    servers: dict[str, str]
    oldest: datetime.datetime | None
    newest: datetime.datetime | None


class Counts:
    """What the app remembers. Of threads that ask for the same at once, one counts; the others get what was known last,
    or wait when nothing was.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def tally(self, session: Session) -> Tally:
        """The tally: as it is now, or as it was a moment ago when there are many backups."""
        return self.remember("tally", lambda: _tally(session), lambda tally: tally.total > LARGE)

    def remember(
        self, key: Hashable, count: Callable[[], Value], is_large: Callable[[Value], bool] = lambda _value: True
    ) -> Value:
        """What *count* returns, or returned not long ago.

        :param is_large: whether a value may be remembered at all
        """
        entry = self._entry(key)
        known: tuple[Value, float] | None = entry.known
        if known and time.monotonic() < known[1]:
            return known[0]
        if not entry.lock.acquire(blocking=known is None) and known:
            return known[0]
        try:
            known = entry.known
            if known and time.monotonic() < known[1]:
                return known[0]
            started = time.monotonic()
            value = count()
            ended = time.monotonic()
            entry.known = (value, ended + REMEMBERED * (ended - started)) if is_large(value) else None
            return value
        finally:
            entry.lock.release()

    def _entry(self, key: Hashable) -> _Entry:
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            if len(self._entries) > ENTRIES:
                self._entries.popitem(last=False)
            return entry


class _Entry:
    """``known`` is a value and until when it counts, on the monotonic clock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.known: Any = None


def _tally(session: Session) -> Tally:
    rows = session.execute(
        select(
            Backup.hostname,
            Backup.status_backup,
            func.count(),
            func.min(Backup.data_inicio),
            func.max(Backup.data_inicio),
        )
        .with_hint(Backup, TALLY_INDEX)
        .group_by(Backup.hostname, Backup.status_backup)
    )
    groups = tuple(Group(*row) for row in rows)
    names = sorted({group.hostname for group in groups})
    return Tally(
        sum(group.number for group in groups),
        groups,
        {name: folded(name) for name in names},
        min((group.oldest for group in groups), default=None),
        max((group.newest for group in groups), default=None),
    )
