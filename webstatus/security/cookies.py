"""Cookies, and the tokens of forms."""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

from itsdangerous import BadSignature, Signer
from starlette.requests import Request
from starlette.responses import Response

from webstatus.settings import Settings

SESSION = "vex_session"
# Ties the login form to the browser that requested it, before there is a session.
VISITOR = "vex_visitor"
# Shows which user has logged in with the browser before: see security/devices.py.
DEVICE = "vex_device"
NOTICE = "vex_notice"
LANGUAGE = "vex_language"
YEAR = 365 * 24 * 3600


def cookie_name(settings: Settings, name: str) -> str:
    """Return the name as sent.

    Browsers accept a ``__Host-`` cookie only from this host itself, over TLS and for the whole host. Below a root path
    other apps of the host do not get the cookies: browsers accept a ``__Secure-`` cookie over TLS for any path.
    """
    if settings.plain_http:
        return name
    return f"__Secure-{name}" if settings.root_path else f"__Host-{name}"


def set_cookie(response: Response, settings: Settings, name: str, value: str, max_age: int | None = None) -> None:
    """Set a cookie that scripts cannot read and that browsers do not send with another site's forms.

    :param max_age: seconds; ``None`` keeps it until the browser closes
    """
    response.set_cookie(
        cookie_name(settings, name),
        value,
        max_age=max_age,
        path=settings.root_path or "/",
        secure=not settings.plain_http,
        httponly=True,
        samesite="lax",
    )


def drop_cookie(response: Response, settings: Settings, name: str) -> None:
    """Delete a cookie from the browser."""
    set_cookie(response, settings, name, "", max_age=0)


def set_signed(response: Response, settings: Settings, name: str, value: str, max_age: int | None = None) -> None:
    """Set a cookie signed with the secret key. *max_age* as in :func:`set_cookie`."""
    set_cookie(response, settings, name, _signer(settings, name).sign(value).decode("ascii"), max_age)


def read_signed(request: Request, settings: Settings, name: str) -> str | None:
    """Return a signed cookie's value, or ``None`` when it is missing or its signature is wrong."""
    sent = request.cookies.get(cookie_name(settings, name))
    if sent is None:
        return None
    try:
        return _signer(settings, name).unsign(sent.encode("utf-8")).decode("ascii")
    except (BadSignature, UnicodeError):
        return None


def form_token(settings: Settings, binding: str) -> str:
    """Return the form token of *binding*, the token of a session or of a visitor."""
    key = settings.secret_key.get_secret_value().encode("utf-8")
    return hmac.new(key, b"form:" + binding.encode("utf-8"), sha256).hexdigest()


def form_token_matches(settings: Settings, binding: str, sent: object) -> bool:
    """Return whether *sent* is the form token of *binding*."""
    return isinstance(sent, str) and hmac.compare_digest(
        form_token(settings, binding).encode("ascii"), sent.encode("utf-8", "replace")
    )


def new_token() -> str:
    """Return a random token of 256 bits, as text."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """Return the hash of a token, which is stored. A plain hash is enough, because the token is random."""
    return sha256(token.encode("utf-8")).hexdigest()


def _signer(settings: Settings, name: str) -> Signer:
    return Signer(settings.secret_key.get_secret_value(), salt=f"vex-webstatus.{name}", digest_method=sha256)
