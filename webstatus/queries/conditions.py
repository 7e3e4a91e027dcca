"""What is asked of a backup → SQL, and which backups it can be of at all."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, false, or_

from webstatus.models import Backup
from webstatus.queries.counts import Tally
from webstatus.queries.moments import Clock, Span
from webstatus.queries.search import SizeRange, Term


class Filter(NamedTuple):
    """What is asked of the history: text of the search field, a status and a server of the selects, or none of them."""

    search: str = ""
    status: int | None = None
    server: str = ""


class Condition(NamedTuple):
    """It holds when any of its parts does; one without parts never does."""

    servers: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    sizes: tuple[SizeRange, ...] = ()
    spans: tuple[Span, ...] = ()
    clocks: tuple[Clock, ...] = ()

    @property
    def is_of_groups(self) -> bool:
        """Whether server and status decide."""
        return not (self.sizes or self.spans or self.clocks)

    def has_only(self, part: str) -> bool:
        """Whether *part*, and nothing else, decides."""
        return all(bool(value) == (name == part) for name, value in self._asdict().items())

    def allows(self, server: str, status: int) -> bool:
        """Whether it holds for backups of that server and status, where these decide."""
        return server in self.servers or status in self.statuses

    def sql(self) -> ColumnElement[bool]:
        """For a query of backups."""
        parts: list[ColumnElement[bool]] = []
        if self.servers:
            parts.append(Backup.hostname.in_(sorted(self.servers)))
        if self.statuses:
            parts.append(Backup.status_backup.in_(sorted(self.statuses)))
        parts += [within_size(size) for size in self.sizes]
        for span in self.spans:
            parts += [within(Backup.data_inicio, span), within(Backup.data_encerramento, span)]
        for clock in self.clocks:
            parts += [starts_at(clock), ends_at(clock)]
        return or_(false(), *parts)


def conditions_of(terms: Iterable[Term], asked: Filter, tally: Tally) -> list[Condition]:
    """What the terms of a search, a status and a server ask, all of which must hold."""
    found = [
        Condition(
            frozenset(name for name, folded in tally.servers.items() if term.text in folded),
            term.statuses,
            term.sizes,
            term.spans,
            term.clocks,
        )
        for term in terms
    ]
    if asked.status is not None:
        found.append(Condition(statuses=frozenset({asked.status})))
    if asked.server:
        found.append(Condition(servers=frozenset({asked.server})))
    return found


def within(column: Any, span: Span) -> ColumnElement[bool]:
    """A time in a span."""
    return and_(column >= span.start, column < span.end)


def within_size(size: SizeRange) -> ColumnElement[bool]:
    """A size in its range."""
    return and_(Backup.tamanho_arquivo >= size.start, Backup.tamanho_arquivo < size.end)


def starts_at(clock: Clock) -> ColumnElement[bool]:
    """A start at a time of day."""
    return _shows(Backup.segundo_inicio, Backup.data_inicio, clock)


def ends_at(clock: Clock) -> ColumnElement[bool]:
    """An end at a time of day."""
    return _shows(Backup.segundo_encerramento, Backup.data_encerramento, clock)


def _shows(seconds: Any, moment: Any, clock: Clock) -> ColumnElement[bool]:
    return and_(seconds >= clock.first, seconds < clock.end, within(moment, clock.span))


def key_before(start: datetime.datetime, number: int) -> ColumnElement[bool]:
    """Older than the backup *number* that began at *start*, as the history is ordered."""
    return and_(Backup.data_inicio <= start, or_(Backup.data_inicio < start, Backup.id < number))


def key_after(start: datetime.datetime, number: int) -> ColumnElement[bool]:
    """Newer than it."""
    return and_(Backup.data_inicio >= start, or_(Backup.data_inicio > start, Backup.id > number))
