"""The pages that list, create, change and remove users, and end their sessions and tokens."""

from __future__ import annotations

from typing import NamedTuple

from starlette.responses import Response

from webstatus import accounts
from webstatus.errors import NotFound
from webstatus.i18n import mark
from webstatus.notices import Notice, redirect
from webstatus.queries import users as queries
from webstatus.queries.profile import live_sessions
from webstatus.queries.profile import tokens as tokens_of
from webstatus.rendering import render
from webstatus.root_path import address
from webstatus.security import sessions, tokens, trail
from webstatus.security.guard import Context
from webstatus.security.trail import Actor

MISSING = Notice(
    "",
    mark("Erro ao cadastrar o usuário. Todos os campos devem ser preenchidos para que o usuário seja cadastrado."),
)
MISSING_IN_CHANGE = Notice(
    "", mark("Erro ao alterar o usuário. Todos os campos devem ser preenchidos para que o usuário seja alterado.")
)
DIFFERENT = Notice("", mark("As senhas não são iguais. Digite a mesma senha nos dois campos."))


class Typed(NamedTuple):
    """The values of the form, typed or stored. Passwords are never sent back to the browser."""

    name: str = ""
    login: str = ""
    privilege: str = ""
    active: bool = True


def users(context: Context) -> Response:
    """Answer with the list."""
    query = context.request.query_params
    search = query.get("search", "").strip()
    number = query.get("page", "")
    # int() raises ValueError for numbers of thousands of digits.
    page = queries.list_users(context.session, search, int(number) if number.isdecimal() and len(number) < 9 else 1)
    return render(context.request, "pages/users.html", found=page, search=search)


def new(context: Context) -> Response:
    """Answer with the form of a new user, or create the user."""
    if context.request.method != "POST":
        return _form(context, Typed())
    typed, password = _typed(context), context.secret("senha")
    if not (typed.name and typed.login and typed.privilege and password and context.secret("repetir_senha")):
        return _form(context, typed, dialog=MISSING)
    if password != context.secret("repetir_senha"):
        return _form(context, typed, dialog=DIFFERENT)
    try:
        accounts.create(context.session, actor_of(context), _profile(context, typed, password), context.now)
    except accounts.AccountRefused as error:
        return _form(context, typed, dialog=Notice("", error.message))
    return redirect(context.settings, address(context.request, "users"), "user-created")


def edit(context: Context) -> Response:
    """Answer with the form of a user, or change the user."""
    stored = _found(context)
    if context.request.method != "POST":
        privilege = str(stored.privilege_id or "")
        return _form(context, Typed(stored.name, stored.login, privilege, stored.active), stored)
    typed, password = _typed(context), context.secret("senha")
    if not (typed.name and typed.login and typed.privilege):
        return _form(context, typed, stored, MISSING_IN_CHANGE)
    if password != context.secret("repetir_senha"):
        return _form(context, typed, stored, DIFFERENT)
    try:
        accounts.change(context.session, actor_of(context), stored.id, _profile(context, typed, password), context.now)
    except accounts.AccountRefused as error:
        return _form(context, typed, stored, Notice("", error.message))
    return redirect(context.settings, address(context.request, "users"), "user-changed")


def delete(context: Context) -> Response:
    """Remove a user. A GET request, as from a browser without JavaScript, is answered with a question."""
    stored = _found(context)
    if context.request.method != "POST":
        return render(context.request, "pages/user_delete.html", stored=stored, dialog=None)
    try:
        accounts.remove(context.session, actor_of(context), stored.id, context.now)
    except accounts.AccountRefused as error:
        dialog = Notice("", error.message)
        return render(context.request, "pages/user_delete.html", 400, stored=stored, dialog=dialog)
    return redirect(context.settings, address(context.request, "users"), "user-deleted")


def end_sessions(context: Context) -> Response:
    """End all sessions of a user."""
    stored = _found(context)
    sessions.end_all(context.session, context.now, stored.id)
    trail.record(context.session, actor_of(context), "encerrar_sessoes", context.now, stored.login)
    return _back(context, stored, "sessions-ended")


def end_session(context: Context) -> Response:
    """End one session of a user."""
    stored, session_id = _found(context), context.request.path_params["session"]
    if not sessions.end(context.session, context.now, session_id=session_id, user_id=stored.id):
        raise NotFound
    trail.record(context.session, actor_of(context), "encerrar_sessao", context.now, stored.login)
    return _back(context, stored, "session-ended")


def revoke_token(context: Context) -> Response:
    """Revoke an API token of a user."""
    stored, token_id = _found(context), context.request.path_params["token"]
    tokens.revoke(context.session, actor_of(context), stored.id, token_id, context.now)
    return _back(context, stored, "token-revoked")


def actor_of(context: Context) -> Actor:
    """Return the signed-in user as the audit trail names them."""
    user = context.signed_in
    return Actor(user.id, user.login, context.address)


def _back(context: Context, stored: queries.EditableUser, notice: str) -> Response:
    """Redirect to the page of the user with a dialog."""
    return redirect(context.settings, address(context.request, "user", id=stored.id), notice)


def _found(context: Context) -> queries.EditableUser:
    stored = queries.editable(context.session, context.request.path_params["id"])
    if stored is None:
        raise NotFound
    return stored


def _typed(context: Context) -> Typed:
    return Typed(
        context.field("nome"), context.field("login"), context.field("privilegio"), active=context.field("ativo") == "1"
    )


def _profile(context: Context, typed: Typed, password: str) -> accounts.Profile:
    known = typed.privilege.isdecimal() and len(typed.privilege) < 9
    # No privilege has the id 0.
    privilege = int(typed.privilege) if known else 0
    until = context.now + context.settings.one_time_password_lifetime
    return accounts.Profile(typed.name, typed.login, password, privilege, typed.active, one_time_until=until)


def _form(
    context: Context, typed: Typed, stored: queries.EditableUser | None = None, dialog: Notice | None = None
) -> Response:
    return render(
        context.request,
        "pages/user.html",
        400 if dialog else 200,
        typed=typed,
        stored=stored,
        dialog=dialog,
        missing=MISSING_IN_CHANGE if stored else MISSING,
        different=DIFFERENT,
        registered=stored.created_at if stored else context.now,
        privileges=queries.privileges(context.session),
        hours=context.settings.one_time_password_hours,
        now=context.now,
        sessions=live_sessions(context.session, context.settings, stored.id, context.now) if stored else [],
        tokens=tokens_of(context.session, stored.id) if stored else [],
    )
