"""The app below a path of a host, behind a proxy that keeps the path or removes it."""

from __future__ import annotations

import datetime
import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx2 import Response
from playwright.sync_api import Browser, expect
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.playbook import LogDatabase
from tests.servers.webstatus import WebStatus
from tests.web.backups import add, clear
from tests.web.browser import has_path, watched_page
from tests.web.people import Person, make_person
from tests.web.visitor import Visitor
from webstatus.app import ROUTES, create_app, utc_now
from webstatus.settings import load

BELOW = "/vex/app"
# The attributes of pages that hold addresses, those that scripts read included.
ADDRESS = re.compile(r'\s(href|src|action|data-action|data-source|data-live)="([^"]*)"')
# Pages that no page links to: programs use them.
UNLINKED = {"api-backups", "api-backup", "healthz", "metrics"}


class Removing:
    """A proxy that removes the path."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on (ASGI)."""
        if scope["type"] == "http":
            scope = {**scope, "path": scope["path"].removeprefix(BELOW)}
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def settings(web_settings: dict[str, str]) -> dict[str, str]:
    return {**web_settings, "root_path": f"{BELOW}/"}


@pytest.fixture(scope="module", params=[False, True], ids=["path kept", "path removed"])
def proxied(request: pytest.FixtureRequest, settings: dict[str, str]) -> Iterator[ASGIApp]:
    """Return the app in this process, behind each kind of proxy."""
    made = create_app(load(**settings))
    yield Removing(made) if request.param else made
    made.state.database.close()


@pytest.fixture
def person(settings: dict[str, str]) -> Person:
    return make_person(settings, "Administrador")


@pytest.fixture
def visitor(proxied: ASGIApp, person: Person) -> Visitor:
    return Visitor(proxied, below=BELOW).log_in(person)


@pytest.fixture
def backups(web_database: LogDatabase) -> Iterator[list[int]]:
    """Return backups: one that runs, and one that has ended, with logs."""
    clear(web_database)
    running = add(web_database, status_backup=0)
    yield [running, add(web_database, log_execucao="run: opened\n", log_dump="dump\n")]
    clear(web_database)


def addresses_of(page: Response) -> set[tuple[str, str]]:
    """Return the attributes of a page with addresses outside of that page."""
    found = {(name, html.unescape(address)) for name, address in ADDRESS.findall(page.text)}
    return {(name, address) for name, address in found if address and not address.startswith("#")}


def route_of(path: str) -> str:
    """Return the name of the route of a path."""
    (name, *_) = [route.name for route in ROUTES if isinstance(route, Route) and route.path_regex.match(path)]
    return str(name)


def test_every_address_of_every_page(proxied: ASGIApp, visitor: Visitor, backups: list[int]) -> None:
    """Follow every link and load every file, from the dashboard on; redirects lead to the page that asks again."""
    visitor.post("/profile/tokens", nome="to revoke", validade="30")
    waiting, seen, sent = ["/", "/confirm"], {"/confirm"}, set[str]()
    while waiting:
        path = waiting.pop()
        answer = visitor.get(path)
        if path == "/login":
            assert answer.headers["location"] == f"{BELOW}/"
            continue
        assert answer.status_code == 200, path
        for name, address in addresses_of(answer):
            assert address.startswith(f"{BELOW}/"), f"{name} of {path}"
            target = address.removeprefix(BELOW)
            if name.endswith("action"):
                sent.add(route_of(target.partition("?")[0]))
            elif target not in seen:
                seen.add(target)
                waiting.append(target)
    files = {path for path in seen if path.startswith("/static/")}
    assert files
    assert all("immutable" in visitor.get(path).headers["cache-control"] for path in files)
    pages = {route_of(path.partition("?")[0]) for path in seen - files}
    read = {route.name for route in ROUTES if isinstance(route, Route) and "GET" in (route.methods or ())}
    assert read - pages == UNLINKED, "a page is not reached"
    forms = {route.name for route in ROUTES if isinstance(route, Route) and "POST" in (route.methods or ())}
    assert forms - sent == {"login"}, "a form is not found"
    login = addresses_of(Visitor(proxied, below=BELOW).get("/login"))
    assert ("action", f"{BELOW}/login") in login
    assert all(address.startswith(f"{BELOW}/") for _, address in login)


def test_every_form(proxied: ASGIApp, visitor: Visitor, settings: dict[str, str], person: Person) -> None:
    other = make_person(settings, "Cliente")
    privilege = re.search(r'<option value="(\d+)"[^>]*>Cliente<', visitor.get("/users/new").text)
    assert privilege
    new = {"nome": "Novo", "login": f"novo-{other.id}", "privilegio": privilege[1], "ativo": "1"}
    passwords = {"senha": "a new password", "repetir_senha": "a new password"}
    assert visitor.post("/profile/tokens", nome="reads", validade="30").status_code == 200
    (revoke,) = re.findall(r"/profile/tokens/\d+/revoke", visitor.get("/profile").text)
    Visitor(proxied, below=BELOW).log_in(person)
    sessions = re.findall(r"/profile/sessions/\d+/end", visitor.get("/profile").text)
    for path, fields, location in [
        ("/language", {"language": "en", "next": f"{BELOW}/backups?status=1"}, "/backups?status=1"),
        ("/language", {"language": "pt-BR", "next": "/elsewhere"}, "/"),
        ("/language", {"language": "pt-BR", "next": f"{BELOW}//evil.example"}, "/"),
        ("/language", {"language": "pt-BR", "next": f"{BELOW}/../other"}, "/"),
        ("/users/new", {**new, **passwords}, "/users"),
        (f"/users/{other.id}", {**new, "login": other.login}, "/users"),
        (f"/users/{other.id}/sessions/end", {}, f"/users/{other.id}"),
        (f"/users/{other.id}/delete", {}, "/users"),
        (revoke, {}, "/profile"),
        (max(sessions), {}, "/profile"),
        ("/confirm", {"senha": person.password, "next": f"{BELOW}/users"}, "/users"),
        ("/confirm", {"senha": person.password, "next": "/users"}, "/"),
        ("/profile/password", {"senha_atual": person.password, **passwords}, "/profile"),
        ("/logout", {}, "/login"),
        ("/users/new", new, "/login"),
        ("/login", {"login": person.login, "senha": "a new password", "next": f"{BELOW}/users"}, "/users"),
    ]:
        answer = visitor.post(path, **fields)
        assert (answer.status_code, answer.headers.get("location")) == (303, BELOW + location), path


def test_the_way_to_the_login_and_back(
    proxied: ASGIApp, settings: dict[str, str], web_database: LogDatabase, person: Person
) -> None:
    visitor = Visitor(proxied, below=BELOW)
    assert visitor.get("/").headers["location"] == f"{BELOW}/login"
    # The path itself, without a slash.
    assert visitor.http.get(f"http://testserver{BELOW}").headers["location"] == f"{BELOW}/login"
    answer = visitor.get("/backups?status=1")
    assert answer.headers["location"] == f"{BELOW}/login?next=/vex/app/backups%3Fstatus%3D1"
    form = visitor.get("/login?next=/vex/app/backups%3Fstatus%3D1").text
    assert 'name="next" value="/vex/app/backups?status=1"' in form
    old = Visitor(proxied, below=BELOW).log_in(person)
    age = "UPDATE sessao SET data_criacao = data_criacao - INTERVAL 1 HOUR WHERE usuario_id = %s"
    web_database.rows(age, person.id)
    assert old.get("/users/new").headers["location"] == f"{BELOW}/confirm?next=/vex/app/users/new"
    provisional = make_person(settings, "Cliente", one_time_until=utc_now() + datetime.timedelta(hours=1))
    assert visitor.log_in(provisional).get("/backups").headers["location"] == f"{BELOW}/profile"
    new = {"senha": "my very own", "repetir_senha": "my very own"}
    answer = visitor.post("/profile/password", senha_atual=provisional.password, **new)
    assert answer.headers["location"] == f"{BELOW}/"
    assert visitor.get("/login").headers["location"] == f"{BELOW}/"


def test_errors_and_programs(proxied: ASGIApp, visitor: Visitor, backups: list[int]) -> None:
    page = visitor.get("/nowhere")
    assert page.status_code == 404
    assert all(address.startswith(f"{BELOW}/") for _, address in addresses_of(page))
    assert visitor.get("/api/v1/nowhere").json()["error"] == "Not Found"
    assert visitor.get("/healthz").status_code == 200
    (found, *_) = visitor.get("/api/v1/backups").json()["backups"]
    assert found["address"] == f"{BELOW}/api/v1/backups/{found['id']}"
    # Another path of the host that begins with the same letters is not the app's.
    assert visitor.http.get(f"http://testserver{BELOW}lication/login").status_code == 404


def test_headers_of_proxies_do_not_move_the_app(proxied: ASGIApp) -> None:
    """The root path is a setting. A client could send these headers too."""
    headers = {"x-forwarded-prefix": "/evil", "x-forwarded-host": "evil.example", "host": "evil.example"}
    assert Visitor(proxied, below=BELOW).get("/", headers=headers).headers["location"] == f"{BELOW}/login"


@pytest.mark.parametrize("plain_http", [True, False])
def test_cookies_are_for_the_path_only(settings: dict[str, str], *, plain_http: bool) -> None:
    """Other apps of the host do not get them."""
    app = create_app(load(**{**settings, "plain_http": str(plain_http)}))
    (cookie,) = Visitor(app, below=BELOW).get("/login").headers.get_list("set-cookie")
    app.state.database.close()
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", f"path={BELOW}"} <= flags
    assert ("secure" in flags, cookie.startswith("__Secure-vex_")) == (not plain_http, not plain_http)


def test_a_browser(
    browser: Browser, settings: dict[str, str], person: Person, backups: list[int], tmp_path: Path
) -> None:
    with (
        WebStatus(tmp_path / "web", settings) as served,
        watched_page(browser, served.url) as (page, _watch),
    ):
        page.goto(f"{BELOW}/backups?status=1")
        expect(page).to_have_url(has_path(f"{BELOW}/login"))
        page.get_by_label("Usuário").fill(person.login)
        page.get_by_label("Senha", exact=True).fill(person.password)
        page.get_by_role("button", name="Entrar").click()
        expect(page).to_have_url(has_path(f"{BELOW}/backups"))
        page.get_by_role("link", name="Dashboard").click()
        expect(page).to_have_url(has_path(f"{BELOW}/"))
        # The dashboard reads itself again during a run, every five seconds.
        with page.expect_response(lambda response: response.url.endswith(f"{BELOW}/dashboard")) as again:
            pass
        assert again.value.status == 200
        page.goto(f"{BELOW}/backups/{backups[0]}")
        with page.expect_response(lambda response: response.url.endswith("/live")) as live:
            pass
        assert live.value.status == 200
        page.get_by_role("button", name="English").click()
        expect(page).to_have_url(has_path(f"{BELOW}/backups/{backups[0]}"))
        expect(page.locator("html")).to_have_attribute("lang", "en")
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_url(has_path(f"{BELOW}/login"))
        page.goto(f"{BELOW}/")
        expect(page).to_have_url(has_path(f"{BELOW}/login"))
