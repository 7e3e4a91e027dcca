"""The password is asked for again before users, sessions and tokens are changed."""

from __future__ import annotations

import datetime
import html
import re

import pytest
from httpx2 import Response
from starlette.applications import Starlette
from starlette.routing import Route

from tests.playbook import LogDatabase
from tests.web.people import Person, make_person
from tests.web.visitor import Clock, Visitor, dialogs_of, text_of
from webstatus.access import CONFIRMED
from webstatus.app import ROUTES, utc_now
from webstatus.security import passwords


@pytest.fixture
def person(web_settings: dict[str, str]) -> Person:
    """Return an administrator whom only this test uses."""
    return make_person(web_settings, "Administrador")


@pytest.fixture
def later(app: Starlette, clock: Clock, person: Person) -> Visitor:
    """Return a visitor who logged in half an hour ago and has used the session since."""
    visitor = Visitor(app).log_in(person)
    for _ in range(2):
        clock.pass_time(minutes=15)
        assert visitor.is_logged_in()
    return visitor


ASKING = [route for route in ROUTES if isinstance(route, Route) and route.name in CONFIRMED]


@pytest.mark.parametrize("route", ASKING, ids=lambda route: route.name)
def test_each_change_asks_first(later: Visitor, web_database: LogDatabase, person: Person, route: Route) -> None:
    path = re.sub(r"{\w+:row}", str(person.id), route.path)
    before = web_database.rows("SELECT COUNT(*) AS users, MAX(id) AS last FROM auditoria")
    for method in sorted((route.methods or set()) - {"HEAD"}):
        answer = later.get(path) if method == "GET" else later.post(path, nome="x", login="x", validade="30")
        location = answer.headers["location"]
        assert (answer.status_code, location.partition("=")[0]) == (303, "/confirm?next"), method
        # The page afterwards can be read.
        page = location.partition("=")[2]
        assert page in {"/profile", "/users/new", f"/users/{person.id}", f"/users/{person.id}/delete"}
    assert web_database.rows("SELECT COUNT(*) AS users, MAX(id) AS last FROM auditoria") == before


def language_returns_to(page: Response) -> str:
    """Return the address at which the switch of languages leads back to a page."""
    found = re.search(r'action="/language".*?name="next" value="([^"]*)"', page.text, re.DOTALL)
    assert found, page.text
    return html.unescape(found[1])


def test_the_language_of_a_refused_form(app: Starlette, person: Person) -> None:
    """The addresses of these forms have no page of their own."""
    visitor = Visitor(app)
    assert language_returns_to(visitor.try_login(person.login, "guess guess")) == "/login?next=%2F"
    visitor.log_in(person)
    assert language_returns_to(visitor.post("/profile/password")) == "/profile"
    assert language_returns_to(visitor.post("/profile/tokens", nome="x", validade="30")) == "/profile"


def test_the_way_through(app: Starlette, later: Visitor, clock: Clock, person: Person) -> None:
    assert "Confirme sua senha para continuar" in text_of(later.get("/confirm?next=/users/new"))
    (dialog,) = dialogs_of(later.post("/confirm", next="/users/new"))
    assert dialog.startswith("Todos os campos devem ser preenchidos")
    wrong = later.post("/confirm", senha="guess guess", next="/users/new")
    assert (wrong.status_code, dialogs_of(wrong)) == (401, ["A senha atual não confere. Ok!"])
    assert 'name="next" value="/users/new"' in wrong.text
    assert language_returns_to(wrong) == "/confirm?next=%2Fusers%2Fnew"
    before = later.session_cookie
    answer = later.post("/confirm", senha=person.password, next="/users/new")
    assert answer.headers["location"] == "/users/new"
    # It is a new session; a copy of the old cookie is worth nothing.
    thief = Visitor(app)
    thief.session_cookie = before
    assert not thief.is_logged_in()
    assert later.get("/users/new").status_code == 200
    # What is typed within the time of a session can be sent.
    clock.pass_time(minutes=25)
    assert later.post("/profile/tokens", nome="n", validade="30").status_code == 200
    assert later.get("/users/new").status_code == 303


def test_it_leads_only_to_this_host(later: Visitor, person: Person) -> None:
    assert later.post("/confirm", senha=person.password, next="//evil.example").headers["location"] == "/"


def test_guesses_are_throttled(later: Visitor, person: Person) -> None:
    for _ in range(5):
        assert later.post("/confirm", senha="guess guess").status_code == 401
    answer = later.post("/confirm", senha=person.password)
    assert answer.status_code == 429
    assert 890 <= int(answer.headers["retry-after"]) <= 900
    assert dialogs_of(answer)[0].startswith("Muitas tentativas Houve muitas tentativas")


def test_reading_does_not_ask(later: Visitor) -> None:
    for path in ("/", "/backups", "/users", "/audit", "/profile"):
        assert later.get(path).status_code == 200


@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        ("UPDATE usuario SET senha = 'changed meanwhile' WHERE id = %s", (401, None)),
        ("UPDATE usuario SET ativo = 0 WHERE id = %s", (401, None)),
        ("UPDATE sessao SET revogada_em = NOW() WHERE usuario_id = %s", (303, "/login")),
    ],
    ids=["password", "user", "session"],
)
def test_a_change_during_the_check_is_respected(
    later: Visitor,
    web_database: LogDatabase,
    person: Person,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: str,
    expected: tuple[int, str | None],
) -> None:
    genuine = passwords.password_matches

    def slow(password: str, stored: str | None) -> bool:
        matches = genuine(password, stored)
        web_database.rows(meanwhile, person.id)
        return matches

    monkeypatch.setattr(passwords, "password_matches", slow)
    answer = later.post("/confirm", senha=person.password)
    assert (answer.status_code, answer.headers.get("location")) == expected
    live = "SELECT COUNT(*) AS live FROM sessao WHERE usuario_id = %s AND revogada_em IS NULL AND data_criacao > %s"
    (row,) = web_database.rows(live, person.id, utc_now() + datetime.timedelta(minutes=20))
    assert row["live"] == 0
