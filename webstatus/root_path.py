"""The path of the host below which a proxy shows the app, such as /vex; the setting ``root_path``."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send


class RootPath:
    """Middleware that gives each request its whole path, whether the proxy keeps the root path or removes it."""

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self.app = app
        self.root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI)."""
        if scope["type"] == "http":
            below = scope["path"].removeprefix(self.root_path)
            if below and not below.startswith("/"):
                # Another path that begins with the same letters.
                below = scope["path"]
            # In place, because Starlette's response to an unexpected error is made outside of this middleware.
            scope.update(path=self.root_path + (below or "/"), root_path=self.root_path)
        await self.app(scope, receive, send)


def address(request: Request, name: str, **params: object) -> str:
    """Return the path of a route, without a host: the Host header cannot change where it leads."""
    return f"{request.app.state.settings.root_path}{request.app.url_path_for(name, **params)}"


def whole_path(request: Request) -> str:
    """Return the path of a request, with its query."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def path_below(request: Request) -> str:
    """Return the path of a request without the root path, as the routes have it."""
    root_path: str = request.app.state.settings.root_path
    return request.url.path.removeprefix(root_path)
