"""Sessions: their start, their end, and stolen or forged cookies."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette

from tests.playbook import LogDatabase
from tests.web.people import Person, make_person
from tests.web.visitor import Clock, Visitor
from webstatus.app import create_app
from webstatus.security.cookies import digest
from webstatus.settings import load


@pytest.fixture
def person(web_settings: dict[str, str]) -> Person:
    """Return a user whom only this test uses."""
    return make_person(web_settings, "Cliente")


@pytest.fixture
def admin(app: Starlette, web_settings: dict[str, str]) -> Visitor:
    """Return an administrator's visitor."""
    return Visitor(app).log_in(make_person(web_settings, "Administrador"))


def thief(app: Starlette, cookie: str) -> Visitor:
    """Return another browser that has a copy of a session's cookie."""
    visitor = Visitor(app)
    visitor.session_cookie = cookie
    return visitor


def test_a_login_creates_a_new_token(app: Starlette, person: Person, web_database: LogDatabase) -> None:
    visitor = Visitor(app).log_in(person)
    first = visitor.session_cookie
    visitor.http.cookies.delete("vex_session")
    second = visitor.log_in(person).session_cookie
    assert first != second
    # Session fixation: a login replaces the session's token.
    token = visitor.form_token()
    answer = visitor.http.post("/login", data={"csrf_token": token, "login": person.login, "senha": person.password})
    assert answer.status_code == 303
    assert visitor.session_cookie != second
    assert not thief(app, second).is_logged_in()
    hashes = [row["token_hash"] for row in web_database.rows("SELECT token_hash FROM sessao")]
    assert digest(visitor.session_cookie.rpartition(".")[0]) in hashes
    assert not any(visitor.session_cookie[:40] in stored for stored in hashes)


def test_a_planted_cookie_is_replaced(app: Starlette, person: Person) -> None:
    visitor = thief(app, "planted-by-an-attacker")
    visitor.log_in(person)
    assert "planted" not in visitor.session_cookie


@pytest.mark.parametrize("plain_http", [True, False])
def test_the_flags_of_cookies(
    app: Starlette, web_settings: dict[str, str], person: Person, clock: Clock, *, plain_http: bool
) -> None:
    app.state.settings = load(**{**web_settings, "plain_http": str(plain_http)})
    visitor = Visitor(app)
    visitor.http.base_url = "https://testserver"
    visitor.try_login(person.login, person.password)
    answer = visitor.try_login(person.login, person.password)
    (cookie,) = (value for value in answer.headers.get_list("set-cookie") if "vex_session" in value)
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= flags
    assert not any(flag.startswith(("domain", "max-age")) for flag in flags)
    assert ("secure" in flags, cookie.startswith("__Host-")) == (not plain_http, not plain_http)
    (device,) = (value for value in answer.headers.get_list("set-cookie") if "vex_device" in value)
    flags = {part.strip().lower() for part in device.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/", "max-age=31536000"} <= flags
    assert ("secure" in flags, device.startswith("__Host-")) == (not plain_http, not plain_http)


def _log_out(visitor: Visitor, person: Person, admin: Visitor) -> None:
    assert visitor.post("/logout").headers["location"] == "/login"


def _change_password(visitor: Visitor, person: Person, admin: Visitor) -> None:
    answer = visitor.post(
        "/profile/password", senha_atual=person.password, senha="a new password", repetir_senha="a new password"
    )
    assert answer.status_code == 303


def _be_changed(fields: dict[str, str]) -> Callable[[Visitor, Person, Visitor], None]:
    def change(visitor: Visitor, person: Person, admin: Visitor) -> None:
        form = {"nome": "N", "login": person.login, "privilegio": "2", **fields}
        assert admin.post(f"/users/{person.id}", **form).status_code == 303

    return change


def _be_deleted(visitor: Visitor, person: Person, admin: Visitor) -> None:
    assert admin.post(f"/users/{person.id}/delete").status_code == 303


@pytest.mark.parametrize(
    "end",
    [
        _log_out,
        _change_password,
        _be_changed({}),
        _be_changed({"ativo": "1", "senha": "set by others", "repetir_senha": "set by others"}),
        _be_deleted,
    ],
    ids=["logout", "own password", "disabled", "password set by an administrator", "deleted"],
)
def test_a_stolen_cookie_is_refused_after(
    app: Starlette, person: Person, admin: Visitor, end: Callable[[Visitor, Person, Visitor], None]
) -> None:
    visitor = Visitor(app).log_in(person)
    stolen = thief(app, visitor.session_cookie)
    assert stolen.is_logged_in()
    end(visitor, person, admin)
    assert not stolen.is_logged_in()
    assert stolen.get("/profile").headers["location"] == "/login?next=/profile"


def test_a_user_enabled_again_must_log_in_again(app: Starlette, person: Person, admin: Visitor) -> None:
    visitor = Visitor(app).log_in(person)
    for fields in ({}, {"ativo": "1"}):
        _be_changed(fields)(visitor, person, admin)
    assert not visitor.is_logged_in()
    visitor.log_in(person)


def test_a_password_change_gives_its_browser_a_new_session(app: Starlette, person: Person) -> None:
    visitor, other = Visitor(app).log_in(person), Visitor(app).log_in(person)
    before = visitor.session_cookie
    _change_password(visitor, person, other)
    assert visitor.is_logged_in()
    assert visitor.session_cookie != before
    assert not other.is_logged_in()


def test_an_unused_session_ends(app: Starlette, clock: Clock, person: Person) -> None:
    visitor = Visitor(app).log_in(person)
    for _ in range(3):
        clock.pass_time(minutes=29)
        assert visitor.is_logged_in()
    clock.pass_time(minutes=31)
    assert not visitor.is_logged_in()


def test_a_used_session_ends_at_its_limit(app: Starlette, clock: Clock, person: Person) -> None:
    visitor = Visitor(app).log_in(person)
    for _ in range(12 * 60 // 20 - 1):
        clock.pass_time(minutes=20)
        assert visitor.is_logged_in()
    clock.pass_time(minutes=21)
    assert not visitor.is_logged_in()


def test_background_requests_do_not_keep_a_session_alive(app: Starlette, clock: Clock, person: Person) -> None:
    visitor = Visitor(app).log_in(person)
    for _ in range(3):
        clock.pass_time(minutes=11)
        visitor.get("/dashboard/data")
        visitor.get("/backups/1/live")
    assert not visitor.is_logged_in()


def altered(character: str) -> str:
    """Return another character of the base64 alphabet, whose first bit differs: the last bits may be padding."""
    return "A" if character not in string.ascii_uppercase + "abcdef" else "z"


@pytest.mark.parametrize(
    "forge",
    [
        lambda cookie: cookie[:-1] + altered(cookie[-1]),
        lambda cookie: altered(cookie[0]) + cookie[1:],
        lambda cookie: cookie.rpartition(".")[0],
        lambda cookie: secrets.token_urlsafe(32) + "." + cookie.rpartition(".")[2],
        lambda cookie: cookie + "x",
        lambda cookie: cookie * 20,
        lambda _: "",
        lambda _: ".",
        lambda _: "\x7f",
        lambda _: "' OR 1=1 -- .x",
    ],
)
def test_a_forged_cookie_is_refused(app: Starlette, person: Person, forge: Callable[[str], str]) -> None:
    visitor = Visitor(app).log_in(person)
    visitor.session_cookie = forge(visitor.session_cookie)
    answer = visitor.get("/profile")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/profile")


def test_a_cookie_of_another_secret_key_is_refused(
    app: Starlette, web_settings: dict[str, Any], person: Person
) -> None:
    cookie = Visitor(app).log_in(person).session_cookie
    other = create_app(load(**{**web_settings, "secret_key": secrets.token_urlsafe(48)}))
    assert not thief(other, cookie).is_logged_in()
    other.state.database.close()


def test_the_hash_in_the_database_is_not_a_cookie(app: Starlette, web_database: LogDatabase, person: Person) -> None:
    Visitor(app).log_in(person)
    (row,) = web_database.rows("SELECT token_hash FROM sessao WHERE usuario_id = %s", person.id)
    assert not thief(app, row["token_hash"]).is_logged_in()


def test_a_disabled_user_cannot_log_in(app: Starlette, person: Person, admin: Visitor) -> None:
    _be_changed({})(admin, person, admin)
    right, wrong = Visitor(app).try_login(person.login, person.password), Visitor(app).try_login(person.login, "no")
    assert right.status_code == wrong.status_code == 401


def test_a_login_during_a_password_change_is_refused(
    app: Starlette, web_database: LogDatabase, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from webstatus.security import passwords

    genuine = passwords.password_matches

    def slow(password: str, stored: str | None) -> bool:
        matches = genuine(password, stored)
        web_database.rows("UPDATE usuario SET senha = %s WHERE id = %s", "changed meanwhile", person.id)
        return matches

    monkeypatch.setattr(passwords, "password_matches", slow)
    assert Visitor(app).try_login(person.login, person.password).status_code == 401
    assert not web_database.rows("SELECT 1 FROM sessao WHERE usuario_id = %s", person.id)


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("/users?page=2", "/users?page=2"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/../other", "/"),
        ("/users/%2E%2e/x", "/"),
        ("/users?x=a..b/../c", "/"),
        ("/backups?server=a..b", "/backups?server=a..b"),
        ("", "/"),
        ("/" + "x" * 5000, "/"),
    ],
)
def test_a_login_redirects_only_to_this_host(app: Starlette, person: Person, asked: str, leads_to: str) -> None:
    page = Visitor(app).get("/login", params={"next": asked})
    assert f'name="next" value="{leads_to}"' in page.text
    visitor = Visitor(app)
    assert visitor.try_login(person.login, person.password, next=asked).headers["location"] == leads_to
    for address in ("/profile/", "//evil.example/", "/profile/?x=1"):
        assert "location" not in visitor.get(address, headers={"host": "evil.example"}).headers
