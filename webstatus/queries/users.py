"""What the login and the users' pages read."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from webstatus.models import User

# Characters.
LONGEST_LOGIN = 50


class Credentials(NamedTuple):
    """What a login is checked against."""

    id: int
    login: str
    senha: str


def credentials(session: Session, login: str) -> Credentials | None:
    """Those of the active user of that login, if there is one."""
    if len(login) > LONGEST_LOGIN:
        # To the database, characters that sort as nothing make no difference: no second way to write a login.
        return None
    found = session.execute(select(User.id, User.login, User.senha).where(User.login == login, User.ativo)).first()
    return Credentials(*found) if found else None


def still_holds(session: Session, checked: Credentials) -> bool:
    """Whether credentials that were checked are still the user's; nobody changes them before this transaction ends."""
    query = select(User.senha).where(User.id == checked.id, User.ativo).with_for_update()
    return session.scalar(query) == checked.senha
