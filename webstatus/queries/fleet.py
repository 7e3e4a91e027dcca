"""The state of every server: its last run, its last backup, its next one, and its condition."""

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
from webstatus.next_due import ScheduleWrong, next_due
from webstatus.queries import proofs
from webstatus.queries.proofs import Proof

RUNNING = 0
SUCCESS, WARNING, ERROR = 1, 2, 3
# The statuses of a run that left a backup.
IS_BACKUP = {SUCCESS, WARNING}

# For a server without a schedule: a day, and two hours for a run that takes longer than the one before.
OLD = datetime.timedelta(hours=26)


class Condition(enum.IntEnum):
    """The condition of a server, the worst last."""

    SAFE = 0
    OLD = 1
    OVERDUE = 2
    UPLOAD_FAILED = 3
    FAILED = 4
    NEVER = 5

    @property
    def is_danger(self) -> bool:
        """True when the server lacks a backup that it should have."""
        return self > Condition.OLD


class Copy(NamedTuple):
    """The upload of a run to one destination; ``size`` is the archive's, in megabytes."""

    destination: str
    status: int
    size: decimal.Decimal | None


class Run(NamedTuple):
    """A run with its uploads. Times are UTC without a zone, the size of the dump is in megabytes.

    ``size_alarms`` is how many sizes are alarming, ``None`` when they were not compared with earlier backups.
    """

    hostname: str
    id: int
    status: int
    stage: str | None
    start: datetime.datetime
    end: datetime.datetime | None
    size: decimal.Decimal | None
    size_alarms: int | None
    copies: tuple[Copy, ...]

    @property
    def finished(self) -> datetime.datetime:
        """The time when it ended; when it began, if the end is unknown."""
        return self.end or self.start

    @property
    def is_uploaded(self) -> bool:
        """True when the uploads to all destinations succeeded, or the run had none."""
        return all(copy.status in IS_BACKUP for copy in self.copies)

    @property
    def archive_size(self) -> decimal.Decimal | None:
        """The size of the uploaded archive, in megabytes."""
        return next((copy.size for copy in self.copies if copy.size is not None), None)


class Schedule(NamedTuple):
    """The expected runs of a server. A backup may be ``tolerance`` late; ``since`` is UTC without a zone."""

    cron: str
    time_zone: str
    tolerance: datetime.timedelta
    since: datetime.datetime


class State(NamedTuple):
    """A server with its last ended run, last run that left a backup, run in progress, schedule and last proof."""

    hostname: str
    last: Run | None
    backup: Run | None
    running: Run | None
    schedule: Schedule | None = None
    proof: Proof | None = None

    @property
    def due(self) -> datetime.datetime | None:
        """The time of the next backup, even if it is over, UTC without a zone; ``None`` without a valid schedule."""
        if self.schedule is None:
            return None
        try:
            last_start = self.backup.start if self.backup else self.schedule.since
            return next_due(self.schedule.cron, self.schedule.time_zone, last_start)
        except ScheduleWrong:
            return None

    def is_overdue(self, now: datetime.datetime) -> bool:
        """Return whether a backup is due and its tolerance is over."""
        return self.schedule is not None and self.due is not None and self.due + self.schedule.tolerance < now

    def condition(self, now: datetime.datetime) -> Condition:
        """Return the condition of the server.

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
    """Read every server that has a backup or is expected to, by name, without the inactive ones."""
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
    """Return when the last backup of a server ended, UTC without a zone; the far future when there is none."""
    return state.backup.finished if state.backup else datetime.datetime(9999, 1, 1)


def _schedule(server: Server) -> Schedule | None:
    if not server.schedule:
        return None
    tolerance = datetime.timedelta(minutes=server.tolerance_minutes)
    return Schedule(server.schedule, server.time_zone, tolerance, server.created_at)


def _newest(session: Session) -> Iterable[Run]:
    """Read the newest run of each server and status: one step in the index for each."""
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
            Backup.size_alarms,
            Upload.destination,
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
        .order_by(Upload.id)
    )
    found: dict[int, Run] = {}
    for *of_run, destination, status, size in rows:
        run = found.setdefault(of_run[1], Run._make((*of_run, ())))
        if destination is not None:
            found[run.id] = run._replace(copies=(*run.copies, Copy(destination, status, size)))
    return found.values()


def _state(hostname: str, runs: list[Run], schedule: Schedule | None, proof: Proof | None) -> State:
    def last(statuses: set[int]) -> Run | None:
        return max((run for run in runs if run.status in statuses), key=_order, default=None)

    return State(hostname, last({SUCCESS, WARNING, ERROR}), last(IS_BACKUP), last({RUNNING}), schedule, proof)


def _order(run: Run) -> tuple[datetime.datetime, int]:
    return run.start, run.id
