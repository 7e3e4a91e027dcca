"""Access: every route, requested by every kind of user."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from tests.web.people import Person, make_person
from tests.web.visitor import Visitor
from webstatus.access import ACCESS, BACKGROUND, BEFORE_PASSWORD_CHANGE, CONFIRMED, HASHES, Access
from webstatus.app import ROUTES, create_app, page, utc_now
from webstatus.settings import load
from webstatus.views.login import login

PAGES = [route for route in ROUTES if isinstance(route, Route)]
NOBODY, CLIENT, ADMINISTRATOR, PROGRAM = "nobody", "Cliente", "Administrador", "a program"
# A refusal is 401, 403 or a redirect to the login. Any other response passed the guard, even 404.
LET_IN = {
    Access.PUBLIC: {NOBODY, CLIENT, ADMINISTRATOR, PROGRAM},
    Access.SIGNED_IN: {CLIENT, ADMINISTRATOR},
    Access.ADMINISTRATOR: {ADMINISTRATOR},
    Access.READ_API: {CLIENT, ADMINISTRATOR, PROGRAM},
    Access.METRICS: {CLIENT, ADMINISTRATOR, PROGRAM},
}


def path_of(route: Route, number: str) -> str:
    """Return the path of a route with *number* for each number in it."""
    return re.sub(r"{\w+:row}", number, route.path).replace("{log}", "dump")


def test_the_table_and_the_routes_are_the_same() -> None:
    names = [route.name for route in PAGES]
    assert sorted(names) == sorted(set(names))
    assert set(names) == set(ACCESS)
    assert set(ACCESS) >= HASHES | BACKGROUND | BEFORE_PASSWORD_CHANGE | set(CONFIRMED) | set(CONFIRMED.values())
    assert [route.name for route in ROUTES if isinstance(route, Mount)] == ["static"]


def test_the_app_does_not_start_with_a_route_that_is_not_in_the_table() -> None:
    with pytest.raises(KeyError, match="secret-page"):
        page("/secret", login, "secret-page")


@pytest.fixture(scope="module")
def shared_app(web_settings: dict[str, str]) -> Iterator[Starlette]:
    """Start one app for all tests of this file."""
    made = create_app(load(**web_settings))
    yield made
    made.state.database.close()


@pytest.fixture(scope="module")
def shared_visitors(shared_app: Starlette, web_settings: dict[str, str]) -> dict[str, Visitor]:
    """Return one visitor of each kind."""
    return one_of_each(shared_app, web_settings)


def one_of_each(app: Starlette, web_settings: dict[str, str]) -> dict[str, Visitor]:
    made = {who: Visitor(app).log_in(make_person(web_settings, who)) for who in (CLIENT, ADMINISTRATOR)}
    token = made[CLIENT].post("/profile/tokens", nome="reads", validade="30").text.partition("<code")[2]
    program = Visitor(app)
    program.http.headers["authorization"] = "Bearer " + token.partition(">")[2].partition("<")[0]
    return {NOBODY: Visitor(app), **made, PROGRAM: program}


@pytest.mark.parametrize("who", [NOBODY, CLIENT, ADMINISTRATOR, PROGRAM])
@pytest.mark.parametrize("route", PAGES, ids=lambda route: route.name)
def test_each_route_is_open_as_the_table_says(
    app: Starlette, shared_visitors: dict[str, Visitor], web_settings: dict[str, str], route: Route, who: str
) -> None:
    visitor = (one_of_each(app, web_settings) if route.name == "logout" else shared_visitors)[who]
    path = path_of(route, "999999")
    method = "GET" if "GET" in (route.methods or ()) else "POST"
    answer = visitor.get(path) if method == "GET" else visitor.post(path, language="pt-BR")
    location = answer.headers.get("location", "")
    is_refused = answer.status_code in {401, 403} or location.startswith("/login?") or location == "/login"
    if route.name == "logout" and who in {CLIENT, ADMINISTRATOR}:
        is_refused = visitor.is_logged_in()
    assert is_refused == (who not in LET_IN[ACCESS[route.name]]), (answer.status_code, location)
    assert answer.status_code < 500
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("route", [route for route in PAGES if "{" in route.path], ids=lambda route: route.name)
@pytest.mark.parametrize("number", ["9" * 5000, "18446744073709551616", "-1", "0x1", "1e3", "%00", "1;2"])
def test_an_unknown_number_is_not_found(shared_visitors: dict[str, Visitor], route: Route, number: str) -> None:
    path = path_of(route, number)
    assert shared_visitors[ADMINISTRATOR].get(path).status_code in {404, 405}


def test_a_refusal_names_its_reason(shared_visitors: dict[str, Visitor]) -> None:
    answer = shared_visitors[CLIENT].get("/users")
    assert answer.status_code == 403
    assert "Seu usuário não tem permissão para ver esta página" in answer.text
    assert 'href="/users"' not in answer.text


@pytest.mark.parametrize("bearer", ["", "x", "Bearer ", "Bearer x", "bearer é", "Basic eDp5"])
def test_a_wrong_token_reads_nothing(app: Starlette, bearer: str) -> None:
    answer = Visitor(app).get("/api/v1/backups", headers={"authorization": bearer.encode("latin-1")})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["error"] == "Unauthorized"


def test_a_one_time_password_must_be_changed_first(app: Starlette, web_settings: dict[str, str]) -> None:
    person: Person = make_person(web_settings, "Administrador", one_time_until=utc_now() + datetime.timedelta(hours=1))
    visitor = Visitor(app).log_in(person)
    for route in PAGES:
        path = path_of(route, "1")
        if route.name in BEFORE_PASSWORD_CHANGE or ACCESS[route.name] is Access.PUBLIC:
            continue
        sends = "GET" not in (route.methods or ())
        answer = visitor.post(path) if sends else visitor.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/profile"), route.name
    assert "Sua senha é provisória. Escolha uma nova para continuar." in visitor.get("/profile").text
    new = {"senha": "my very own", "repetir_senha": "my very own"}
    answer = visitor.post("/profile/password", senha_atual=person.password, **new)
    assert answer.headers["location"] == "/"
    assert visitor.get("/users").status_code == 200
