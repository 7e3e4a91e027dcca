"""Every server: its last run, its last backup, and whether it is safe."""

from __future__ import annotations

import datetime
import decimal
import enum
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from webstatus.formats import folded
from webstatus.models import Backup, Server, Upload
from webstatus.queries import proofs
from webstatus.queries.proofs import Proof
from webstatus.schedule import ScheduleWrong, next_due

RUNNING = 0
SUCCESS, WARNING, ERROR = 1, 2, 3
# What a warning is about, there is a backup.
IS_BACKUP = {SUCCESS, WARNING}

# For a server without a schedule: a night, and two hours for one that takes longer than the last.
OLD = datetime.timedelta(hours=26)


class Condition(enum.IntEnum):
    """How a server stands, the worst last."""

    SAFE = 0
    OLD = 1
    OVERDUE = 2
    UPLOAD_FAILED = 3
    FAILED = 4
    NEVER = 5

    @property
    def is_danger(self) -> bool:
        """Whether the server is without a backup where and when it should have one."""
        return self > Condition.OLD


class Run(NamedTuple):
    """A run. Times are UTC without a zone, sizes megabytes: of the dump and of the uploaded archive."""

    hostname: str
    id: int
    status: int
    stage: str | None
    start: datetime.datetime
    end: datetime.datetime | None
    size: decimal.Decimal | None
    upload_status: int | None
    archive_size: decimal.Decimal | None

    @property
    def finished(self) -> datetime.datetime:
        """When it ended, or at least began."""
        return self.end or self.start

    @property
    def is_uploaded(self) -> bool:
        """Whether its upload is whole, or there was none to make."""
        return self.upload_status is None or self.upload_status in IS_BACKUP


class Schedule(NamedTuple):
    """When a server is expected to run; ``since`` is UTC without a zone, ``tolerance`` how late a backup may be."""

    cron: str
    time_zone: str
    tolerance: datetime.timedelta
    since: datetime.datetime


class State(NamedTuple):
    """A server: the last run that ended, the last that left a backup, the one in progress, what is expected, the last
    proof that its backups restore.
    """

    hostname: str
    last: Run | None
    backup: Run | None
    running: Run | None
    schedule: Schedule | None = None
    proof: Proof | None = None

    @property
    def due(self) -> datetime.datetime | None:
        """When the next backup is to begin, or was, UTC without a zone; ``None`` without a schedule to tell by."""
        if self.schedule is None:
            return None
        try:
            last_start = self.backup.start if self.backup else self.schedule.since
            return next_due(self.schedule.cron, self.schedule.time_zone, last_start)
        except ScheduleWrong:
            return None

    def is_overdue(self, now: datetime.datetime) -> bool:
        """Whether a backup should have been made by now, and its tolerance is over."""
        return self.schedule is not None and self.due is not None and self.due + self.schedule.tolerance < now

    def condition(self, now: datetime.datetime) -> Condition:
        """How it stands.

        :param now: UTC without a zone
        """
        if self.backup is None or self.last is None:
            return Condition.NEVER
        if self.last.status not in IS_BACKUP:
            return Condition.FAILED
        if not self.last.is_uploaded:
            return Condition.UPLOAD_FAILED
        if self.schedule is not None and self.due is not None:
            return Condition.OVERDUE if self.is_overdue(now) else Condition.SAFE
        return Condition.OLD if now - self.backup.finished > OLD else Condition.SAFE


def fleet(session: Session) -> list[State]:
    """Every server that is expected to run backups, or that ran one, by name; none that was set inactive."""
    runs: dict[str, list[Run]] = {}
    for run in _newest(session):
        runs.setdefault(folded(run.hostname), []).append(run)
    names = {key: max(found, key=_order).hostname for key, found in runs.items()}
    schedules = {}
    for server in session.scalars(select(Server)):
        key = folded(server.hostname)
        if server.active:
            names[key], schedules[key] = server.hostname, _schedule(server)
        else:
            names.pop(key, None)
    proven = proofs.newest(session)
    return [_state(names[key], runs.get(key, []), schedules.get(key), proven.get(key)) for key in sorted(names)]


def server_names(session: Session) -> list[str]:
    """Return the names of all servers that have backups, in order."""
    return list(session.scalars(select(Backup.hostname).distinct().order_by(Backup.hostname)))


def finished(state: State) -> datetime.datetime:
    """When a server's last backup ended, UTC without a zone; one that has none sorts last."""
    return state.backup.finished if state.backup else datetime.datetime(9999, 1, 1)


def _schedule(server: Server) -> Schedule | None:
    if not server.schedule:
        return None
    tolerance = datetime.timedelta(minutes=server.tolerance_minutes)
    return Schedule(server.schedule, server.time_zone, tolerance, server.created_at)


def _newest(session: Session) -> Iterable[Run]:
    """Of each server the newest run of each status: one step in the index for each."""
    newest = (
        select(Backup.hostname, Backup.status, func.max(Backup.started_at).label("start"))
        .group_by(Backup.hostname, Backup.status)
        .subquery()
    )
    rows = session.execute(
        select(
            Backup.hostname,
            Backup.id,
            Backup.status,
            Backup.stage,
            Backup.started_at,
            Backup.ended_at,
            Backup.size,
            Upload.status,
            Upload.size,
        )
        .select_from(newest)
        .join(
            Backup,
            and_(
                Backup.hostname == newest.c.hostname,
                Backup.status == newest.c.status,
                Backup.started_at == newest.c.start,
            ),
        )
        .outerjoin(Upload, Upload.backup_id == Backup.id)
    )
    return (Run(*row) for row in rows)


def _state(hostname: str, runs: list[Run], schedule: Schedule | None, proof: Proof | None) -> State:
    def last(statuses: set[int]) -> Run | None:
        return max((run for run in runs if run.status in statuses), key=_order, default=None)

    return State(hostname, last({SUCCESS, WARNING, ERROR}), last(IS_BACKUP), last({RUNNING}), schedule, proof)


def _order(run: Run) -> tuple[datetime.datetime, int]:
    return run.start, run.id
