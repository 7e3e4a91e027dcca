"""Guessing passwords is slow: tried logins are counted in the database, by account and by address.

An attempt is written before the password is checked, so that attempts at the same time count each other. What is
refused is not counted, so a refusal ends by itself, :data:`WINDOW` after the last failure that was. The account's own
bound, which anybody can reach from many addresses, does not hold for an address that the user has logged in from.
Of IPv6, a network of 64 bits is one address: whoever has one of it has all.
"""

from __future__ import annotations

import datetime
import ipaddress

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from webstatus.i18n import mark
from webstatus.models import LoginAttempt, LoginSession, User

TOO_MANY = mark("Houve muitas tentativas de login sem sucesso. Aguarde 15 minutos e tente novamente.")

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
    login, address = login[:50], place(address)
    session.execute(delete(LoginAttempt).where(LoginAttempt.data_criacao < now - KEPT))
    attempt = LoginAttempt(login=login, ip=address, sucesso=False, data_criacao=now)
    session.add(attempt)
    session.commit()
    mine = (LoginAttempt.login == login, LoginAttempt.ip == address)
    last_success = (
        select(func.coalesce(func.max(LoginAttempt.id), 0)).where(*mine, LoginAttempt.sucesso).scalar_subquery()
    )
    must_wait = (
        _failures(session, now, attempt.id, *mine, LoginAttempt.id > last_success) >= ACCOUNT_AND_ADDRESS
        or _failures(session, now, attempt.id, LoginAttempt.ip == address) >= ADDRESS
        or (
            _failures(session, now, attempt.id, LoginAttempt.login == login) >= ACCOUNT
            and address not in _known_places(session, login)
        )
    )
    # Gives the rows that were counted back.
    session.commit()
    if must_wait:
        session.delete(attempt)
        session.commit()
        return None
    return attempt.id


def succeeded(session: Session, attempt_id: int) -> None:
    """Note that the password was right."""
    session.execute(update(LoginAttempt).where(LoginAttempt.id == attempt_id).values(sucesso=True))


def place(address: str) -> str:
    """What attempts are counted by: the address, or its network of 64 bits; 45 characters at most."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:45]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _failures(session: Session, now: datetime.datetime, attempt_id: int, *which: ColumnElement[bool]) -> int:
    """Failures before this attempt, and those that are being checked at the same time."""
    recent = (LoginAttempt.data_criacao > now - WINDOW, LoginAttempt.sucesso.is_(False), LoginAttempt.id < attempt_id)
    # A locking read waits for attempts that are written but not yet committed: none is overlooked.
    counted = select(func.count()).select_from(LoginAttempt).where(*which, *recent).with_for_update(read=True)
    return session.scalar(counted) or 0


def _known_places(session: Session, login: str) -> set[str]:
    """Where the user had sessions from; old ones are removed with time."""
    query = select(LoginSession.ip).distinct().join(User, User.id == LoginSession.usuario_id).where(User.login == login)
    return {place(address) for address in session.scalars(query) if address}
