"""A client of the app in this process, with the cookies and forms of a browser."""

from __future__ import annotations

import datetime
import html
import itertools
import re
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from tests.web.people import Person
from webstatus.app import utc_now

# Each visitor has its own address (of the test networks in RFC 2544), because throttling counts by address.
_addresses = (f"198.{18 + n // 65536}.{n // 256 % 256}.{n % 256}" for n in itertools.count(1))


class Clock:
    """A clock that tests can put forward; times are UTC without a time zone."""

    def __init__(self) -> None:
        self.ahead = datetime.timedelta()
        self._stopped: datetime.datetime | None = None

    def __call__(self) -> datetime.datetime:
        """Return the time of this clock."""
        return (self._stopped or utc_now()) + self.ahead

    def stop(self) -> None:
        """Let only the time pass that the test lets pass, since seconds count and the machine may be slow."""
        self._stopped = utc_now()

    def pass_time(self, **amount: float) -> None:
        """Put the clock forward. *amount*: arguments of ``datetime.timedelta``."""
        self.ahead += datetime.timedelta(**amount)


class Visitor:
    """One browser.

    :param address: its IP address; by default one that no other visitor has
    :param below: the path of the host to which the paths of requests are added
    """

    def __init__(self, app: ASGIApp, address: str | None = None, *, below: str = "") -> None:
        self.address = address or next(_addresses)
        self.http = TestClient(
            app,
            base_url=f"http://testserver{below}",
            client=(self.address, 40000),
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    def get(self, path: str, **options: Any) -> Response:
        """Request a page."""
        return self.http.get(path, **options)

    def post(self, path: str, *, token: str | None = None, **fields: str) -> Response:
        """Send a form.

        :param token: the form token; ``None`` for this visitor's own
        """
        return self.http.post(path, data={"csrf_token": self.form_token() if token is None else token, **fields})

    def form_token(self) -> str:
        """Return the form token in this visitor's pages."""
        # The login page redirects users who are logged in; every user has a profile.
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
        """Log in as *person*. Return this visitor."""
        answer = self.try_login(person.login, person.password)
        assert answer.status_code == 303, answer.text
        return self

    def is_logged_in(self) -> bool:
        """Return whether this visitor has a session."""
        return self.get("/profile").status_code == 200

    @property
    def session_cookie(self) -> str:
        """Return the session's cookie, as sent."""
        return self.http.cookies["vex_session"]

    @session_cookie.setter
    def session_cookie(self, value: str) -> None:
        self.http.cookies.delete("vex_session") if "vex_session" in self.http.cookies else None
        self.http.cookies.set("vex_session", value, domain="testserver.local", path="/")


def dialogs_of(answer: Response) -> list[str]:
    """Return the text of each open dialog in a page, in one line."""
    found = re.findall(r'<div class="modal"[^>]*data-open>(.*?)</button>', answer.text, re.DOTALL)
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", dialog)).split()) for dialog in found]


def text_of(answer: Response) -> str:
    """Return a page's text in one line, without its tags."""
    body = answer.text.partition("<main")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())
