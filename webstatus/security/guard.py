"""The guard of every view: identify the user, check access and form token, then run the view in a transaction."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hmac
import ipaddress
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.formparsers import FormParser, MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from webstatus.access import ACCESS, BACKGROUND, BEFORE_PASSWORD_CHANGE, CONFIRMED, HASHES, Access
from webstatus.errors import BadRequest, Busy, Forbidden, FormExpired, NotSignedIn, TooLarge, WebError
from webstatus.models import ApiToken, User
from webstatus.root_path import address, whole_path
from webstatus.security import cookies, sessions, trail, workers
from webstatus.security.sessions import CurrentUser
from webstatus.security.trail import Actor
from webstatus.settings import Settings

# Bytes; the app's largest form has far fewer.
MAX_FORM_BYTES = 100_000
MAX_PATH_LENGTH = 2000
# Attempts at a request whose changes conflict with another request's.
TRIES = 3
SAFE_METHODS = {"GET", "HEAD"}
BEARER = "Bearer "


@dataclasses.dataclass(frozen=True)
class Context:
    """The argument of every view.

    ``session`` is a database session; the guard commits it after the view returns. ``now`` is UTC without a time zone,
    as in the log tables. ``form`` holds the fields of a POST, whose form token has been checked; otherwise it is empty.
    """

    request: Request
    route: str
    session: Session
    settings: Settings
    now: datetime.datetime
    user: CurrentUser | None
    form: FormData
    form_token: str

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone in which pages show times."""
        return self.settings.zone

    @property
    def signed_in(self) -> CurrentUser:
        """Return the user, on routes that require one.

        :raises NotSignedIn: when there is none
        """
        if self.user is None:
            raise NotSignedIn
        return self.user

    @property
    def address(self) -> str:
        """Return the client's IP address, as the trusted proxies report it; empty when it is none."""
        return client_address(self.request)

    def field(self, name: str) -> str:
        """Return a field of the form without surrounding space; empty when it is missing."""
        value = self.form.get(name)
        return value.strip() if isinstance(value, str) else ""

    def secret(self, name: str) -> str:
        """Return a password field of the form, as typed; empty when it is missing."""
        value = self.form.get(name)
        return value if isinstance(value, str) else ""


View = Callable[[Context], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def guarded(route: str, view: View) -> Endpoint:
    """Return the endpoint of a route, which runs *view* behind the guard.

    :raises KeyError: when the access table lacks the route
    """
    access = ACCESS[route]

    async def endpoint(request: Request) -> Response:
        sends = request.method not in SAFE_METHODS
        try:
            form = await _read_form(request) if sends else FormData()
        except ClientDisconnect:
            # Nobody reads this response.
            return Response(status_code=400)
        return await workers.run(sends and route in HASHES, _answer, request, route, access, view, form)

    return endpoint


def client_address(request: Request) -> str:
    """Return the client's IP address, as the trusted proxies report it; empty when it is none."""
    # A proxy may pass on what a client wrote in X-Forwarded-For.
    try:
        return str(ipaddress.ip_address(request.client.host.partition("%")[0])) if request.client else ""
    except ValueError:
        return ""


_DOTS = re.compile(r"(?:^|[/\\])(?:\.|%2e){1,2}(?:[/\\?#]|$)", re.IGNORECASE)


def safe_path(request: Request, path: str) -> str:
    """Return *path* when it is a path of this app, else the dashboard's path."""
    home = address(request, "dashboard")
    # Browsers read a backslash as a slash and drop control characters: /\evil.example leads to another host too.
    below = path.removeprefix(home)
    is_foreign = not path.startswith(home) or below[:1] in {"/", "\\"} or any(ord(c) <= 32 for c in path)
    # Browsers resolve these, also when they are encoded: /vex/../other is another app of the host.
    is_foreign = is_foreign or _DOTS.search(path) is not None
    return home if is_foreign or len(path) > MAX_PATH_LENGTH else path


async def _read_form(request: Request) -> FormData:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise BadRequest
    size = 0

    async def bounded() -> AsyncGenerator[bytes, None]:
        nonlocal size
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_FORM_BYTES:
                raise TooLarge
            yield chunk

    try:
        return await FormParser(request.headers, bounded()).parse()
    except (MultiPartException, ValueError):
        raise BadRequest from None


def _answer(request: Request, route: str, access: Access, view: View, form: FormData) -> Response:
    for _ in range(TRIES - 1):
        # A failed try may have committed a login attempt or the use of a session; to repeat them does no harm.
        with contextlib.suppress(Busy):
            return _answer_once(request, route, access, view, form)
    return _answer_once(request, route, access, view, form)


def _answer_once(request: Request, route: str, access: Access, view: View, form: FormData) -> Response:
    state = request.app.state
    settings: Settings = state.settings
    now: datetime.datetime = state.clock()
    with state.database.session() as session:
        user, binding = _identify(request, session, settings, now, access, route)
        new_visitor = cookies.new_token() if binding is None else None
        context = Context(
            request=request,
            route=route,
            session=session,
            settings=settings,
            now=now,
            user=user,
            form=form,
            form_token=cookies.form_token(settings, binding or new_visitor or ""),
        )
        request.state.context = context
        try:
            refusal = _check(context, access, binding)
            response = refusal or view(context)
        except (Forbidden, FormExpired, NotSignedIn) as error:
            _record_denial(context, error)
            raise
        session.commit()
    if new_visitor and access is Access.PUBLIC and refusal is None:
        cookies.set_signed(response, settings, cookies.VISITOR, new_visitor)
    return response


def _identify(
    request: Request, session: Session, settings: Settings, now: datetime.datetime, access: Access, route: str
) -> tuple[CurrentUser | None, str | None]:
    """Return the user, and the token to which the user's or visitor's forms are bound."""
    if access in {Access.READ_API, Access.METRICS} and (bearer := _bearer(request)):
        return _user_of_api_token(session, bearer, now), None
    token = cookies.read_signed(request, settings, cookies.SESSION)
    if token:
        user = sessions.resume(session, settings, token, now, counts_as_use=route not in BACKGROUND)
        if user:
            return user, token
    return None, cookies.read_signed(request, settings, cookies.VISITOR)


def _user_of_api_token(session: Session, bearer: str, now: datetime.datetime) -> CurrentUser | None:
    """Return the owner of the API token that a program sent."""
    found = session.execute(
        sessions.select_users()
        .add_columns(ApiToken.id, ApiToken.last_used_at)
        .join(ApiToken, ApiToken.user_id == User.id)
        .where(ApiToken.token_hash == cookies.digest(bearer), ApiToken.scope == "leitura")
        .where(ApiToken.expires_at.is_(None) | (ApiToken.expires_at > now))
    ).first()
    if found is None:
        return None
    user_id, login, name, administrator, must_change, token_id, last_use = found
    if last_use is None or now - last_use > sessions.TOUCH_EVERY:
        session.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=now))
        session.commit()
    return CurrentUser(user_id, login, name, administrator, must_change, session_id=None, confirmed_at=None)


def _bearer(request: Request) -> str | None:
    header = request.headers.get("authorization", "")
    return header[len(BEARER) :].strip() if header.startswith(BEARER) else None


def _check(context: Context, access: Access, binding: str | None) -> Response | None:
    """Check access and form token.

    :returns: a redirect to the login or to a page where the user must do something first, or ``None`` when the view may
        run
    :raises NotSignedIn: when a program or a background request has no user or token
    :raises FormExpired: when the form token is missing or wrong
    :raises Forbidden: when the user may not use the route
    """
    request, settings = context.request, context.settings
    if access is Access.METRICS and settings.metrics_token is not None:
        expected = settings.metrics_token.get_secret_value()
        if not hmac.compare_digest((_bearer(request) or "").encode(), expected.encode()):
            raise NotSignedIn
        return None
    if access is not Access.PUBLIC and context.user is None:
        if context.route in BACKGROUND or access in {Access.READ_API, Access.METRICS}:
            raise NotSignedIn
        return _to_login(request)
    if request.method not in SAFE_METHODS and not cookies.form_token_matches(
        settings, binding or "", context.form.get("csrf_token") if binding else None
    ):
        raise FormExpired
    if access is Access.ADMINISTRATOR and not context.signed_in.is_administrator:
        raise Forbidden
    return _first_step(context, access) if context.user else None


def _first_step(context: Context, access: Access) -> Response | None:
    """Return a redirect to the page where a user must choose a new password, or type the password again.

    :raises Forbidden: when a program acts for a user who must choose a new password
    """
    user, request = context.signed_in, context.request
    if user.must_change_password and context.route not in BEFORE_PASSWORD_CHANGE:
        if user.session_id is None:
            raise Forbidden
        if access is not Access.PUBLIC:
            return RedirectResponse(address(request, "profile"), status_code=303)
    if context.route in CONFIRMED and not user.has_confirmed(context.now, sends=request.method not in SAFE_METHODS):
        page = CONFIRMED[context.route]
        params = {"id": request.path_params["id"]} if page in {"user", "user-delete"} else {}
        target = quote(address(request, page, **params))
        return RedirectResponse(f"{address(request, 'confirm')}?next={target}", status_code=303)
    return None


def _record_denial(context: Context, error: WebError) -> None:
    """Record that access was refused. The audit trail has users only, so that strangers cannot fill it."""
    is_background = context.route in BACKGROUND
    context.session.rollback()
    # Encoded, so that a path cannot look like other parts of the line in the log.
    path = f"{context.request.method} {quote(context.request.scope['path'], errors='replace')}"
    if context.user:
        actor = Actor(context.user.id, context.user.login, context.address)
        trail.record(context.session, actor, trail.DENIED, context.now, path, {"motivo": error.title})
        context.session.commit()
    elif not is_background:
        # The page of a session that has ended asks again by itself: that is no attack.
        trail.write_line(Actor(None, "", context.address), trail.DENIED, path)


def _to_login(request: Request) -> Response:
    path = whole_path(request)
    query = f"?next={quote(path)}" if request.method == "GET" and path != address(request, "dashboard") else ""
    return RedirectResponse(f"{address(request, 'login')}{query}", status_code=303)
