"""Throttling of logins: the database counts failed attempts by account and by IP address.

An attempt is written before its password is checked, so that simultaneous attempts count each other. A refused attempt
is not counted, so that a refusal ends :data:`WINDOW` after the last counted failure. Anybody can reach the limit of an
account from many addresses; it therefore does not apply to addresses from which the user has logged in before. An IPv6
network of 64 bits counts as one address, because one client usually has all of it.
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
# Limits: failures within the window of one account from one address, of one address, of one account.
MAX_OF_ACCOUNT_AND_ADDRESS = 5
MAX_OF_ADDRESS = 30
MAX_OF_ACCOUNT = 50


def begin(session: Session, login: str, address: str, now: datetime.datetime) -> int | None:
    """Record an attempt to log in, and commit it.

    :param now: UTC without a time zone
    :returns: the attempt's number for :func:`succeeded`, or ``None`` when the attempt is refused
    """
    login, address = login[:50], network(address)
    session.execute(delete(LoginAttempt).where(LoginAttempt.created_at < now - KEPT))
    attempt = LoginAttempt(login=login, ip=address, succeeded=False, created_at=now)
    session.add(attempt)
    session.commit()
    mine = (LoginAttempt.login == login, LoginAttempt.ip == address)
    last_success = (
        select(func.coalesce(func.max(LoginAttempt.id), 0)).where(*mine, LoginAttempt.succeeded).scalar_subquery()
    )
    is_refused = (
        _failures(session, now, attempt.id, *mine, LoginAttempt.id > last_success) >= MAX_OF_ACCOUNT_AND_ADDRESS
        or _failures(session, now, attempt.id, LoginAttempt.ip == address) >= MAX_OF_ADDRESS
        or (
            _failures(session, now, attempt.id, LoginAttempt.login == login) >= MAX_OF_ACCOUNT
            and address not in _known_networks(session, login)
        )
    )
    # Release the locks on the counted rows.
    session.commit()
    if is_refused:
        session.delete(attempt)
        session.commit()
        return None
    return attempt.id


def succeeded(session: Session, attempt_id: int) -> None:
    """Record that the attempt's password was right."""
    session.execute(update(LoginAttempt).where(LoginAttempt.id == attempt_id).values(succeeded=True))


def network(address: str) -> str:
    """Return an IPv4 address itself, or the network of 64 bits of an IPv6 address; at most 45 characters."""
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
    """Count failures before this attempt, including attempts whose password is being checked now."""
    recent = (LoginAttempt.created_at > now - WINDOW, LoginAttempt.succeeded.is_(False), LoginAttempt.id < attempt_id)
    # A locking read waits for attempts that are not committed yet, so that none is missed.
    counted = select(func.count()).select_from(LoginAttempt).where(*which, *recent).with_for_update(read=True)
    return session.scalar(counted) or 0


def _known_networks(session: Session, login: str) -> set[str]:
    """Return the networks of the user's sessions of the last :data:`sessions.KEPT`."""
    query = select(LoginSession.ip).distinct().join(User, User.id == LoginSession.user_id).where(User.login == login)
    return {network(address) for address in session.scalars(query) if address}
