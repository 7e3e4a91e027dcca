"""Known browsers: a cookie shows that a user has logged in with this browser before.

Throttling counts the errors of such a browser by itself, so that the errors of others do not lock its user out.
Source: https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from webstatus.security import cookies
from webstatus.settings import Settings


def known(request: Request, settings: Settings, user_id: int) -> str | None:
    """Return the hash that stands for this browser, or ``None`` when this user has not logged in with it."""
    value = cookies.read_signed(request, settings, cookies.DEVICE)
    return cookies.digest(value) if value and value.startswith(f"{user_id}:") else None


def of_session(session_id: int | None) -> str:
    """Return the hash that stands for the browser of a session: whoever has the session logged in with it."""
    return cookies.digest(f"session:{session_id}")


def remember(request: Request, response: Response, settings: Settings, user_id: int) -> None:
    """Make this browser a known one of the user."""
    value = cookies.read_signed(request, settings, cookies.DEVICE)
    if value is None or not value.startswith(f"{user_id}:"):
        value = f"{user_id}:{cookies.new_token()}"
    cookies.set_signed(response, settings, cookies.DEVICE, value, max_age=cookies.YEAR)
