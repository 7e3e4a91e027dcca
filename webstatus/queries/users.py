"""The queries of the login and the pages of users."""

from __future__ import annotations

import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from webstatus.models import Privilege, User, UserPrivilege

# Characters.
LONGEST_LOGIN = 50
PER_PAGE = 20

# A user who was given both privileges by hand is an administrator, whose name and id come first.
PRIVILEGE = (
    select(func.min(Privilege.name))
    .join(UserPrivilege, UserPrivilege.privilege_id == Privilege.id)
    .where(UserPrivilege.user_id == User.id)
    .scalar_subquery()
)
PRIVILEGE_ID = select(func.min(UserPrivilege.privilege_id)).where(UserPrivilege.user_id == User.id).scalar_subquery()


class Credentials(NamedTuple):
    """The stored data that a login is checked against."""

    id: int
    login: str
    password_hash: str
    expires_at: datetime.datetime | None
    """The end of a one-time password; ``None`` for one that the user chose."""


class UserRow(NamedTuple):
    """A line of the list."""

    id: int
    name: str
    login: str
    privilege: str | None
    active: bool
    last_login_at: datetime.datetime | None
    created_at: datetime.datetime


class UserPage(NamedTuple):
    """Page ``number`` of ``pages`` of the list, which has ``total`` users."""

    rows: list[UserRow]
    total: int
    number: int
    pages: int


class EditableUser(NamedTuple):
    """The stored values that the form of a user starts with."""

    id: int
    name: str
    login: str
    privilege_id: int | None
    active: bool
    created_at: datetime.datetime


def credentials(session: Session, login: str) -> Credentials | None:
    """Read the credentials of the active user of a login; return ``None`` when there is none."""
    if len(login) > LONGEST_LOGIN:
        # The collation ignores some characters: a longer text could equal a login.
        return None
    # An earlier release of the app takes the mark away when a password is chosen, and leaves the time.
    end = case((User.must_change_password, User.password_expires_at), else_=None)
    columns = User.id, User.login, User.password_hash, end
    found = session.execute(select(*columns).where(User.login == login, User.active)).first()
    return Credentials(*found) if found else None


def still_holds(session: Session, checked: Credentials) -> bool:
    """Return whether checked credentials are still valid, and lock them until this transaction ends."""
    query = select(User.password_hash).where(User.id == checked.id, User.active).with_for_update()
    return session.scalar(query) == checked.password_hash


def list_users(session: Session, search: str, number: int) -> UserPage:
    """Read a page of the users whose login contains *search*, in the order of the logins.

    :param number: from 1; a number after the last page gives the last page
    """
    wanted: list[ColumnElement[bool]] = [User.login.contains(search[:LONGEST_LOGIN], autoescape=True)] if search else []
    total = session.scalar(select(func.count()).select_from(User).where(*wanted)) or 0
    pages = max(1, -(-total // PER_PAGE))
    number = min(max(1, number), pages)
    query = select(User.id, User.name, User.login, PRIVILEGE, User.active, User.last_login_at, User.created_at)
    # There are few users: OFFSET is fast enough.
    rows = session.execute(query.where(*wanted).order_by(User.login).limit(PER_PAGE).offset((number - 1) * PER_PAGE))
    return UserPage([UserRow(*row) for row in rows], total, number, pages)


def editable(session: Session, user_id: int) -> EditableUser | None:
    """Read one user."""
    query = select(User.id, User.name, User.login, PRIVILEGE_ID, User.active, User.created_at)
    found = session.execute(query.where(User.id == user_id)).first()
    return EditableUser(*found) if found else None


def privileges(session: Session) -> list[tuple[int, str]]:
    """Read the id and name of every privilege."""
    return [(row.id, row.name) for row in session.execute(select(Privilege.id, Privilege.name).order_by(Privilege.id))]
