"""The web app on a log database of its own, people to log in as, and a browser."""

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
    """A log database whose rows are the web tests' alone."""
    database = LogDatabase(log_mariadb, server_directory)
    database.create()
    return database


@pytest.fixture(scope="session")
def web_settings(web_database: LogDatabase) -> dict[str, str]:
    """The app's settings for ``web_database``, by name: for ``webstatus.settings.load(**web_settings)`` too."""
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
    """The app, served."""
    with WebStatus(server_directory / "web", web_settings) as app:
        yield app


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Passwords of people made by tests cost little; the app's own process hashes as it does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "ROUNDS", 4)
        yield


@pytest.fixture
def clock() -> Clock:
    """The clock of ``app``."""
    return Clock()


@pytest.fixture
def app(web_settings: dict[str, str], clock: Clock) -> Iterator[Starlette]:
    """The app in this process, for ``visitor.Visitor``."""
    made = create_app(load(**web_settings), clock)
    yield made
    made.state.database.close()


@pytest.fixture(scope="session")
def administrator(web_settings: dict[str, str]) -> Person:
    """An administrator. A test that changes the person makes its own with ``people.make_person``."""
    return make_person(web_settings, "Administrador", nome="Ana Administradora")


@pytest.fixture(scope="session")
def client(web_settings: dict[str, str]) -> Person:
    """Somebody who only looks."""
    return make_person(web_settings, "Cliente", nome="Caio Cliente")


# Not the session's: while Playwright runs, no other test could start an event loop in this thread.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture
def watched(browser: Browser, web: WebStatus) -> Iterator[tuple[Page, Watch]]:
    """A page in a browser of its own, and the watch over it; what should not happen in it fails the test."""
    with watched_page(browser, web.url) as page_and_watch:
        yield page_and_watch


@pytest.fixture
def page(watched: tuple[Page, Watch]) -> Page:
    """A page of nobody yet."""
    return watched[0]


@pytest.fixture
def watch(watched: tuple[Page, Watch]) -> Watch:
    """The watch over ``page``."""
    return watched[1]


@pytest.fixture
def administrators_page(page: Page, administrator: Person) -> Page:
    """A page of ``administrator``."""
    log_in(page, administrator)
    return page


@pytest.fixture
def clients_page(page: Page, client: Person) -> Page:
    """A page of ``client``."""
    log_in(page, client)
    return page
