"""Known browsers: a cookie shows that a user has logged in with this browser, and with the present password.

Throttling counts the errors of such a browser by itself, so that the errors of others do not lock its user out. A new
password makes all browsers unknown again, also those of a person who had the old one.
Source: https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

from __future__ import annotations

import hmac

from starlette.requests import Request
from starlette.responses import Response

from webstatus.security import cookies
from webstatus.settings import Settings

# Users whom one browser is known for. Each has a cookie, which is sent with every request.
MAX_USERS = 10


def known(request: Request, settings: Settings, user_id: int, password_hash: str) -> str | None:
    """Return the hash that stands for this browser, or ``None`` when this user has not logged in with it.

    :param password_hash: the user's present one
    """
    value = _value(request, settings, user_id, password_hash)
    return cookies.digest(value) if value else None


def of_session(session_id: int | None) -> str:
    """Return the hash that stands for the browser of a session: whoever has the session logged in with it."""
    return cookies.digest(f"session:{session_id}")


def remember(request: Request, response: Response, settings: Settings, user_id: int, password_hash: str) -> None:
    """Make this browser a known one of the user. When it has too many users, it forgets those who came first.

    :param password_hash: that of the password which was typed
    """
    name = _name(user_id)
    value = _value(request, settings, user_id, password_hash)
    value = value or f"{_start(settings, user_id, password_hash)}{cookies.new_token()}"
    cookies.set_signed(response, settings, name, value, max_age=cookies.YEAR)
    prefix, mine = (cookies.cookie_name(settings, text) for text in (f"{cookies.DEVICE}_", name))
    # Browsers send the oldest first.
    others = [sent.removeprefix(prefix) for sent in request.cookies if sent.startswith(prefix) and sent != mine]
    for other in [sent for sent in others if sent.isdecimal()][: -(MAX_USERS - 1)]:
        cookies.drop_cookie(response, settings, f"{cookies.DEVICE}_{other}")


def _value(request: Request, settings: Settings, user_id: int, password_hash: str) -> str | None:
    value = cookies.read_signed(request, settings, _name(user_id))
    return value if value and value.startswith(_start(settings, user_id, password_hash)) else None


def _name(user_id: int) -> str:
    return f"{cookies.DEVICE}_{user_id}"


def _start(settings: Settings, user_id: int, password_hash: str) -> str:
    """Return the part of the cookie that ties it to the user and the password, without showing anything of the hash."""
    key = settings.secret_key.get_secret_value().encode("utf-8")
    tag = hmac.new(key, f"device:{password_hash}".encode("utf-8", "replace"), "sha256").hexdigest()[:32]
    return f"{user_id}:{tag}:"
