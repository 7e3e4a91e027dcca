"""What the login and the users' pages read."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from webstatus.models import User


class Credentials(NamedTuple):
    """What a login is checked against."""

    id: int
    login: str
    senha: str


def credentials(session: Session, login: str) -> Credentials | None:
    """Those of the active user of that login, if there is one."""
    found = session.execute(select(User.id, User.login, User.senha).where(User.login == login, User.ativo)).first()
    return Credentials(*found) if found else None
