"""The queries of the audit page."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from webstatus.models import AuditEntry

PER_PAGE = 50


class Entry(NamedTuple):
    """An action of a user: who did what, to whom, when and from where."""

    id: int
    created_at: datetime.datetime
    login: str
    action: str
    target: str | None
    detail: Any
    ip: str | None


class AuditPage(NamedTuple):
    """Entries, newest first. ``newer`` and ``older`` are true when there are entries before and after them."""

    entries: list[Entry]
    newer: bool
    older: bool


def entries(session: Session, login: str, *, before: int | None = None, after: int | None = None) -> AuditPage:
    """Read a page of the trail, by key.

    :param login: the beginning of the login of the acting or the affected user; empty for all
    :param before: only entries older than this one, the newest of them
    :param after: only entries newer than this one, the oldest of them
    """
    columns = AuditEntry.created_at, AuditEntry.login, AuditEntry.action, AuditEntry.target, AuditEntry.detail
    query = select(AuditEntry.id, *columns, AuditEntry.ip).limit(PER_PAGE + 1)
    if login:
        names = AuditEntry.login, AuditEntry.target
        query = query.where(or_(*(name.startswith(login, autoescape=True) for name in names)))
    if after is not None:
        found = [Entry(*row) for row in session.execute(query.where(AuditEntry.id > after).order_by(AuditEntry.id))]
        return AuditPage(found[:PER_PAGE][::-1], newer=len(found) > PER_PAGE, older=True)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    found = [Entry(*row) for row in session.execute(query.order_by(AuditEntry.id.desc()))]
    return AuditPage(found[:PER_PAGE], newer=before is not None, older=len(found) > PER_PAGE)
