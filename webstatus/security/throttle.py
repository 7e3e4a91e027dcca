"""Guessing passwords is slow: tried logins are counted in the database, by account and by address.

An attempt is written before the password is checked, so that attempts at the same time count each other. What is
refused is not counted, so a refusal ends by itself, :data:`WINDOW` after the last failure that was. The account's own
bound, which anybody can reach from many addresses, does not hold for an address that the user has logged in from.
"""

from __future__ import annotations

import datetime

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.orm import Session

from webstatus.models import LoginAttempt, LoginSession, User

WINDOW = datetime.timedelta(minutes=15)
KEPT = datetime.timedelta(days=1)
# Failures within the window, of one account from one address, of one address, of one account from anywhere.
ACCOUNT_AND_ADDRESS = 5
ADDRESS = 30
ACCOUNT = 50


def begin(session: Session, login: str, address: str, now: datetime.datetime) -> int | None:
    """Note that a login is tried; commits.

    :param now: UTC without a zone
    :returns: the attempt, for :func:`succeeded`; ``None`` when it must wait
    """
    login, address = login[:50], address[:45]
    session.execute(delete(LoginAttempt).where(LoginAttempt.data_criacao < now - KEPT))
    attempt = LoginAttempt(login=login, ip=address, sucesso=False, data_criacao=now)
    session.add(attempt)
    session.commit()
    mine = (LoginAttempt.login == login, LoginAttempt.ip == address)
    last_success = (
        select(func.coalesce(func.max(LoginAttempt.id), 0)).where(*mine, LoginAttempt.sucesso).scalar_subquery()
    )
    if (
        _failures(session, now, attempt.id, *mine, LoginAttempt.id > last_success) >= ACCOUNT_AND_ADDRESS
        or _failures(session, now, attempt.id, LoginAttempt.ip == address) >= ADDRESS
        or (
            _failures(session, now, attempt.id, LoginAttempt.login == login) >= ACCOUNT
            and not _known_address(session, login, address)
        )
    ):
        session.delete(attempt)
        session.commit()
        return None
    return attempt.id


def succeeded(session: Session, attempt_id: int) -> None:
    """Note that the password was right."""
    session.execute(update(LoginAttempt).where(LoginAttempt.id == attempt_id).values(sucesso=True))


def _failures(session: Session, now: datetime.datetime, attempt_id: int, *which: ColumnElement[bool]) -> int:
    """Failures before this attempt, and those that are being checked at the same time."""
    recent = (LoginAttempt.data_criacao > now - WINDOW, LoginAttempt.sucesso.is_(False), LoginAttempt.id < attempt_id)
    return session.scalar(select(func.count()).where(*which, *recent)) or 0


def _known_address(session: Session, login: str, address: str) -> bool:
    """Whether the user had a session from there; old ones are removed with time."""
    session_from_there = (
        exists().where(LoginSession.usuario_id == User.id, LoginSession.ip == address).where(User.login == login)
    )
    return bool(session.scalar(select(session_from_there)))
