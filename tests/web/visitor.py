"""Somebody who asks the app in-process: a browser's cookies and forms, without the browser."""

from __future__ import annotations

import datetime
import html
import itertools
import re
from typing import Any

from httpx2 import Response
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.web.people import Person
from webstatus.app import utc_now

# Each visitor comes from an address of their own (RFC 2544): throttling counts by address.
_addresses = (f"198.{18 + n // 65536}.{n // 256 % 256}.{n % 256}" for n in itertools.count(1))


class Clock:
    """A clock that tests put forward; times are UTC without a zone."""

    def __init__(self) -> None:
        self.ahead = datetime.timedelta()

    def __call__(self) -> datetime.datetime:
        """Now."""
        return utc_now() + self.ahead

    def pass_time(self, **amount: float) -> None:
        """Let time pass: as ``datetime.timedelta`` takes it."""
        self.ahead += datetime.timedelta(**amount)


class Visitor:
    """One browser.

    :param address: where it comes from; by default nobody else does
    """

    def __init__(self, app: Starlette, address: str | None = None) -> None:
        self.address = address or next(_addresses)
        self.http = TestClient(app, client=(self.address, 40000), follow_redirects=False, raise_server_exceptions=False)

    def get(self, path: str, **options: Any) -> Response:
        """Ask for a page."""
        return self.http.get(path, **options)

    def post(self, path: str, *, token: str | None = None, **fields: str) -> Response:
        """Send a form.

        :param token: ``None`` for the one of this visitor's own pages
        """
        return self.http.post(path, data={"csrf_token": self.form_token() if token is None else token, **fields})

    def form_token(self) -> str:
        """What the forms of this visitor's pages hold."""
        # The login page leads those who are logged in away; the profile is everybody's.
        page = self.get("/profile")
        if page.status_code != 200:
            page = self.get("/login")
        found = re.search(r'name="csrf_token" value="(\w+)"', page.text)
        assert found, page.text
        return found[1]

    def try_login(self, login: str, password: str, **fields: str) -> Response:
        """Send the login form."""
        return self.post("/login", login=login, senha=password, **fields)

    def log_in(self, person: Person) -> Visitor:
        """Log in, and be who one is."""
        answer = self.try_login(person.login, person.password)
        assert answer.status_code == 303, answer.text
        return self

    def is_logged_in(self) -> bool:
        """Whether the session lives."""
        return self.get("/profile").status_code == 200

    @property
    def session_cookie(self) -> str:
        """The cookie of the session, as sent."""
        return self.http.cookies["vex_session"]

    @session_cookie.setter
    def session_cookie(self, value: str) -> None:
        self.http.cookies.delete("vex_session") if "vex_session" in self.http.cookies else None
        self.http.cookies.set("vex_session", value, domain="testserver.local", path="/")


def dialogs_of(answer: Response) -> list[str]:
    """The words of the dialogs that open themselves in a page, each in one line."""
    found = re.findall(r'<div class="modal"[^>]*data-open>(.*?)</button>', answer.text, re.DOTALL)
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", dialog)).split()) for dialog in found]


def text_of(answer: Response) -> str:
    """A page's words in one line, without its tags."""
    body = answer.text.partition("<main")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())
