"""Throttling of passwords that are guessed: the database counts failed attempts.

An attempt is written before its password is checked, so that simultaneous attempts count each other. A refused attempt
is not counted, so that a refusal ends :data:`WINDOW` after the first counted failure: it is not written, except when it
is refused because of a simultaneous one, and then it is deleted. An IPv6 network of 64 bits counts as one address,
because one client usually has all of it.

Nobody must be able to lock others out. The failures of a known browser (see devices.py) are counted by themselves;
those of all other browsers by login and address, and by login. An address is only slowed down, after failures with
many logins, and known browsers behind it are not. But a machine at that address which never stops asking gets most of
the attempts, so that unknown browsers there may get none.
"""

from __future__ import annotations

import datetime
import ipaddress
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from webstatus.i18n import mark
from webstatus.models import LoginAttempt

WINDOW = datetime.timedelta(minutes=15)
KEPT = datetime.timedelta(days=1)
# Failures within the window: of a known browser, or of an account from one address by unknown browsers.
MAX_FAILURES = 5
# The same, of an account from all addresses by unknown browsers.
MAX_OF_ACCOUNT = 50
# Logins that failed at one address, by unknown browsers, after which these get one attempt in each pause.
MANY_LOGINS = 10
PAUSE = datetime.timedelta(seconds=3)


class TooMany(Exception):
    """There were too many failures.

    :param message: what to do, as a message of the catalog
    :param wait: the time after which another attempt is possible
    """

    def __init__(self, message: str, wait: datetime.timedelta) -> None:
        super().__init__(message)
        self.message = message
        self.seconds = max(1, int(wait.total_seconds()))

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of the response."""
        return {"Retry-After": str(self.seconds)}


class Client(NamedTuple):
    """The address of a client, and the hash of its browser when the browser is known for the login."""

    address: str
    device: str | None


def begin(session: Session, login: str, client: Client, now: datetime.datetime) -> int:
    """Record an attempt to log in, and commit it.

    :param now: UTC without a time zone
    :returns: the attempt's number for :func:`succeeded`
    :raises TooMany: when the attempt is refused
    """
    login, address = login[:50], network(client.address)
    attempt = LoginAttempt(login=login, ip=address, device=client.device, succeeded=False, created_at=now)
    if refusal := _refusal(session, attempt, now):
        raise refusal
    session.execute(delete(LoginAttempt).where(LoginAttempt.created_at < now - KEPT))
    session.add(attempt)
    session.commit()
    # Again, with the attempts that were written meanwhile.
    refusal = _refusal(session, attempt, now)
    # Release the locks on the counted rows.
    session.commit()
    if refusal:
        session.delete(attempt)
        session.commit()
        raise refusal
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


def _refusal(session: Session, attempt: LoginAttempt, now: datetime.datetime) -> TooMany | None:
    """Return why an attempt is refused, by those before it: of an attempt without a number, all that are written."""
    same_login = LoginAttempt.login == attempt.login
    unknown = LoginAttempt.device.is_(None)
    limits: list[tuple[tuple[ColumnElement[bool], ...], int, bool]]
    if attempt.device is not None:
        limits = [((same_login, LoginAttempt.device == attempt.device), MAX_FAILURES, True)]
    else:
        here = (same_login, unknown, LoginAttempt.ip == attempt.ip)
        # A right password at one address is no reason to trust the others.
        limits = [(here, MAX_FAILURES, True), ((same_login, unknown), MAX_OF_ACCOUNT, False)]
    for which, most, is_forgiven in limits:
        count, oldest = _failures(session, attempt, now, which, is_forgiven=is_forgiven)
        if count >= most:
            return TooMany(
                mark("Houve muitas tentativas de login sem sucesso. Aguarde 15 minutos e tente novamente."),
                oldest + WINDOW - now,
            )
    return _slow_down(session, attempt, now) if attempt.device is None else None


def _failures(
    session: Session,
    attempt: LoginAttempt,
    now: datetime.datetime,
    which: tuple[ColumnElement[bool], ...],
    *,
    is_forgiven: bool,
) -> tuple[int, datetime.datetime]:
    """Count failures before this attempt, including attempts whose password is being checked now.

    :param is_forgiven: whether a success ends the count of the failures before it
    :returns: the count, and the time of the first
    """
    query = select(func.count(), func.min(LoginAttempt.created_at)).where(*which, *_before(attempt, now))
    if is_forgiven:
        success = select(func.coalesce(func.max(LoginAttempt.id), 0)).where(*which, LoginAttempt.succeeded)
        query = query.where(LoginAttempt.id > success.scalar_subquery())
    if attempt.id is not None:
        # A locking read waits for attempts that are not committed yet, so that none is missed.
        query = query.with_for_update(read=True)
    count, oldest = session.execute(query).one()
    return count, oldest or now


def _slow_down(session: Session, attempt: LoginAttempt, now: datetime.datetime) -> TooMany | None:
    here = (LoginAttempt.ip == attempt.ip, LoginAttempt.device.is_(None), *_before(attempt, now))
    query = select(func.count(LoginAttempt.login.distinct()), func.max(LoginAttempt.created_at)).where(*here)
    if attempt.id is not None:
        query = query.with_for_update(read=True)
    logins, last = session.execute(query).one()
    if logins < MANY_LOGINS or now - last >= PAUSE:
        return None
    return TooMany(
        mark("Houve muitas tentativas de login sem sucesso nesta rede. Aguarde alguns segundos e tente novamente."),
        last + PAUSE - now,
    )


def _before(attempt: LoginAttempt, now: datetime.datetime) -> list[ColumnElement[bool]]:
    failed = [LoginAttempt.created_at > now - WINDOW, LoginAttempt.succeeded.is_(False)]
    return failed if attempt.id is None else [*failed, LoginAttempt.id < attempt.id]
