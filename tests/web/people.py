"""Users of the web app."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import select

from webstatus import accounts
from webstatus.app import utc_now
from webstatus.database import Database
from webstatus.models import Privilege
from webstatus.security.trail import Actor
from webstatus.settings import load


class Person(NamedTuple):
    """A user and the user's password."""

    id: int
    name: str
    login: str
    password: str


def make_person(settings: Mapping[str, Any], privilege: str, *, name: str = "", **profile: Any) -> Person:
    """Create a user.

    :param settings: the app's settings by name
    :param privilege: ``Administrador`` or ``Cliente``
    :param profile: more fields of :class:`webstatus.accounts.Profile`
    """
    login, password = f"{privilege[:7].lower()}-{secrets.token_hex(3)}", secrets.token_urlsafe(12)
    name = name or f"{privilege} de Teste"
    with contextlib.closing(Database(load(**settings))) as database, database.session() as session:
        privilege_id = session.scalars(select(Privilege.id).where(Privilege.name == privilege)).one()
        filled = accounts.Profile(name, login, password, privilege_id, **profile)
        user_id = accounts.create(session, Actor(None, "tests", ""), filled, utc_now())
        session.commit()
    return Person(user_id, name, login, password)
