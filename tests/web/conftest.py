"""Fixtures: the web app with its own log database, users, and a browser."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette

from tests.playbook import LogDatabase
from tests.servers.mariadb import MariaDB
from tests.servers.webstatus import WebStatus
from tests.web.browser import Watch, chromium, log_in, watched_page
from tests.web.people import Person, make_person
from tests.web.visitor import Clock
from webstatus.app import create_app
from webstatus.security import passwords
from webstatus.settings import load


@pytest.fixture(scope="session")
def web_database(log_mariadb: MariaDB, server_directory: Path) -> LogDatabase:
    """Return a log database that only the web tests use."""
    database = LogDatabase(log_mariadb, server_directory)
    database.create()
    return database


@pytest.fixture(scope="session")
def web_settings(web_database: LogDatabase) -> dict[str, str]:
    """Return the app's settings for ``web_database``, by name, as ``webstatus.settings.load`` takes them."""
    user, password = web_database.web
    return {
        "secret_key": secrets.token_urlsafe(48),
        "log_db_unix_socket": web_database.server.socket,
        "log_db_name": web_database.name,
        "log_db_user": user,
        "log_db_password": password,
        "plain_http": "true",
    }


@pytest.fixture(scope="session")
def web(web_settings: dict[str, str], server_directory: Path) -> Iterator[WebStatus]:
    """Serve the app in a process of its own."""
    with WebStatus(server_directory / "web", web_settings) as app:
        yield app


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Make hashing cheap in this process. The served app hashes at full cost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "ROUNDS", 4)
        yield


@pytest.fixture
def clock() -> Clock:
    """Return the clock of ``app``."""
    return Clock()


@pytest.fixture
def app(web_settings: dict[str, str], clock: Clock) -> Iterator[Starlette]:
    """Return the app in this process, for ``visitor.Visitor``."""
    made = create_app(load(**web_settings), clock)
    yield made
    made.state.database.close()


@pytest.fixture(scope="session")
def administrator(web_settings: dict[str, str]) -> Person:
    """Return an administrator. A test that changes a user creates its own with ``people.make_person``."""
    return make_person(web_settings, "Administrador", name="Ana Administradora")


@pytest.fixture(scope="session")
def client(web_settings: dict[str, str]) -> Person:
    """Return a user who is not an administrator."""
    return make_person(web_settings, "Cliente", name="Caio Cliente")


# Not of session scope: while Playwright runs, no other test can start an event loop in this thread.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Start Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture
def watched(browser: Browser, web: WebStatus) -> Iterator[tuple[Page, Watch]]:
    """Open a page in its own browser context. The test fails when the watch has seen a problem in it."""
    with watched_page(browser, web.url) as page_and_watch:
        yield page_and_watch


@pytest.fixture
def page(watched: tuple[Page, Watch]) -> Page:
    """Return a page without a login."""
    return watched[0]


@pytest.fixture
def watch(watched: tuple[Page, Watch]) -> Watch:
    """Return the watch over ``page``."""
    return watched[1]


@pytest.fixture
def administrators_page(page: Page, administrator: Person) -> Page:
    """Return ``page``, logged in as ``administrator``."""
    log_in(page, administrator)
    return page


@pytest.fixture
def clients_page(page: Page, client: Person) -> Page:
    """Return ``page``, logged in as ``client``."""
    log_in(page, client)
    return page
