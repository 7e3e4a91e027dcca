"""The queries of the profile page: the sessions and tokens of one user."""

from __future__ import annotations

import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from webstatus.models import ApiToken, LoginSession
from webstatus.security.sessions import alive
from webstatus.settings import Settings


class LiveSession(NamedTuple):
    """A session that has not ended or expired."""

    id: int
    ip: str | None
    agent: str | None
    created_at: datetime.datetime
    last_used_at: datetime.datetime


class Token(NamedTuple):
    """An API token, without its hash."""

    id: int
    name: str
    created_at: datetime.datetime
    last_used_at: datetime.datetime | None
    expires_at: datetime.datetime | None


def live_sessions(session: Session, settings: Settings, user_id: int, now: datetime.datetime) -> list[LiveSession]:
    """Read the live sessions of a user, the last used first."""
    columns = LoginSession.id, LoginSession.ip, LoginSession.agent, LoginSession.created_at, LoginSession.last_used_at
    query = select(*columns).where(LoginSession.user_id == user_id, *alive(settings, now))
    return [LiveSession(*row) for row in session.execute(query.order_by(LoginSession.last_used_at.desc()).limit(100))]


def tokens(session: Session, user_id: int) -> list[Token]:
    """Read the tokens of a user, newest first, with the expired ones."""
    columns = ApiToken.id, ApiToken.name, ApiToken.created_at, ApiToken.last_used_at, ApiToken.expires_at
    query = select(*columns).where(ApiToken.user_id == user_id).order_by(ApiToken.id.desc())
    return [Token(*row) for row in session.execute(query)]
