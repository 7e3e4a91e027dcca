"""API tokens: programs read in a user's name with them. Shown once; the database holds their hashes."""

from __future__ import annotations

import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from webstatus.accounts import AccountRefused, Actor, record
from webstatus.errors import NotFound
from webstatus.i18n import mark
from webstatus.models import ApiToken
from webstatus.security.cookies import digest, new_token

LONGEST_NAME = 80
# Of one user.
MOST = 20
# Those who look for secrets in files know it by its beginning.
BEGINNING = "vex_"


def issue(session: Session, actor: Actor, name: str, days: int | None, now: datetime.datetime) -> str:
    """Make a token for the actor; the token itself, which nobody can look up later.

    :param days: after which it is worthless; ``None`` for never
    :raises AccountRefused: when the name is missing, too long or has control characters, or there are too many tokens
    """
    if not name:
        raise AccountRefused(mark("Dê um nome ao token."))
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise AccountRefused(mark("O nome do token deve ter no máximo 80 caracteres, sem caracteres de controle."))
    there = session.scalar(select(func.count()).select_from(ApiToken).where(ApiToken.usuario_id == actor.id)) or 0
    if there >= MOST:
        raise AccountRefused(mark("Há tokens demais: revogue um antes de criar outro."))
    token = BEGINNING + new_token()
    session.add(
        ApiToken(
            usuario_id=actor.id,
            nome=name,
            token_hash=digest(token),
            escopo="leitura",
            expira_em=None if days is None else now + datetime.timedelta(days=days),
            data_criacao=now,
        )
    )
    record(session, actor, "criar_token", now, name)
    return token


def revoke(session: Session, actor: Actor, token_id: int, now: datetime.datetime) -> None:
    """Make one of the actor's tokens worthless.

    :raises NotFound: when the actor has no such token
    """
    name = session.scalar(select(ApiToken.nome).where(ApiToken.id == token_id, ApiToken.usuario_id == actor.id))
    if name is None:
        raise NotFound
    session.execute(delete(ApiToken).where(ApiToken.id == token_id))
    record(session, actor, "revogar_token", now, name)
