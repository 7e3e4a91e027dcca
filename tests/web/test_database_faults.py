"""The log database restarts, crashes, ends connections or has no more of them: pages show 503 until it is back."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import httpx2
import pymysql
import pytest
from starlette.applications import Starlette

from tests.playbook import HANGS, LogDatabase
from tests.servers.webstatus import WebStatus
from tests.web.people import Person
from tests.web.visitor import Visitor, text_of
from webstatus import database
from webstatus.app import create_app
from webstatus.settings import load

PATHS = ("/", "/backups", "/dashboard", "/api/v1/backups", "/metrics", "/healthz", "/login")
READERS = 6


class Load:
    """Readers that request pages in turn; ``answers`` has the statuses, and those of errors with their headers."""

    def __init__(self, url: str, cookies: httpx2.Cookies) -> None:
        self.answers: list[tuple[int, str | None]] = []
        self._url, self._cookies = url, cookies
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(READERS)

    def __enter__(self) -> Self:
        self._running = [self._pool.submit(self._read) for _ in range(READERS)]
        self.wait_for(200)
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._pool.shutdown()
        for reader in self._running:
            reader.result()

    def wait_for(self, status: int) -> None:
        """Wait until each reader may have got new answers, and one has this status."""
        for _ in range(10 * HANGS):
            seen = len(self.answers)
            threading.Event().wait(0.1)
            if status in {answer for answer, _ in self.answers[seen:]}:
                return
        raise AssertionError(f"no answer has the status {status}")

    def _read(self) -> None:
        with httpx2.Client(base_url=self._url, cookies=self._cookies, timeout=HANGS) as browser:
            while not self._ended.is_set():
                for path in PATHS:
                    answer = browser.get(path)
                    self.answers.append((answer.status_code, answer.headers.get("retry-after")))


@pytest.fixture
def served(web_settings: dict[str, str], tmp_path: Path) -> Iterator[WebStatus]:
    with WebStatus(tmp_path / "web", web_settings) as app:
        yield app


@pytest.fixture
def load_of(app: Starlette, served: WebStatus, client: Person) -> Load:
    """Return readers who are logged in."""
    cookies = httpx2.Cookies()
    cookies.set("vex_session", Visitor(app).log_in(client).session_cookie)
    return Load(served.url, cookies)


def log_of(served: WebStatus) -> list[str]:
    """Return the lines of the log. Each is an entry by itself, with its time in UTC: none belongs to a traceback."""
    lines = served.process.log.read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [A-Z]+ [\w.]+: .", line)]
    return lines


@pytest.mark.parametrize("crash", [False, True], ids=["restart", "crash"])
def test_the_database_restarts_under_load(
    served: WebStatus, load_of: Load, web_database: LogDatabase, *, crash: bool
) -> None:
    server = web_database.server
    with load_of:
        server.kill() if crash else server.stop()
        load_of.wait_for(503)
        server.start()
        load_of.wait_for(200)
    # Login redirects those who are logged in.
    assert set(load_of.answers) <= {(200, None), (303, None), (503, "30"), (503, "1")}
    assert any("the log database is away" in line for line in log_of(served))
    with httpx2.Client(base_url=served.url) as browser:
        assert [browser.get(path).status_code for path in ("/login", "/healthz")] == [200, 200]


def test_connections_are_ended_under_load(served: WebStatus, load_of: Load, web_database: LogDatabase) -> None:
    user, _ = web_database.web
    with load_of:
        for _ in range(8):
            for row in web_database.rows("SELECT id FROM information_schema.processlist WHERE user = %s", user):
                # Or it has ended by itself.
                with contextlib.suppress(pymysql.err.OperationalError):
                    web_database.server.execute(f"KILL CONNECTION {row['id']}")
            threading.Event().wait(0.05)
        load_of.wait_for(200)
    assert {status for status, _ in load_of.answers} <= {200, 303, 503}
    assert log_of(served)


def test_all_connections_are_in_use(
    web_settings: dict[str, str], client: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "POOL_TIMEOUT", 0.3)
    made = create_app(load(**{**web_settings, "database_connections": "1"}))
    visitor = Visitor(made).log_in(client)
    with made.state.database.engine.connect():
        answer = visitor.get("/backups")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        assert "Há pedidos demais ao mesmo tempo" in text_of(answer)
        assert visitor.get("/healthz").json()["error"] == "Service Unavailable"
    assert visitor.get("/backups").status_code == 200
    made.state.database.close()


def test_the_server_gives_no_more_connections(
    web_settings: dict[str, str], web_database: LogDatabase, client: Person
) -> None:
    made = create_app(load(**web_settings))
    visitor = Visitor(made).log_in(client)
    made.state.database.close()
    user, password = web_database.web
    account = f"'{user}'@'localhost'"
    try:
        web_database.server.execute(f"ALTER USER {account} WITH MAX_USER_CONNECTIONS 1")
        with web_database.server.connect(user, password):
            answer = visitor.get("/backups")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
            assert "Banco de dados indisponível" in text_of(answer)
    finally:
        web_database.server.execute(f"ALTER USER {account} WITH MAX_USER_CONNECTIONS 0")
    assert visitor.get("/backups").status_code == 200
    made.state.database.close()
