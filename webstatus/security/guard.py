"""What stands around every view: who asks, whether they may, whether the form is theirs; then commit or roll back."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hmac
from collections.abc import AsyncGenerator, Awaitable, Callable
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.formparsers import FormParser, MultiPartException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from webstatus.access import ACCESS, BACKGROUND, BEFORE_PASSWORD_CHANGE, HASHES, Access
from webstatus.errors import BadRequest, Busy, Forbidden, FormExpired, NotSignedIn, TooLarge
from webstatus.models import ApiToken, User
from webstatus.security import cookies, sessions, workers
from webstatus.security.sessions import CurrentUser
from webstatus.settings import Settings

# Bytes: no form of ours comes near.
LARGEST_FORM = 100_000
LONGEST_PATH = 2000
# How often a request is answered anew whose changes met another's.
TRIES = 3
SAFE_METHODS = {"GET", "HEAD"}
BEARER = "Bearer "


@dataclasses.dataclass(frozen=True)
class Context:
    """What a view is given.

    ``session`` is this request's; what the view changes is committed when it returns. ``now`` is UTC without a zone,
    as the log tables have it; ``zone`` is the one to show. ``form`` is empty but for a POST, whose token has been
    checked.
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
        """The time zone that people see."""
        return self.settings.zone

    @property
    def signed_in(self) -> CurrentUser:
        """Who asks, on routes that need somebody."""
        if self.user is None:
            raise NotSignedIn
        return self.user

    @property
    def address(self) -> str:
        """Where the request came from, as the trusted proxies say."""
        return self.request.client.host if self.request.client else ""

    def field(self, name: str) -> str:
        """A field of the form, without surrounding space; empty when it is not there."""
        value = self.form.get(name)
        return value.strip() if isinstance(value, str) else ""

    def secret(self, name: str) -> str:
        """A password field of the form, as typed."""
        value = self.form.get(name)
        return value if isinstance(value, str) else ""


View = Callable[[Context], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def guarded(route: str, view: View) -> Endpoint:
    """The endpoint of a route: *view* behind the guard.

    :raises KeyError: when the access table does not have the route
    """
    access = ACCESS[route]

    async def endpoint(request: Request) -> Response:
        sends = request.method not in SAFE_METHODS
        form = await _read_form(request) if sends else FormData()
        return await workers.run(sends and route in HASHES, _answer, request, route, access, view, form)

    return endpoint


def safe_path(path: str) -> str:
    """*path* when it leads to this host and no other, else the dashboard's."""
    # Browsers read a backslash as a slash and drop control characters, so //evil.example hides in more than one way.
    leads_elsewhere = not path.startswith("/") or path[1:2] in {"/", "\\"} or any(ord(c) <= 32 for c in path)
    return "/" if leads_elsewhere or len(path) > LONGEST_PATH else path


async def _read_form(request: Request) -> FormData:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise BadRequest
    size = 0

    async def bounded() -> AsyncGenerator[bytes, None]:
        nonlocal size
        async for chunk in request.stream():
            size += len(chunk)
            if size > LARGEST_FORM:
                raise TooLarge
            yield chunk

    try:
        return await FormParser(request.headers, bounded()).parse()
    except (MultiPartException, ValueError):
        raise BadRequest from None


def _answer(request: Request, route: str, access: Access, view: View, form: FormData) -> Response:
    for _ in range(TRIES - 1):
        # What such a try did commit, a login's attempt or a session's use, does no harm twice.
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
        refusal = _check(context, access, binding)
        response = refusal or view(context)
        session.commit()
    if new_visitor and access is Access.PUBLIC and refusal is None:
        cookies.set_signed(response, settings, cookies.VISITOR, new_visitor)
    return response


def _identify(
    request: Request, session: Session, settings: Settings, now: datetime.datetime, access: Access, route: str
) -> tuple[CurrentUser | None, str | None]:
    """Who asks, and what their forms are bound to."""
    if access in {Access.READ_API, Access.METRICS} and (bearer := _bearer(request)):
        return _program(session, bearer, now), None
    token = cookies.read_signed(request, settings, cookies.SESSION)
    if token:
        user = sessions.resume(session, settings, token, now, counts_as_use=route not in BACKGROUND)
        if user:
            return user, token
    return None, cookies.read_signed(request, settings, cookies.VISITOR)


def _program(session: Session, bearer: str, now: datetime.datetime) -> CurrentUser | None:
    """The user in whose name a program reads."""
    found = session.execute(
        sessions.who()
        .add_columns(ApiToken.id, ApiToken.ultimo_uso)
        .join(ApiToken, ApiToken.usuario_id == User.id)
        .where(ApiToken.token_hash == cookies.digest(bearer), ApiToken.escopo == "leitura")
        .where(ApiToken.expira_em.is_(None) | (ApiToken.expira_em > now))
    ).first()
    if found is None:
        return None
    user_id, login, name, administrator, must_change, token_id, last_use = found
    if last_use is None or now - last_use > sessions.TOUCH_EVERY:
        session.execute(update(ApiToken).where(ApiToken.id == token_id).values(ultimo_uso=now))
        session.commit()
    return CurrentUser(user_id, login, name, administrator, must_change, session_id=None)


def _bearer(request: Request) -> str | None:
    header = request.headers.get("authorization", "")
    return header[len(BEARER) :].strip() if header.startswith(BEARER) else None


def _check(context: Context, access: Access, binding: str | None) -> Response | None:
    """Refuse what is not allowed, or send to where it is asked for first; ``None`` lets it pass."""
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
    if context.user and context.user.must_change_password and context.route not in BEFORE_PASSWORD_CHANGE:
        if context.user.session_id is None:
            raise Forbidden
        if access is not Access.PUBLIC:
            return RedirectResponse("/profile", status_code=303)
    return None


def _to_login(request: Request) -> Response:
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    asked = f"?next={quote(path)}" if request.method == "GET" and path != "/" else ""
    return RedirectResponse(f"/login{asked}", status_code=303)
