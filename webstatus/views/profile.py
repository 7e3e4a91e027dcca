"""The profile of the signed-in user: password, sessions, API tokens."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from webstatus import accounts
from webstatus.errors import NotFound
from webstatus.i18n import mark
from webstatus.notices import Notice, redirect
from webstatus.queries import profile as queries
from webstatus.rendering import render
from webstatus.root_path import address
from webstatus.security import cookies, devices, sessions, throttle, tokens, trail
from webstatus.security.guard import Context
from webstatus.views.login import too_many
from webstatus.views.users import DIFFERENT, actor_of

MISSING = Notice("", mark("Preencha a senha atual e, duas vezes, a nova."))
# Days that a token is valid, by the values of the form.
LIFETIMES = {"30": 30, "90": 90, "365": 365, "": None}


def profile(context: Context) -> Response:
    """Answer with the page."""
    return _page(context)


def password(context: Context) -> Response:
    """Change the password. All sessions end; this browser gets a new one."""
    user, now = context.signed_in, context.now
    current, new = context.secret("senha_atual"), context.secret("senha")
    if not (current and new and context.secret("repetir_senha")):
        return _page(context, MISSING)
    if new != context.secret("repetir_senha"):
        return _page(context, DIFFERENT)
    try:
        hashed = accounts.choose_password(context.session, actor_of(context), user.session_id, current, new, now)
    except throttle.TooMany as refusal:
        response = _page(context, too_many(refusal), status=429)
        response.headers.update(refusal.headers)
        return response
    except accounts.AccountRefused as error:
        return _page(context, Notice("", error.message))
    agent = context.request.headers.get("user-agent", "")
    token = sessions.start(context.session, context.settings, user.id, now, context.address, agent)
    target = address(context.request, "dashboard" if user.must_change_password else "profile")
    response = redirect(context.settings, target, "password-changed")
    cookies.set_signed(response, context.settings, cookies.SESSION, token)
    devices.remember(context.request, response, context.settings, user.id, hashed)
    return response


def end_session(context: Context) -> Response:
    """End a session of the user, which may be this one."""
    user, session_id = context.signed_in, context.request.path_params["id"]
    if not sessions.end(context.session, context.now, session_id=session_id, user_id=user.id):
        raise NotFound
    trail.record(context.session, actor_of(context), "encerrar_sessao", context.now, user.login)
    if session_id == user.session_id:
        response = RedirectResponse(address(context.request, "login"), status_code=303)
        cookies.drop_cookie(response, context.settings, cookies.SESSION)
        return response
    return redirect(context.settings, address(context.request, "profile"), "session-ended")


def new_token(context: Context) -> Response:
    """Create an API token and show it once."""
    lifetime = context.field("validade")
    if lifetime not in LIFETIMES:
        return _page(context, Notice("", mark("Escolha uma validade da lista.")))
    try:
        name, session_id = context.field("nome"), context.signed_in.session_id
        token = tokens.issue(context.session, actor_of(context), session_id, name, LIFETIMES[lifetime], context.now)
    except accounts.AccountRefused as error:
        return _page(context, Notice("", error.message))
    # The page reads the list of tokens from the database.
    context.session.flush()
    return _page(context, token=token)


def revoke_token(context: Context) -> Response:
    """Revoke an API token of the user."""
    actor = actor_of(context)
    tokens.revoke(context.session, actor, context.signed_in.id, context.request.path_params["id"], context.now)
    return redirect(context.settings, address(context.request, "profile"), "token-revoked")


def _page(context: Context, dialog: Notice | None = None, *, token: str | None = None, status: int = 400) -> Response:
    user = context.signed_in
    return render(
        context.request,
        "pages/profile.html",
        status if dialog else 200,
        here=address(context.request, "profile"),
        dialog=dialog,
        token=token,
        missing=MISSING,
        different=DIFFERENT,
        now=context.now,
        sessions=queries.live_sessions(context.session, context.settings, user.id, context.now),
        tokens=queries.tokens(context.session, user.id),
        name_typed=context.field("nome") if dialog else "",
    )
