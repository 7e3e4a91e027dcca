"""The history of backups: the pages of a selection, found by the key of the row beside the page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session, load_only, selectinload

from webstatus.cache import FRESH_COUNT, Cache
from webstatus.formats import folded
from webstatus.models import Backup, Upload
from webstatus.queries.page_cursor import Cursor
from webstatus.queries.search_terms import Range, Term

ROWS = 10
# Counting a million backups takes tenths of a second: the count of a selection ends here, the count of all is cached.
MOST_COUNTED = 1000
SHOWN = (Backup.hostname, Backup.status, Backup.size, Backup.started_at, Backup.ended_at, Backup.stage)


class Filter(NamedTuple):
    """A request for backups: the text of the search field, and the chosen status and server."""

    search: str = ""
    status: int | None = None
    server: str = ""


class Total(NamedTuple):
    """The number of backups of a selection; ``is_more`` when there are more, uncounted."""

    number: int
    is_more: bool = False

    @property
    def pages(self) -> int:
        """The number of pages, at least one."""
        return max(1, -(-self.number // ROWS))


class Page(NamedTuple):
    """Page ``number`` of ``pages``, with up to :data:`ROWS` backups of ``total``, newest first."""

    rows: list[Backup]
    total: Total
    number: int = 1
    pages: int = 1

    @property
    def previous(self) -> Cursor | None:
        """The cursor of the page before; none on the first two pages, since the first page has none."""
        row = self.rows[0] if self.number > 2 else None
        return Cursor("previous", self.number - 1, row.started_at, row.id) if row else None

    @property
    def next(self) -> Cursor | None:
        """The cursor of the page after; none on the last."""
        row = self.rows[-1] if self.number < self.pages else None
        return Cursor("next", self.number + 1, row.started_at, row.id) if row else None


class Selection(NamedTuple):
    """The backups for which all of ``where`` holds, read from one index."""

    where: tuple[ColumnElement[bool], ...]
    index_name: str

    @property
    def ids(self) -> Select[Any]:
        """The statement that reads their ids."""
        return select(Backup.id).with_hint(Backup, f"FORCE INDEX ({self.index_name})").where(*self.where)


def selection_of(selected: Filter, terms: Iterable[Term], servers: Iterable[str]) -> Selection:
    """Return the backups that fit a filter.

    The index is named because the optimizer chooses well only while its statistics are up to date. A search reads the
    index in the order of the list, which holds every column that a term may be about.

    :param terms: the terms of the search text
    :param servers: all names, in which terms are searched
    """
    names = {name: folded(name) for name in servers}
    where = [_fits(term, [name for name, text in names.items() if term.text in text]) for term in terms]
    index = "ix_backup_log_ordem"
    if selected.status is not None:
        where.append(Backup.status == selected.status)
        index = index if selected.search else "ix_backup_log_status_backup_data_inicio"
    if selected.server:
        where.append(Backup.hostname == selected.server)
        index = f"ix_backup_log_hostname{'' if selected.status is None else '_status_backup'}_data_inicio"
    return Selection(tuple(where), index)


def page_of(session: Session, cache: Cache, chosen: Selection, cursor: Cursor | None) -> Page:
    """Read a page of a selection.

    :param cache: holds the number of all backups, when they are many
    :param cursor: the place of the page, ``None`` for the first
    """
    rows, more = _rows(session, chosen, cursor)
    if cursor is None:
        total = _total(session, cache, chosen, exact=False) if more else Total(len(rows))
        return Page(rows, total, 1, max(total.pages, 2) if more else 1)
    if cursor.direction == "previous" and not more:
        return page_of(session, cache, chosen, None)
    if cursor.direction == "next" and not rows:
        return page_of(session, cache, chosen, Cursor("last"))
    is_last = cursor.direction == "last" or not more
    total = _total(session, cache, chosen, exact=is_last)
    if is_last:
        number_of_rows = len(rows) if cursor.direction == "next" else total.number - (total.pages - 1) * ROWS
        return Page(rows[-number_of_rows:], total, total.pages, total.pages)
    # The number comes from the address: it is kept within the pages that there can be.
    number = max(2, cursor.page if total.is_more else min(cursor.page, total.pages - 1))
    return Page(rows, total, number, max(total.pages, number + 1))


def _fits(term: Term, servers: list[str]) -> ColumnElement[bool]:
    """Return the condition that one of the term's meanings is true of a backup.

    :param servers: the names that contain the term
    """
    ranges: list[tuple[Any, Range]] = [(Backup.size, found) for found in term.sizes]
    ranges += [(column, found) for found in term.times for column in (Backup.started_at, Backup.ended_at)]
    parts = [and_(column >= found.start, column < found.end) for column, found in ranges]
    if term.statuses:
        parts.append(Backup.status.in_(term.statuses))
    if servers:
        parts.append(Backup.hostname.in_(servers))
    return or_(false(), *parts)


def _rows(session: Session, chosen: Selection, cursor: Cursor | None) -> tuple[list[Backup], bool]:
    """Read the rows at a cursor, newest first; also return whether there are more in its direction."""
    is_forward = cursor is None or cursor.direction == "next"
    keys, key = chosen.ids, (Backup.started_at, Backup.id)
    if cursor and cursor.direction == "next":
        keys = keys.where(key[0] <= cursor.start, or_(key[0] < cursor.start, key[1] < cursor.id))
    elif cursor and cursor.direction == "previous":
        keys = keys.where(key[0] >= cursor.start, or_(key[0] > cursor.start, key[1] > cursor.id))
    order = [column.desc() if is_forward else column.asc() for column in key]
    found = keys.order_by(*order).limit(ROWS + 1).subquery()
    rows = session.scalars(
        select(Backup)
        .join(found, found.c.id == Backup.id)
        .options(load_only(*SHOWN), selectinload(Backup.uploads).load_only(Upload.status))
        .order_by(*order)
    ).all()
    return list(rows[:ROWS])[:: 1 if is_forward else -1], len(rows) > ROWS


def _total(session: Session, cache: Cache, chosen: Selection, *, exact: bool) -> Total:
    """Count a selection: to its end when it is *exact* or the whole history, else up to :data:`MOST_COUNTED`."""

    def count(limit: int | None) -> int:
        return session.scalar(select(func.count()).select_from(chosen.ids.limit(limit).subquery())) or 0

    number = count(MOST_COUNTED + 1)
    if number <= MOST_COUNTED:
        return Total(number)
    if not chosen.where:
        return Total(cache.get("backups", lambda: count(None), fresh=FRESH_COUNT))
    return Total(count(None)) if exact else Total(MOST_COUNTED, is_more=True)
