"""The security and cache headers of every response."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webstatus.settings import Settings

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# The address of a file under static/ changes with the file's content.
CACHE_FOREVER = "public, max-age=31536000, immutable"
NO_CACHE = "no-store"


def headers_of(settings: Settings) -> dict[str, str]:
    """Return the headers of every response."""
    lifetime = "max-age=31536000" + ("; includeSubDomains" if settings.hsts_subdomains else "")
    strict = {} if settings.plain_http else {"Strict-Transport-Security": lifetime}
    return {**HEADERS, **strict, "Cache-Control": NO_CACHE}


class SecurityHeaders:
    """Middleware that adds :func:`headers_of` to every response."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.headers = headers_of(settings)
        self.static = f"{settings.root_path}/static/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_versioned = scope["path"].startswith(self.static) and scope["query_string"].startswith(b"v=")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self.headers)
                if is_versioned and message["status"] == 200:
                    headers["Cache-Control"] = CACHE_FOREVER
            await send(message)

        await self.app(scope, receive, send_with_headers)
