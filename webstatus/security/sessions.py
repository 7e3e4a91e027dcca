"""Server-side sessions. A cookie holds the token; the database holds the token's hash."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, CursorResult, Select, delete, select, update
from sqlalchemy.orm import Session

from webstatus.models import LoginSession, Privilege, User, UserPrivilege
from webstatus.security.cookies import digest, new_token
from webstatus.settings import Settings

ADMINISTRATOR = "Administrador"
# The least time between two writes of the last use, so that not every request writes to the database.
TOUCH_EVERY = datetime.timedelta(seconds=60)
# The time after a password was typed for which users, sessions and tokens can be changed without typing it again.
CONFIRMED_FOR = datetime.timedelta(minutes=10)
# A form that was opened within that time can be sent until then.
FORM_SENT_WITHIN = datetime.timedelta(minutes=30)


class CurrentUser(NamedTuple):
    """The user of a request."""

    id: int
    login: str
    name: str
    is_administrator: bool
    must_change_password: bool
    session_id: int | None
    """The row in ``sessao``; ``None`` for a program with an API token."""
    confirmed_at: datetime.datetime | None
    """The time when the password was typed: each time begins a new session. ``None`` as above."""

    def has_confirmed(self, now: datetime.datetime, *, sends: bool) -> bool:
        """Return whether the user typed the password a short time ago.

        :param sends: whether the request sends a form, which the user may have opened earlier
        """
        limit = FORM_SENT_WITHIN if sends else CONFIRMED_FOR
        return self.confirmed_at is not None and now - self.confirmed_at < limit


def start(session: Session, settings: Settings, user_id: int, now: datetime.datetime, address: str, agent: str) -> str:
    """Create a session with a new token.

    :param now: UTC without a time zone, as in all functions here
    :param address: the client's IP address
    :param agent: the browser's User-Agent
    :returns: the token
    """
    token = new_token()
    session.execute(delete(LoginSession).where(LoginSession.expires_at < now))
    session.add(
        LoginSession(
            token_hash=digest(token),
            user_id=user_id,
            last_used_at=now,
            expires_at=now + datetime.timedelta(hours=settings.session_hours),
            ip=address[:45],
            agent=agent[:255],
            created_at=now,
        )
    )
    return token


def resume(
    session: Session, settings: Settings, token: str, now: datetime.datetime, *, counts_as_use: bool
) -> CurrentUser | None:
    """Return the user of a session's *token*, or ``None`` when the session has ended or the user is inactive.

    :param counts_as_use: whether the request restarts the idle limit; a page's background requests do not
    """
    found = session.execute(
        select_users()
        .add_columns(LoginSession.id, LoginSession.last_used_at, LoginSession.created_at)
        .join(LoginSession, LoginSession.user_id == User.id)
        .where(LoginSession.token_hash == digest(token), *alive(settings, now))
    ).first()
    if found is None:
        return None
    user_id, login, name, administrator, must_change, session_id, last_use, confirmed_at = found
    if counts_as_use and now - last_use > TOUCH_EVERY:
        session.execute(update(LoginSession).where(LoginSession.id == session_id).values(last_used_at=now))
        session.commit()
    return CurrentUser(user_id, login, name, administrator, must_change, session_id, confirmed_at)


def alive(settings: Settings, now: datetime.datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of sessions that have neither been ended nor reached a limit."""
    idle_limit = now - datetime.timedelta(minutes=settings.session_idle_minutes)
    return LoginSession.revoked_at.is_(None), LoginSession.expires_at > now, LoginSession.last_used_at > idle_limit


def select_users() -> Select[int, str, str, bool, bool]:
    """Select the columns of :class:`CurrentUser`, except the session's, of active users."""
    administrator = (
        select(UserPrivilege.id)
        .join(Privilege, Privilege.id == UserPrivilege.privilege_id)
        .where(UserPrivilege.user_id == User.id, Privilege.name == ADMINISTRATOR)
        .exists()
    )
    return select(User.id, User.login, User.name, administrator, User.must_change_password).where(User.active)


def end(session: Session, now: datetime.datetime, *, session_id: int, user_id: int) -> bool:
    """End one of a user's sessions. Return whether it had not ended before."""
    mine = LoginSession.id == session_id, LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None)
    return _revoke(session, now, *mine) == 1


def end_all(session: Session, now: datetime.datetime, user_id: int) -> int:
    """End all sessions of a user. Return the number of those that had not ended before."""
    return _revoke(session, now, LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None))


def _revoke(session: Session, now: datetime.datetime, *which: ColumnElement[bool]) -> int:
    done = session.execute(update(LoginSession).where(*which).values(revoked_at=now))
    return cast("CursorResult[Any]", done).rowcount
