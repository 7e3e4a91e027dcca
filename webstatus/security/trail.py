"""The audit trail, and its lines in the server's log: who did what, to whom, when and from where.

A line has the address first and then, quoted, the texts that a client may have chosen. So no login can look like an
address or begin another line, and a program that bans addresses can rely on it.
"""

from __future__ import annotations

import datetime
import json
import logging
from typing import Any, NamedTuple

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from webstatus.models import AuditEntry

# The names that show a person or program without access. The log has them as warnings.
FAILED_LOGIN = "falhar_login"
BLOCKED = "bloquear_login"
WRONG_PASSWORD = "errar_senha"  # noqa: S105 - the name of an action
DENIED = "negar_acesso"
WARNINGS = {FAILED_LOGIN, BLOCKED, WRONG_PASSWORD, DENIED}

PENDING = "trail"

logger = logging.getLogger(__name__)


class Actor(NamedTuple):
    """The user who acts, and the address.

    ``id`` is ``None`` for a person at the terminal of the web host, and for a client who is not logged in. The login of
    such a client is empty, because people type passwords into that field by mistake.
    """

    id: int | None
    login: str
    address: str


def record(
    session: Session,
    actor: Actor,
    action: str,
    now: datetime.datetime,
    target: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add an entry to the audit trail, and a line to the log when it is committed. It must not contain a password."""
    session.add(
        AuditEntry(
            user_id=actor.id,
            login=actor.login,
            action=action,
            target=None if target is None else target[:120],
            detail=detail,
            ip=actor.address[:45] or None,
            created_at=now,
        )
    )
    session.info.setdefault(PENDING, []).append((actor, action, target))


def record_once(
    session: Session, actor: Actor, action: str, now: datetime.datetime, within: datetime.timedelta
) -> None:
    """Add an entry like :func:`record`, unless the trail has the same one since *within*. Always add the line."""
    same = (
        select(AuditEntry.id)
        .where(AuditEntry.login == actor.login, AuditEntry.action == action, AuditEntry.created_at > now - within)
        .where(AuditEntry.ip == (actor.address[:45] or None))
    )
    if session.scalar(same.limit(1)) is None:
        record(session, actor, action, now)
    else:
        write_line(actor, action)


def write_line(actor: Actor, action: str, target: str | None = None) -> None:
    """Write one line to the server's log. ``json`` escapes control characters and everything outside of ASCII."""
    parts = [f"address={actor.address or '-'}", f"action={action}", f"login={json.dumps(actor.login)}"]
    if target is not None:
        parts.append(f"target={json.dumps(target)}")
    logger.log(logging.WARNING if action in WARNINGS else logging.INFO, " ".join(parts))


@event.listens_for(Session, "after_commit")
def _write_lines(session: Session) -> None:
    for actor, action, target in session.info.pop(PENDING, []):
        write_line(actor, action, target)


@event.listens_for(Session, "after_soft_rollback")
def _forget_lines(session: Session, _transaction: object) -> None:
    session.info.pop(PENDING, None)
