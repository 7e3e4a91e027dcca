"""The app: its routes, its middleware and its lifespan."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from webstatus.cache import Cache
from webstatus.database import Database
from webstatus.error_responses import HANDLERS
from webstatus.headers import SecurityHeaders
from webstatus.root_path import RootPath
from webstatus.security.guard import View, guarded
from webstatus.settings import Settings
from webstatus.views import api, audit, backups, dashboard, login, machines, profile, users

STATIC = Path(__file__).parent / "static"
READ = ("GET",)
SEND = ("POST",)
FORM = ("GET", "POST")


class RowNumber(IntegerConvertor):
    """The key of a row: few enough digits for Python and for the database."""

    regex = "[0-9]{1,18}"


register_url_convertor("row", RowNumber())


def page(path: str, view: View, name: str, methods: tuple[str, ...] = READ) -> Route:
    """Return one route; the access table decides which users may open it."""
    return Route(path, guarded(name, view), methods=list(methods), name=name)


ROUTES = [
    page("/login", login.login, "login", FORM),
    page("/confirm", login.confirm, "confirm", FORM),
    page("/logout", login.logout, "logout", SEND),
    page("/language", login.language, "language", SEND),
    page("/", dashboard.dashboard, "dashboard"),
    page("/dashboard", dashboard.data, "dashboard-data"),
    page("/backups", backups.backups, "backups"),
    page("/backups/{id:row}", backups.backup, "backup"),
    page("/backups/{id:row}/live", backups.backup_live, "backup-live"),
    page("/backups/{id:row}/logs/{log}", backups.backup_log, "backup-log"),
    page("/backups/{id:row}/logs/{log}/file", backups.backup_log_file, "backup-log-file"),
    page("/api/v1/backups", api.backups, "api-backups"),
    page("/api/v1/backups/{id:row}", api.backup, "api-backup"),
    page("/users", users.users, "users"),
    page("/users/new", users.new, "user-new", FORM),
    page("/users/{id:row}", users.edit, "user", FORM),
    page("/users/{id:row}/delete", users.delete, "user-delete", FORM),
    page("/users/{id:row}/sessions/end", users.end_sessions, "user-sessions-end", SEND),
    page("/users/{id:row}/sessions/{session:row}/end", users.end_session, "user-session-end", SEND),
    page("/users/{id:row}/tokens/{token:row}/revoke", users.revoke_token, "user-token-revoke", SEND),
    page("/audit", audit.audit, "audit"),
    page("/profile", profile.profile, "profile"),
    page("/profile/password", profile.password, "profile-password", SEND),
    page("/profile/sessions/{id:row}/end", profile.end_session, "profile-session-end", SEND),
    page("/profile/tokens", profile.new_token, "profile-token-new", SEND),
    page("/profile/tokens/{id:row}/revoke", profile.revoke_token, "profile-token-revoke", SEND),
    page("/healthz", machines.healthz, "healthz"),
    page("/metrics", machines.metrics, "metrics"),
    Mount("/static", StaticFiles(directory=STATIC), name="static"),
]


def utc_now() -> datetime.datetime:
    """Return the time as the log tables have it: UTC without a zone, in whole seconds."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)


def create_app(settings: Settings, clock: Callable[[], datetime.datetime] = utc_now) -> Starlette:
    """Create the app.

    :param clock: returns the time, as :func:`utc_now`
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        app.state.database.close()

    app = Starlette(
        routes=ROUTES,
        middleware=[
            Middleware(RootPath, root_path=settings.root_path),
            Middleware(SecurityHeaders, settings=settings),
        ],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    # Such a redirect would lead to the host of the Host header, which the client chooses.
    app.router.redirect_slashes = False
    app.state.settings = settings
    app.state.clock = clock
    app.state.database = Database(settings)
    app.state.cache = Cache(clock)
    return app
