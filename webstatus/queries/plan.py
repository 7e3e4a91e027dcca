"""How the backups that conditions ask for are found: by which index, so that nothing reads a million rows.

Server by server when there are few of them; by status when few backups have it; by size or time of day when these say
most; else by time, newest first, where every page is near its beginning unless hardly any backup fits. MariaDB and
MySQL choose well by themselves only while statistics and data agree, so the index is named.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true, union
from sqlalchemy.orm import Session

from webstatus.models import Backup
from webstatus.queries import conditions
from webstatus.queries.conditions import Condition
from webstatus.queries.counts import Tally
from webstatus.queries.moments import FIRST, LAST, SECOND, Span

# Branches of one statement: more cost more to prepare than they save.
MOST_BRANCHES = 30
# Rows that may be read and sorted for one page.
FEW = 20_000
RARE = 2_000
DENSE = 200
# An entry of an index that lacks a column costs a look into the table: some three of one that has all.
LOOK = 3
# A run is found by its end among those that began up to this long before it; longer ones are known by their length.
USUAL = datetime.timedelta(days=2)
# How new a group's newest backup may be for newer ones to be expected any moment.
FRESH = datetime.timedelta(days=7)

ORDER = "ix_backup_log_ordem"
BY_SERVER = "ix_backup_log_hostname_data_inicio"
BY_SERVER_AND_STATUS = "ix_backup_log_hostname_status_backup_data_inicio"
BY_STATUS = "ix_backup_log_status_backup"
BY_SIZE = "ix_backup_log_tamanho_arquivo_data_inicio"
BY_START_SECOND = "ix_backup_log_segundo_inicio_data_inicio"
BY_END_SECOND = "ix_backup_log_segundo_encerramento"
BY_DURATION = "ix_backup_log_duracao"

EVER = Span(FIRST, LAST)


class Branch(NamedTuple):
    """Backups to be read ``by`` one index; ``where`` is what the index is for."""

    by: str
    where: ColumnElement[bool]


class Driver(NamedTuple):
    """Branches of one kind, and the conditions that they fulfil by themselves."""

    branches: tuple[Branch, ...]
    fulfilled: tuple[Condition, ...] = ()


@dataclasses.dataclass(frozen=True)
class Plan:
    """Branches that together hold every backup that fits, and ``where`` for those that do.

    ``total`` is how many these are, where the tally tells.
    """

    branches: tuple[Branch, ...]
    where: ColumnElement[bool]
    total: int | None

    def keys(self, beside: ColumnElement[bool], *, oldest: bool, limit: int) -> Any:
        """The statement for ids and starts of the first *limit* backups that fit, newest or *oldest* first.

        :param beside: what the key of the page asks
        """
        parts = [
            _ordered(self._select(branch, Backup.id, Backup.data_inicio).where(beside), oldest).limit(limit)
            for branch in self.branches
        ]
        if len(parts) == 1:
            return parts[0]
        found = union(*parts).subquery()
        return _ordered(select(found.c.id, found.c.data_inicio), oldest, found.c).limit(limit)

    def count(self) -> Select[Any]:
        """The statement for how many backups fit."""
        if len({branch.by for branch in self.branches}) == 1:
            where = or_(*(branch.where for branch in self.branches))
            return self._select(Branch(self.branches[0].by, where), func.count())
        found = union(*(self._select(branch, Backup.id) for branch in self.branches)).subquery()
        return select(func.count()).select_from(found)

    def _select(self, branch: Branch, *columns: Any) -> Select[Any]:
        found = select(*columns).select_from(Backup).with_hint(Backup, f"FORCE INDEX ({branch.by})")
        return found.where(branch.where, self.where)


def plan(session: Session, tally: Tally, asked: Sequence[Condition], now: datetime.datetime) -> Plan | None:
    """The way to the backups for which every condition holds; none when there cannot be any.

    :param now: UTC without a zone
    """
    for part in ("servers", "statuses"):
        # Two that exclude each other leave as little as one that fits nothing.
        if _common([getattr(condition, part) for condition in asked if condition.has_only(part)]) == frozenset():
            return None
    if any(not any(condition) for condition in asked):
        return None
    deciding = [condition for condition in asked if condition.is_of_groups]
    groups = [group for group in tally.groups if all(c.allows(group.hostname, group.status) for c in deciding)]
    number = sum(group.number for group in groups)
    windows = _windows(session, asked)
    total = number if len(deciding) == len(asked) else None
    # With one in so many, ten are near wherever one begins.
    is_dense = total is not None and tally.total < DENSE * number
    driver = None if is_dense else _by_server(tally, asked, windows) or _by_status(tally, asked)
    if driver is None and not number:
        return None
    if driver is None and _size_of(windows, tally) > FEW:
        driver = _by_candidates(session, asked)
    if driver is None:
        driver = _by_time([_between(groups, now)] if windows == [EVER] else windows)
    where = and_(true(), *(condition.sql() for condition in asked if condition not in driver.fulfilled))
    return Plan(driver.branches, where, total)


def _ordered(found: Select[Any], oldest: bool, columns: Any = Backup) -> Select[Any]:
    keys = (columns.data_inicio, columns.id)
    return found.order_by(*(key.asc() if oldest else key.desc() for key in keys))


def _by_server(tally: Tally, asked: Sequence[Condition], windows: Sequence[Span]) -> Driver | None:
    """One branch for each server and status, when servers are asked for and they are few."""
    by_server = tuple(condition for condition in asked if condition.has_only("servers"))
    servers = _common([condition.servers for condition in by_server])
    if servers is None or len(servers) > MOST_BRANCHES:
        return None
    number = sum(group.number for group in tally.groups if group.hostname in servers)
    if LOOK * number > tally.total > RARE:
        return None
    time = or_(*(conditions.within(Backup.data_inicio, window) for window in windows))
    by_status = tuple(condition for condition in asked if condition.has_only("statuses"))
    statuses = _common([condition.statuses for condition in by_status])
    if statuses and len(servers) * len(statuses) <= MOST_BRANCHES:
        pairs = itertools.product(sorted(servers), sorted(statuses))
        wheres = [and_(Backup.hostname == server, Backup.status_backup == status, time) for server, status in pairs]
        return Driver(tuple(Branch(BY_SERVER_AND_STATUS, where) for where in wheres), by_server + by_status)
    wheres = [and_(Backup.hostname == server, time) for server in sorted(servers)]
    return Driver(tuple(Branch(BY_SERVER, where) for where in wheres), by_server)


def _by_status(tally: Tally, asked: Sequence[Condition]) -> Driver | None:
    by_status = tuple(condition for condition in asked if condition.has_only("statuses"))
    statuses = _common([condition.statuses for condition in by_status])
    if not statuses or sum(group.number for group in tally.groups if group.status in statuses) > RARE:
        return None
    return Driver((Branch(BY_STATUS, Backup.status_backup.in_(sorted(statuses))),), by_status)


def _by_candidates(session: Session, asked: Sequence[Condition]) -> Driver | None:
    """By size or time of day, when few backups have it."""
    for condition in asked:
        if condition.has_only("sizes"):
            branches = [Branch(BY_SIZE, or_(*(conditions.within_size(size) for size in condition.sizes)))]
        elif condition.has_only("clocks"):
            branches = [
                Branch(BY_START_SECOND, or_(*(conditions.starts_at(clock) for clock in condition.clocks))),
                Branch(BY_END_SECOND, or_(*(conditions.ends_at(clock) for clock in condition.clocks))),
            ]
        else:
            continue
        if all((session.scalar(_bounded_count(branch)) or 0) <= FEW for branch in branches):
            return Driver(tuple(branches), (condition,))
    return None


def _by_time(windows: Sequence[Span]) -> Driver:
    wheres = [conditions.within(Backup.data_inicio, window) for window in windows]
    return Driver(tuple(Branch(ORDER, where) for where in wheres))


def _bounded_count(branch: Branch) -> Select[Any]:
    found = select(Backup.id).with_hint(Backup, f"FORCE INDEX ({branch.by})").where(branch.where).limit(FEW + 1)
    return select(func.count()).select_from(found.subquery())


def _windows(session: Session, asked: Sequence[Condition]) -> list[Span]:
    """When backups began that may fit, by the condition on times that says most."""
    spans = min(
        (condition.spans for condition in asked if condition.has_only("spans")),
        key=lambda found: sum((span.end - span.start for span in found), datetime.timedelta()),
        default=(),
    )
    if not spans:
        return [EVER]
    # Those that took unusually long, or ended before they began by a clock that was set back.
    ends = Span(spans[0].start, spans[-1].end)
    first, last = session.execute(
        select(func.min(Backup.data_inicio), func.max(Backup.data_inicio))
        .with_hint(Backup, f"FORCE INDEX ({BY_DURATION})")
        .where(
            or_(Backup.duracao_segundos > int(USUAL.total_seconds()), Backup.duracao_segundos < 0),
            conditions.within(Backup.data_encerramento, ends),
        )
    ).one()
    windows: list[Span] = []
    for span in spans:
        start = min(span.start - USUAL, first or LAST)
        end = max(span.end, last + SECOND if last else FIRST)
        if windows and start <= windows[-1].end:
            windows[-1] = Span(min(windows[-1].start, start), max(windows[-1].end, end))
        else:
            windows.append(Span(start, end))
    return windows


def _size_of(windows: Sequence[Span], tally: Tally) -> float:
    """About how many backups began in the windows."""
    oldest, newest = tally.oldest, tally.newest
    if not oldest or not newest:
        return 0
    covered = sum(max(0.0, (min(window.end, newest) - max(window.start, oldest)).total_seconds()) for window in windows)
    return tally.total * covered / max(1.0, (newest - oldest).total_seconds())


def _between(groups: Sequence[Any], now: datetime.datetime) -> Span:
    """When the groups' backups began: what lies before and after need not be read."""
    newest = max(group.newest for group in groups)
    return Span(min(group.oldest for group in groups), LAST if newest > now - FRESH else newest + SECOND)


def _common(sets: Sequence[frozenset[Any]]) -> frozenset[Any] | None:
    """What is in all of the sets; ``None`` when there are none."""
    return frozenset.intersection(*sets) if sets else None
