"""The history of backups: a page of it, by key, whatever is searched for."""

from __future__ import annotations

import datetime
import decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from webstatus.models import Backup, Upload
from webstatus.queries import conditions, cursors, plan, search
from webstatus.queries.conditions import Condition, Filter
from webstatus.queries.counts import LARGE, Counts, Tally
from webstatus.queries.cursors import Cursor

ROWS = 10


class Row(NamedTuple):
    """A backup as the list shows it; sizes are megabytes, times UTC without a zone."""

    id: int
    hostname: str
    status: int
    size: decimal.Decimal | None
    start: datetime.datetime
    end: datetime.datetime | None
    stage: str | None
    upload_status: int | None


class Page(NamedTuple):
    """``number`` of ``pages``, with up to :data:`ROWS` of ``total`` backups, newest first."""

    rows: list[Row]
    total: int
    number: int = 1
    pages: int = 1

    @property
    def previous(self) -> Cursor | None:
        """The cursor of the page before; none on the first two, since the first has none."""
        return self._beside("previous", self.rows[0], self.number - 1) if self.number > 2 else None

    @property
    def next(self) -> Cursor | None:
        """The cursor of the page after; none on the last."""
        return self._beside("next", self.rows[-1], self.number + 1) if self.number < self.pages else None

    @staticmethod
    def _beside(direction: cursors.Direction, row: Row, number: int) -> Cursor:
        return Cursor(direction, number, row.start, row.id)


class _Found(NamedTuple):
    """Keys of a page's backups, newest first, and whether there are more beyond them."""

    ids: list[int]
    more: bool


def page_of(
    session: Session,
    counts: Counts,
    tally: Tally,
    asked: Filter,
    cursor: Cursor | None,
    now: datetime.datetime,
    zone: ZoneInfo,
) -> Page:
    """A page of the backups that are asked for.

    :param tally: of all backups, as *counts* gives it
    :param cursor: where the page is, ``None`` for the first
    :param now: UTC without a zone
    :param zone: the zone that a search's times are in
    """
    terms = search.parse(asked.search, zone, years_of(tally, now))
    found = conditions.conditions_of(terms, asked, tally)
    way = plan.plan(session, tally, found, now)
    if way is None:
        return Page([], 0)
    total = way.total
    if total is None:
        total = _count(session, counts, found, way, tally)
    pages = max(1, -(-total // ROWS))
    if cursor is None:
        return _first(session, way, total, pages)
    if cursor.direction == "last":
        return _last(session, way, total, pages)
    return (_next if cursor.direction == "next" else _previous)(session, way, total, pages, cursor)


def years_of(tally: Tally, now: datetime.datetime) -> range:
    """The years that the history has, now's included."""
    years = [moment.year for moment in (now, tally.oldest, tally.newest) if moment]
    return range(min(years), max(years) + 1)


def _count(session: Session, counts: Counts, found: list[Condition], way: plan.Plan, tally: Tally) -> int:
    def count() -> int:
        return session.scalar(way.count()) or 0

    return counts.remember(tuple(found), count) if tally.total > LARGE else count()


def _first(session: Session, way: plan.Plan, total: int, pages: int) -> Page:
    ids, more = _keys(session, way, true())
    # A total that is remembered may be behind the rows.
    return Page(_rows(session, ids), max(total, len(ids)), 1, max(pages, 2) if more else 1)


def _next(session: Session, way: plan.Plan, total: int, pages: int, cursor: Cursor) -> Page:
    ids, more = _keys(session, way, conditions.key_before(cursor.start, cursor.id))
    if not ids:
        return _last(session, way, total, pages)
    if not more:
        return Page(_rows(session, ids), total, pages, pages)
    # The number comes from the address: it is kept within what can be.
    number = min(max(cursor.page, 2), max(pages - 1, 2))
    return Page(_rows(session, ids), total, number, max(pages, number + 1))


def _previous(session: Session, way: plan.Plan, total: int, pages: int, cursor: Cursor) -> Page:
    ids, more = _keys(session, way, conditions.key_after(cursor.start, cursor.id), oldest=True)
    if not more:
        return _first(session, way, total, pages)
    number = max(2, min(cursor.page, pages - 1))
    return Page(_rows(session, ids), total, number, max(pages, number + 1))


def _last(session: Session, way: plan.Plan, total: int, pages: int) -> Page:
    if pages == 1:
        return _first(session, way, total, pages)
    ids, _ = _keys(session, way, true(), oldest=True, limit=total - (pages - 1) * ROWS)
    return Page(_rows(session, ids), total, pages, pages)


def _keys(
    session: Session, way: plan.Plan, beside: ColumnElement[bool], *, oldest: bool = False, limit: int = ROWS
) -> _Found:
    found = [row.id for row in session.execute(way.keys(beside, oldest=oldest, limit=limit + 1))]
    ids = found[:limit]
    return _Found(ids[::-1] if oldest else ids, len(found) > limit)


def _rows(session: Session, ids: list[int]) -> list[Row]:
    found = session.execute(
        select(
            Backup.id,
            Backup.hostname,
            Backup.status_backup,
            Backup.tamanho_arquivo,
            Backup.data_inicio,
            Backup.data_encerramento,
            Backup.etapa,
            Upload.status_upload,
        )
        .outerjoin(Upload, Upload.backup_id == Backup.id)
        .where(Backup.id.in_(ids))
        .order_by(Backup.data_inicio.desc(), Backup.id.desc())
    )
    return [Row(*row) for row in found]
