"""Log in, log out, choose the language."""

from __future__ import annotations

from sqlalchemy import update
from starlette.responses import RedirectResponse, Response

from webstatus.accounts import Actor, record
from webstatus.errors import BadRequest
from webstatus.i18n import LANGUAGES, mark
from webstatus.models import User
from webstatus.notices import Notice
from webstatus.queries.users import credentials, still_holds
from webstatus.rendering import render
from webstatus.root_path import address
from webstatus.security import cookies, passwords, sessions, throttle
from webstatus.security.guard import Context, safe_path

EMPTY_FIELD = Notice("", mark("Todos os campos devem ser preenchidos para que o login possa ser efetuado."))
WRONG = Notice(
    mark("Senha ou login inválidos"),
    mark("Os dados informados não estão cadastrados em nossa base de dados. Por favor, tente novamente."),
    mark("Fechar"),
)
TOO_MANY = Notice(
    mark("Muitas tentativas"),
    throttle.TOO_MANY,
    mark("Fechar"),
)


def login(context: Context) -> Response:
    """Answer with the login page, or check its form."""
    if context.request.method != "POST":
        if context.user:
            return RedirectResponse(address(context.request, "dashboard"), status_code=303)
        return _page(context, 200)
    name, password = context.field("login"), context.secret("senha")
    if not name or not password:
        return _page(context, 400, EMPTY_FIELD)
    found = credentials(context.session, name)
    # This commits, so that no database connection is held while the password is checked.
    attempt = throttle.begin(context.session, found.login if found else name, context.address, context.now)
    if attempt is None:
        return _page(context, 429, TOO_MANY)
    matches = passwords.password_matches(password, found.password_hash if found else None)
    # During the check the user may have been disabled, or the password changed.
    if not matches or found is None or not still_holds(context.session, found):
        return _page(context, 401, WRONG)
    throttle.succeeded(context.session, attempt)
    return _enter(context, found.id, found.login)


def logout(context: Context) -> Response:
    """End the session."""
    user = context.signed_in
    sessions.end(context.session, context.now, session_id=user.session_id or 0, user_id=user.id)
    response = RedirectResponse(address(context.request, "login"), status_code=303)
    cookies.drop_cookie(response, context.settings, cookies.SESSION)
    # The history of the browser must not show pages of the session.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def language(context: Context) -> Response:
    """Store the chosen language in a cookie."""
    chosen = context.field("language")
    if chosen not in LANGUAGES:
        raise BadRequest
    response = RedirectResponse(safe_path(context.request, context.field("next")), status_code=303)
    cookies.set_cookie(response, context.settings, cookies.LANGUAGE, chosen, max_age=cookies.YEAR)
    return response


def _enter(context: Context, user_id: int, name: str) -> Response:
    """Start a session with a new token and end the browser's earlier session."""
    session, now = context.session, context.now
    if context.user and context.user.session_id:
        sessions.end(session, now, session_id=context.user.session_id, user_id=context.user.id)
    agent = context.request.headers.get("user-agent", "")
    token = sessions.start(session, context.settings, user_id, now, context.address, agent)
    session.execute(update(User).where(User.id == user_id).values(last_login_at=now))
    record(session, Actor(user_id, name, context.address), "entrar", now)
    response = RedirectResponse(safe_path(context.request, context.field("next")), status_code=303)
    cookies.set_signed(response, context.settings, cookies.SESSION, token)
    cookies.drop_cookie(response, context.settings, cookies.VISITOR)
    return response


def _page(context: Context, status: int, dialog: Notice | None = None) -> Response:
    target = context.field("next") or context.request.query_params.get("next", "")
    return render(
        context.request,
        "pages/login.html",
        status,
        dialog=dialog,
        login=context.field("login"),
        next=safe_path(context.request, target),
    )
