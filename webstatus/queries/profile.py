"""What the profile reads: a user's own sessions and tokens."""

from __future__ import annotations

import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from webstatus.models import ApiToken, LoginSession
from webstatus.security.sessions import alive
from webstatus.settings import Settings


class LiveSession(NamedTuple):
    """A session that is neither ended nor beyond a limit."""

    id: int
    ip: str | None
    agente: str | None
    data_criacao: datetime.datetime
    ultimo_uso: datetime.datetime


class Token(NamedTuple):
    """An API token, without what proves it."""

    id: int
    nome: str
    data_criacao: datetime.datetime
    ultimo_uso: datetime.datetime | None
    expira_em: datetime.datetime | None


def live_sessions(session: Session, settings: Settings, user_id: int, now: datetime.datetime) -> list[LiveSession]:
    """A user's, the one used last first."""
    columns = LoginSession.id, LoginSession.ip, LoginSession.agente, LoginSession.data_criacao, LoginSession.ultimo_uso
    query = select(*columns).where(LoginSession.usuario_id == user_id, *alive(settings, now))
    return [LiveSession(*row) for row in session.execute(query.order_by(LoginSession.ultimo_uso.desc()).limit(100))]


def tokens(session: Session, user_id: int) -> list[Token]:
    """A user's, newest first, with those whose time is over."""
    columns = ApiToken.id, ApiToken.nome, ApiToken.data_criacao, ApiToken.ultimo_uso, ApiToken.expira_em
    query = select(*columns).where(ApiToken.usuario_id == user_id).order_by(ApiToken.id.desc())
    return [Token(*row) for row in session.execute(query)]
