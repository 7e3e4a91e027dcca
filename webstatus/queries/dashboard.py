"""The counts of the dashboard: backups of today by status, and backups that began in each hour, minute and day."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import func, literal_column, select
from sqlalchemy.orm import Session

from webstatus.models import Backup
from webstatus.queries import fleet
from webstatus.queries.fleet import RUNNING, State

DAYS = 14
MINUTES = 60
# The dashboard lists this many runs in progress, the longest first.
LISTED = 50

DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)
MINUTE = datetime.timedelta(minutes=1)


class Slice(NamedTuple):
    """A part of time and the backups that began in it: ``start`` in the zone of the pages, ``counts`` by status."""

    start: datetime.datetime
    counts: Counter[int]


class Running(NamedTuple):
    """A run in progress; ``start`` is UTC without a zone."""

    id: int
    hostname: str
    stage: str | None
    start: datetime.datetime


class Dashboard(NamedTuple):
    """The data of the dashboard, read at ``now`` (UTC without a zone)."""

    now: datetime.datetime
    today: Counter[int]
    hours: list[Slice]
    minutes: list[Slice]
    days: list[Slice]
    running: list[Running]
    running_total: int
    servers: list[State]


def dashboard(session: Session, now: datetime.datetime, zone: ZoneInfo) -> Dashboard:
    """Read the data of the dashboard.

    :param now: UTC without a zone
    :param zone: the zone of the days and hours
    """
    hours = counted(session, hours_of_today(now, zone), zone)
    running = select(Backup.id, Backup.hostname, Backup.stage, Backup.started_at).where(Backup.status == RUNNING)
    listed = [Running(*row) for row in session.execute(running.order_by(Backup.started_at, Backup.id).limit(LISTED))]
    total = len(listed)
    if total == LISTED:
        total = session.scalar(select(func.count()).where(Backup.status == RUNNING)) or 0
    return Dashboard(
        now=now,
        today=sum((part.counts for part in hours), Counter()),
        hours=hours,
        minutes=counted(session, last_minutes(now), zone),
        days=counted(session, last_days(now, zone), zone),
        running=listed,
        running_total=total,
        servers=fleet.fleet(session),
    )


def today(session: Session, now: datetime.datetime, zone: ZoneInfo) -> Counter[int]:
    """Count the backups that began today in *zone*, by status."""
    hours = hours_of_today(now, zone)
    (day,) = counted(session, [hours[0], hours[-1]], zone)
    return day.counts


def counted(session: Session, bounds: Sequence[datetime.datetime], zone: ZoneInfo) -> list[Slice]:
    """Count the backups that began between each two of *bounds*, which are UTC without a zone and in order."""
    first, last = bounds[0], bounds[-1]
    seconds = func.timestampdiff(literal_column("SECOND"), first, Backup.started_at)
    # INTERVAL returns how many of the bounds are not after the start.
    number = func.interval(seconds, *(int((bound - first).total_seconds()) for bound in bounds)).label("number")
    rows = session.execute(
        select(number, Backup.status, func.count())
        .where(Backup.started_at >= first, Backup.started_at < last)
        .group_by(literal_column("number"), Backup.status)
    )
    slices = [Slice(bound.replace(tzinfo=datetime.UTC).astimezone(zone), Counter()) for bound in bounds[:-1]]
    for which, status, count in rows:
        slices[which - 1].counts[status] = count
    return slices


def hours_of_today(now: datetime.datetime, zone: ZoneInfo) -> list[datetime.datetime]:
    """Return the bounds of the hours of today, UTC without a zone: 25, or 24 or 26 when the clocks change."""
    date = now.replace(tzinfo=datetime.UTC).astimezone(zone).date()
    start, end = start_of(date, zone), start_of(date + DAY, zone)
    return [start + number * HOUR for number in range(-(-(end - start) // HOUR))] + [end]


def last_days(now: datetime.datetime, zone: ZoneInfo) -> list[datetime.datetime]:
    """Return the bounds of the last :data:`DAYS` days, with today, UTC without a zone."""
    date = now.replace(tzinfo=datetime.UTC).astimezone(zone).date()
    return [start_of(date + number * DAY, zone) for number in range(1 - DAYS, 2)]


def last_minutes(now: datetime.datetime) -> list[datetime.datetime]:
    """Return the bounds of the last :data:`MINUTES` minutes, with the present one."""
    minute = now.replace(second=0, microsecond=0)
    return [minute + number * MINUTE for number in range(1 - MINUTES, 2)]


def start_of(date: datetime.date, zone: ZoneInfo) -> datetime.datetime:
    """Return when a date begins in *zone*, UTC without a zone. Where clocks skip midnight, it begins at that moment."""
    midnight = datetime.datetime.combine(date, datetime.time(), zone)
    return midnight.astimezone(datetime.UTC).replace(tzinfo=None)
