"""API tokens, with which programs read in a user's name. The database holds only their hashes."""

from __future__ import annotations

import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from webstatus.accounts import AccountRefused
from webstatus.errors import NotFound, NotSignedIn
from webstatus.i18n import mark
from webstatus.models import ApiToken, LoginSession, User
from webstatus.security import trail
from webstatus.security.cookies import digest, new_token
from webstatus.security.trail import Actor

MAX_NAME_LENGTH = 80
MAX_PER_USER = 20
# Programs that search files for secrets recognise a token by its prefix.
PREFIX = "vex_"


def issue(
    session: Session, actor: Actor, session_id: int | None, name: str, days: int | None, now: datetime.datetime
) -> str:
    """Create a token for the actor.

    :param session_id: the session in which the actor asks for it
    :param days: the token's lifetime; ``None`` for no end
    :returns: the token, which cannot be read again later
    :raises AccountRefused: when the name is missing, too long or has control characters, or the actor has too many
    :raises NotSignedIn: when the user was removed or disabled, or the session ended, during the request
    """
    if not name:
        raise AccountRefused(mark("Dê um nome ao token."))
    if len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise AccountRefused(mark("O nome do token deve ter no máximo 80 caracteres, sem caracteres de controle."))
    # Requests of the same user wait here for each other, so that none creates a token too many. A change of the user,
    # which may end the tokens, waits here too, or has come first.
    active = session.scalar(select(User.active).where(User.id == actor.id).with_for_update())
    live = select(LoginSession.id).where(LoginSession.id == session_id, LoginSession.revoked_at.is_(None))
    if not active or session.scalar(live) is None:
        raise NotSignedIn
    count = session.scalar(select(func.count()).select_from(ApiToken).where(ApiToken.user_id == actor.id)) or 0
    if count >= MAX_PER_USER:
        raise AccountRefused(mark("Há tokens demais: revogue um antes de criar outro."))
    token = PREFIX + new_token()
    session.add(
        ApiToken(
            user_id=actor.id,
            name=name,
            token_hash=digest(token),
            scope="leitura",
            expires_at=None if days is None else now + datetime.timedelta(days=days),
            created_at=now,
        )
    )
    trail.record(session, actor, "criar_token", now, name)
    return token


def revoke(session: Session, actor: Actor, owner_id: int, token_id: int, now: datetime.datetime) -> None:
    """Delete a token of the actor, or of another user when an administrator acts.

    :raises NotFound: when the owner has no token of this number
    """
    query = select(ApiToken.name, User.login).join(User, User.id == ApiToken.user_id)
    found = session.execute(query.where(ApiToken.id == token_id, User.id == owner_id)).first()
    if found is None:
        raise NotFound
    name, login = found
    session.execute(delete(ApiToken).where(ApiToken.id == token_id))
    trail.record(session, actor, "revogar_token", now, name, None if actor.id == owner_id else {"login": login})
