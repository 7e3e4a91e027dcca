"""Log in, type the password again, log out, choose the language."""

from __future__ import annotations

from urllib.parse import urlencode

from sqlalchemy import update
from starlette.responses import RedirectResponse, Response

from webstatus import accounts
from webstatus.errors import BadRequest
from webstatus.i18n import LANGUAGES, mark
from webstatus.models import User
from webstatus.notices import Notice
from webstatus.queries.users import Credentials, credentials, still_holds
from webstatus.rendering import render
from webstatus.root_path import address
from webstatus.security import cookies, devices, passwords, sessions, throttle, trail
from webstatus.security.guard import Context, safe_path
from webstatus.security.trail import Actor

EMPTY_FIELD = Notice("", mark("Todos os campos devem ser preenchidos para que o login possa ser efetuado."))
WRONG = Notice(
    mark("Senha ou login inválidos"),
    mark("Os dados informados não estão cadastrados em nossa base de dados. Por favor, tente novamente."),
    mark("Fechar"),
)
EXPIRED = Notice(
    mark("Senha provisória vencida"),
    mark("O prazo para usar sua senha provisória acabou. Peça outra ao seu administrador."),
    mark("Fechar"),
)
WRONG_AGAIN = Notice("", accounts.WRONG_PASSWORD)


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
    actor = Actor(found.id, found.login, context.address) if found else Actor(None, "", context.address)
    device = devices.known(context.request, context.settings, found.id, found.password_hash) if found else None
    client = throttle.Client(context.address, device)
    try:
        # This commits, so that no database connection is held while the password is checked.
        attempt = throttle.begin(context.session, found.login if found else name, client, context.now)
    except throttle.TooMany as refusal:
        trail.record_once(context.session, actor, trail.BLOCKED, context.now, throttle.WINDOW)
        return _page(context, 429, too_many(refusal), refusal.headers)
    refused = _refused(context, found, password)
    if refused or found is None:
        detail = {"senha": mark("vencida")} if refused is EXPIRED else None
        if found is None:
            # Strangers cannot fill the trail.
            trail.record_once(context.session, actor, trail.FAILED_LOGIN, context.now, throttle.WINDOW)
        else:
            trail.record(context.session, actor, trail.FAILED_LOGIN, context.now, detail=detail)
        return _page(context, 401, refused)
    throttle.succeeded(context.session, attempt)
    context.session.execute(update(User).where(User.id == found.id).values(last_login_at=context.now))
    trail.record(context.session, actor, "entrar", context.now)
    return _enter(context, found.id, found.password_hash)


def confirm(context: Context) -> Response:
    """Ask for the password again, and begin a new session when it is right."""
    if context.request.method != "POST":
        return _confirm_page(context, 200)
    user, password = context.signed_in, context.secret("senha")
    if not password:
        return _confirm_page(context, 400, EMPTY_FIELD)
    actor = Actor(user.id, user.login, context.address)
    try:
        password_hash = accounts.confirm_password(context.session, actor, user.session_id, password, context.now)
    except throttle.TooMany as refusal:
        return _confirm_page(context, 429, too_many(refusal), refusal.headers)
    except accounts.AccountRefused:
        return _confirm_page(context, 401, WRONG_AGAIN)
    if not sessions.end(context.session, context.now, session_id=user.session_id or 0, user_id=user.id):
        # Somebody ended it during the check.
        return RedirectResponse(address(context.request, "login"), status_code=303)
    trail.record(context.session, actor, "confirmar_senha", context.now)
    return _enter(context, user.id, password_hash)


def logout(context: Context) -> Response:
    """End the session."""
    user = context.signed_in
    trail.record(context.session, Actor(user.id, user.login, context.address), "sair", context.now)
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


def _refused(context: Context, found: Credentials | None, password: str) -> Notice | None:
    """Check a password; return the dialog of a refusal, or ``None``."""
    matches = passwords.password_matches(password, found.password_hash if found else None)
    # During the check the user may have been disabled, or the password changed.
    if not matches or found is None or not still_holds(context.session, found):
        return WRONG
    return EXPIRED if found.expires_at is not None and found.expires_at <= context.now else None


def too_many(refusal: throttle.TooMany) -> Notice:
    """Return the dialog of a refusal by throttling."""
    return Notice(mark("Muitas tentativas"), refusal.message, mark("Fechar"))


def _enter(context: Context, user_id: int, password_hash: str) -> Response:
    """Start a session with a new token and end the browser's earlier session."""
    session, now = context.session, context.now
    if context.user and context.user.session_id:
        sessions.end(session, now, session_id=context.user.session_id, user_id=context.user.id)
    agent = context.request.headers.get("user-agent", "")
    token = sessions.start(session, context.settings, user_id, now, context.address, agent)
    response = RedirectResponse(safe_path(context.request, context.field("next")), status_code=303)
    cookies.set_signed(response, context.settings, cookies.SESSION, token)
    cookies.drop_cookie(response, context.settings, cookies.VISITOR)
    devices.remember(context.request, response, context.settings, user_id, password_hash)
    return response


def _page(
    context: Context, status: int, dialog: Notice | None = None, headers: dict[str, str] | None = None
) -> Response:
    values = {"dialog": dialog, "login": context.field("login"), "next": _next(context)}
    response = render(context.request, "pages/login.html", status, here=_here(context), **values)
    response.headers.update(headers or {})
    return response


def _confirm_page(
    context: Context, status: int, dialog: Notice | None = None, headers: dict[str, str] | None = None
) -> Response:
    response = render(
        context.request, "pages/confirm.html", status, here=_here(context), dialog=dialog, next=_next(context)
    )
    response.headers.update(headers or {})
    return response


def _here(context: Context) -> str:
    """Return the address of the page with its next page, also after a refused form."""
    return f"{context.request.url.path}?{urlencode({'next': _next(context)})}"


def _next(context: Context) -> str:
    """Return the address of the page to go to afterwards."""
    return safe_path(context.request, context.field("next") or context.request.query_params.get("next", ""))
