"""The creation, change and removal of users, each with its audit record. The last active administrator stays."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webstatus.errors import Forbidden, NotFound
from webstatus.i18n import mark
from webstatus.models import ApiToken, Privilege, User, UserPrivilege
from webstatus.security import devices, passwords, sessions, throttle, trail
from webstatus.security.sessions import ADMINISTRATOR
from webstatus.security.trail import Actor

DUPLICATE = 1062
WRONG_PASSWORD = mark("A senha atual não confere.")


class AccountRefused(Exception):
    """A change of an account that is not possible; the message is one of the catalogs."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Profile(NamedTuple):
    """The fields of the form of a user. An empty ``password`` keeps the present one.

    ``one_time_until`` is the end of a password that its user must change at the first login; ``None`` for a password
    that its user chose.
    """

    name: str
    login: str
    password: str
    privilege_id: int
    active: bool = True
    one_time_until: datetime.datetime | None = None


def create(session: Session, actor: Actor, profile: Profile, now: datetime.datetime) -> int:
    """Create a user; return the new id.

    :raises AccountRefused: when the login is taken, or a field is not valid
    """
    _check(session, profile)
    hashed = _hashed(session, profile.password, profile.login, profile.name)
    _check_actor(session, actor)
    user = User(
        name=profile.name,
        login=profile.login,
        password_hash=hashed,
        active=profile.active,
        must_change_password=profile.one_time_until is not None,
        password_expires_at=profile.one_time_until,
        created_at=now,
    )
    session.add(user)
    _flush(session)
    session.add(UserPrivilege(user_id=user.id, privilege_id=profile.privilege_id, created_at=now))
    trail.record(session, actor, "criar_usuario", now, profile.login, _described(session, profile))
    return user.id


def change(session: Session, actor: Actor, user_id: int, profile: Profile, now: datetime.datetime) -> None:
    """Change a user. A new password, or disabling the account, ends the sessions and API tokens of the user.

    :raises NotFound: when there is no such user
    :raises AccountRefused: as :func:`create`, and when no active administrator would be left
    """
    _check(session, profile)
    hashed = _hashed(session, profile.password, profile.login, profile.name) if profile.password else None
    administrators = _check_actor(session, actor)
    user = _locked(session, user_id)
    stays = profile.active and session.get_one(Privilege, profile.privilege_id).name == ADMINISTRATOR
    if not stays:
        _check_not_last(administrators, user_id)
    before = {
        "nome": user.name,
        "login": user.login,
        "privilegio": _privilege_names(session, user_id),
        "ativo": user.active,
    }
    user.name, user.login, user.active = profile.name, profile.login, profile.active
    if hashed:
        user.password_hash, user.password_expires_at = hashed, profile.one_time_until
        user.must_change_password = profile.one_time_until is not None
    _flush(session)
    if before["privilegio"] != _described(session, profile)["privilegio"]:
        session.execute(delete(UserPrivilege).where(UserPrivilege.user_id == user_id))
        session.add(UserPrivilege(user_id=user_id, privilege_id=profile.privilege_id, created_at=now))
    ended_tokens = 0
    if hashed or not profile.active:
        sessions.end_all(session, now, user_id)
        ended_tokens = end_tokens(session, user_id)
    after = _described(session, profile)
    changed: dict[str, Any] = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    if hashed:
        changed["senha"] = mark("alterada")
    if ended_tokens:
        changed["tokens"] = ended_tokens
    trail.record(session, actor, "alterar_usuario", now, profile.login, changed)


def remove(session: Session, actor: Actor, user_id: int, now: datetime.datetime) -> None:
    """Remove a user with sessions and tokens. The audit records about the user stay.

    :raises NotFound: when there is no such user
    :raises AccountRefused: when no active administrator would be left
    """
    administrators = _check_actor(session, actor)
    user = _locked(session, user_id)
    _check_not_last(administrators, user_id)
    detail = {"nome": user.name, "privilegio": _privilege_names(session, user_id)}
    trail.record(session, actor, "excluir_usuario", now, user.login, detail)
    session.flush()
    session.execute(delete(User).where(User.id == user_id))


def choose_password(
    session: Session, actor: Actor, session_id: int | None, current: str, new: str, now: datetime.datetime
) -> str:
    """Change the password of the actor and end all sessions of the actor. Return the new hash.

    :raises AccountRefused: when *current* is wrong, or *new* is not valid or the same
    :raises TooMany: when *current* was wrong too often
    """
    if current == new:
        raise AccountRefused(mark("A nova senha deve ser diferente da atual."))
    stored = _check_password(session, actor, session_id, current, now)
    name = session.scalar(select(User.name).where(User.id == actor.id)) or ""
    hashed = _hashed(session, new, actor.login, name)
    user = _locked(session, actor.id or 0)
    if not user.active or user.password_hash != stored:
        # Another request changed the user while this one hashed.
        raise AccountRefused(WRONG_PASSWORD)
    user.password_hash, user.must_change_password, user.password_expires_at = hashed, False, None
    sessions.end_all(session, now, user.id)
    trail.record(session, actor, "trocar_senha", now, user.login)
    return hashed


def confirm_password(
    session: Session, actor: Actor, session_id: int | None, password: str, now: datetime.datetime
) -> str:
    """Check the password of a user who is logged in, and lock it until the transaction ends. Return its hash.

    :raises AccountRefused: when the password is wrong
    :raises TooMany: when it was wrong too often
    """
    stored = _check_password(session, actor, session_id, password, now)
    user = _locked(session, actor.id or 0)
    if not user.active or user.password_hash != stored:
        # Another request changed the user during the check.
        raise AccountRefused(WRONG_PASSWORD)
    return stored


def end_tokens(session: Session, user_id: int) -> int:
    """Delete the API tokens of a user. Return their number."""
    done = session.execute(delete(ApiToken).where(ApiToken.user_id == user_id))
    return cast("CursorResult[Any]", done).rowcount


def _check_password(
    session: Session, actor: Actor, session_id: int | None, password: str, now: datetime.datetime
) -> str:
    """Check the password of a user who is logged in. Return its hash.

    Without the limit, a person who finds an open session could guess the password. It counts only the failures of this
    session.

    :raises AccountRefused: when the password is wrong
    :raises TooMany: when it was wrong too often
    """
    stored = session.scalar(select(User.password_hash).where(User.id == actor.id, User.active))
    client = throttle.Client(actor.address, devices.of_session(session_id))
    try:
        # This commits, so that no database connection is held while the password is checked.
        attempt = throttle.begin(session, actor.login, client, now)
    except throttle.TooMany:
        trail.record_once(session, actor, trail.BLOCKED, now, throttle.WINDOW)
        raise
    if not passwords.password_matches(password, stored) or stored is None:
        trail.record(session, actor, trail.WRONG_PASSWORD, now)
        raise AccountRefused(WRONG_PASSWORD)
    throttle.succeeded(session, attempt)
    return stored


def _check_actor(session: Session, actor: Actor) -> set[int]:
    """Lock the active administrators and return their ids. Changes of users wait here for each other.

    :raises Forbidden: when the actor is no longer an active administrator
    """
    locked = session.scalars(
        select(UserPrivilege.user_id)
        .where(UserPrivilege.privilege_id == _administrator_id(session))
        .order_by(UserPrivilege.id)
        .with_for_update()
    ).all()
    administrators = set(session.scalars(select(User.id).where(User.id.in_(locked), User.active)))
    if actor.id is not None and actor.id not in administrators:
        raise Forbidden
    return administrators


def _check_not_last(administrators: set[int], user_id: int) -> None:
    if administrators == {user_id}:
        raise AccountRefused(mark("Este é o último administrador ativo: cadastre ou ative outro antes."))


def _check(session: Session, profile: Profile) -> None:
    if not profile.name.strip() or not profile.login.strip():
        raise AccountRefused(mark("O nome e o login são obrigatórios."))
    if len(profile.name) > 120:
        raise AccountRefused(mark("O nome deve ter no máximo 120 caracteres."))
    if len(profile.login) > 50:
        raise AccountRefused(mark("O login deve ter no máximo 50 caracteres."))
    if any(not character.isprintable() for character in profile.name + profile.login):
        raise AccountRefused(mark("O nome e o login não podem ter caracteres de controle."))
    if session.get(Privilege, profile.privilege_id) is None:
        raise AccountRefused(mark("Escolha uma permissão de acesso da lista."))


def _hashed(session: Session, password: str, login: str, name: str) -> str:
    """Check a new password and return its hash.

    This takes up to a second. It commits first, so that no database connection is held and no row locked meanwhile.
    """
    if not password:
        raise AccountRefused(mark("Informe uma senha."))
    session.commit()
    if complaint := passwords.complaint(password, login, name):
        raise AccountRefused(complaint)
    return passwords.hash_password(password)


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        if error.orig is None or error.orig.args[0] != DUPLICATE:
            raise
        session.rollback()
        raise AccountRefused(mark("Este login já está em uso.")) from None


def _locked(session: Session, user_id: int) -> User:
    query = select(User).where(User.id == user_id).with_for_update()
    user = session.scalar(query.execution_options(populate_existing=True))
    if user is None:
        raise NotFound
    return user


def _administrator_id(session: Session) -> int:
    return session.scalars(select(Privilege.id).where(Privilege.name == ADMINISTRATOR)).one()


def _privilege_names(session: Session, user_id: int) -> str:
    """Return the name of the privilege, or several names when rows were added by hand."""
    query = select(Privilege.name).join(UserPrivilege, UserPrivilege.privilege_id == Privilege.id)
    return ", ".join(session.scalars(query.where(UserPrivilege.user_id == user_id).order_by(Privilege.name)))


def _described(session: Session, profile: Profile) -> dict[str, Any]:
    privilege = session.get_one(Privilege, profile.privilege_id).name
    return {"nome": profile.name, "login": profile.login, "privilegio": privilege, "ativo": profile.active}
