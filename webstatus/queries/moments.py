"""Times as people see them → times as the log tables have them: UTC, without a zone."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY = datetime.timedelta(days=1)
SECOND = datetime.timedelta(seconds=1)
SECONDS_OF_DAY = 86400
# Far enough from datetime's own ends for any offset.
FIRST = datetime.datetime(1000, 1, 1)
LAST = datetime.datetime(9000, 1, 1)


class Span(NamedTuple):
    """From ``start`` until before ``end``, UTC without a zone."""

    start: datetime.datetime
    end: datetime.datetime


class Clock(NamedTuple):
    """Seconds of the UTC day, from ``first`` until before ``end``, on moments within ``span``."""

    first: int
    end: int
    span: Span


class Period(NamedTuple):
    """A span in which the zone is the same ``offset`` away from UTC."""

    span: Span
    offset: datetime.timedelta


def spans_of(start: datetime.datetime, end: datetime.datetime, zone: ZoneInfo) -> tuple[Span, ...]:
    """When the clocks of *zone* show from *start* until before *end*: twice for an hour that a change repeats."""
    found = (
        Span(max(start - period.offset, period.span.start), min(end - period.offset, period.span.end))
        for period in _periods(zone, range((start - DAY).year, (end + DAY).year + 1))
    )
    return tuple(_joined(span for span in found if span.start < span.end))


def clocks_of(first: int, end: int, zone: ZoneInfo, years: range) -> tuple[Clock, ...]:
    """When the clocks of *zone* show from second *first* of the day until before *end*, on any day.

    :param years: those of the moments that are looked for
    """
    clocks = []
    for offset, spans in _by_offset(zone, years).items():
        shifted = int((first - offset.total_seconds()) % SECONDS_OF_DAY)
        over = shifted + end - first - SECONDS_OF_DAY
        for span in spans:
            clocks.append(Clock(shifted, min(shifted + end - first, SECONDS_OF_DAY), span))
            if over > 0:
                clocks.append(Clock(0, over, span))
    return tuple(clocks)


def _by_offset(zone: ZoneInfo, years: range) -> dict[datetime.timedelta, list[Span]]:
    periods = list(_periods(zone, years)) or list(_periods(zone, range(2000, 2001)))
    # What lies before and after those years is taken to be like their ends.
    periods[0] = periods[0]._replace(span=periods[0].span._replace(start=FIRST))
    periods[-1] = periods[-1]._replace(span=periods[-1].span._replace(end=LAST))
    found: dict[datetime.timedelta, list[Span]] = {}
    for period in periods:
        found.setdefault(period.offset, []).append(period.span)
    return {offset: list(_joined(spans)) for offset, spans in found.items()}


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans that touch, as one; given and returned in order."""
    last: Span | None = None
    for span in spans:
        if last and span.start == last.end:
            last = last._replace(end=span.end)
            continue
        if last:
            yield last
        last = span
    if last:
        yield last


def _periods(zone: ZoneInfo, years: range) -> Iterator[Period]:
    for year in years:
        yield from _periods_of_year(zone, year)


@functools.lru_cache(maxsize=256)
def _periods_of_year(zone: ZoneInfo, year: int) -> tuple[Period, ...]:
    """The year's periods, found by looking at every day: zoneinfo does not tell its changes."""
    start, end = datetime.datetime(year, 1, 1), datetime.datetime(year + 1, 1, 1)
    periods, day = [], start
    while day < end:
        offset, following = _offset(zone, day), day + DAY
        if _offset(zone, following) != offset:
            change = _change(zone, day, following)
            periods.append(Period(Span(start, change), offset))
            start = change
        day = following
    periods.append(Period(Span(start, end), _offset(zone, start)))
    return tuple(period for period in periods if period.span.start < period.span.end)


def _change(zone: ZoneInfo, before: datetime.datetime, after: datetime.datetime) -> datetime.datetime:
    """The first second that has the offset of *after*."""
    offset = _offset(zone, before)
    while after - before > SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        before, after = (middle, after) if _offset(zone, middle) == offset else (before, middle)
    return after


def _offset(zone: ZoneInfo, moment: datetime.datetime) -> datetime.timedelta:
    return moment.replace(tzinfo=datetime.UTC).astimezone(zone).utcoffset() or datetime.timedelta()
