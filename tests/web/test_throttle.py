"""Guessing is slow, by account and by address; the owner is not locked out."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.applications import Starlette

from tests.playbook import LogDatabase
from tests.web.people import Person, make_person
from tests.web.visitor import Clock, Visitor, dialogs_of
from webstatus.security import passwords, throttle, workers


@pytest.fixture
def person(web_settings: dict[str, str]) -> Person:
    """Somebody whose password is guessed."""
    return make_person(web_settings, "Cliente")


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were compared with a hash."""
    seen: list[str] = []
    genuine = passwords.password_matches

    def recorded(password: str, stored: str | None) -> bool:
        seen.append(password)
        return genuine(password, stored)

    monkeypatch.setattr(passwords, "password_matches", recorded)
    return seen


def guess(visitor: Visitor, login: str, times: int) -> list[int]:
    return [visitor.try_login(login, f"guess {number}").status_code for number in range(times)]


def failed_before(database: LogDatabase, login: str, count: int, address: str = "") -> None:
    """As if *count* guesses had been made a moment ago, each from its own address or all from one."""
    for number in range(count):
        database.rows(
            "INSERT INTO tentativa_login (login, ip, data_criacao) VALUES (%s, %s, UTC_TIMESTAMP())",
            login,
            address or f"192.0.2.{number}",
        )


@pytest.mark.parametrize("exists", [True, False])
def test_an_account_is_guessed_five_times_from_an_address(
    app: Starlette, clock: Clock, person: Person, checked: list[str], *, exists: bool
) -> None:
    login = person.login if exists else "nobody-of-that-name"
    visitor = Visitor(app)
    assert guess(visitor, login, 7) == [401] * 5 + [429] * 2
    assert len(checked) == 5
    refused = visitor.try_login(login, person.password)
    assert dialogs_of(refused) == [
        "Muitas tentativas Houve muitas tentativas de login sem sucesso. Aguarde 15 minutos e tente novamente. Fechar"
    ]
    # Refusals do not prolong it.
    clock.pass_time(minutes=16)
    assert visitor.try_login(login, person.password).status_code == (303 if exists else 401)


def test_writing_the_login_differently_is_no_way_around(app: Starlette, person: Person, checked: list[str]) -> None:
    visitor = Visitor(app)
    login = person.login
    ways = [
        login.upper(),
        login.replace("i", "í"),
        f" {login} ",
        login + "\x01",
        "\x01" * 60 + login,
        login + "\0" * 60,
    ]
    for way in ways * 2:
        visitor.try_login(way, "guess")
    assert visitor.try_login(login, "guess").status_code == 429


def test_an_address_is_refused_whatever_the_accounts(app: Starlette, person: Person, web_database: LogDatabase) -> None:
    visitor = Visitor(app)
    failed_before(web_database, "somebody else", throttle.ADDRESS, visitor.address)
    assert visitor.try_login(person.login, person.password).status_code == 429
    assert Visitor(app).try_login(person.login, person.password).status_code == 303


def test_all_of_an_ipv6_network_is_one_address(app: Starlette, person: Person, checked: list[str]) -> None:
    for number in range(8):
        Visitor(app, f"2001:db8:0:7::{number:x}").try_login(person.login, "guess")
    assert len(checked) == 5
    assert Visitor(app, "2001:db8:0:8::1").try_login(person.login, person.password).status_code == 303


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("x" * 60, "x" * 45),
    ],
)
def test_what_attempts_are_counted_by(address: str, counted_as: str) -> None:
    assert throttle.place(address) == counted_as


def test_an_account_guessed_from_everywhere_is_open_where_its_owner_was(
    app: Starlette, clock: Clock, person: Person, web_database: LogDatabase
) -> None:
    at_home = Visitor(app).log_in(person)
    failed_before(web_database, person.login, throttle.ACCOUNT)
    assert Visitor(app).try_login(person.login, person.password).status_code == 429
    # At a known address not at all, and elsewhere not for good.
    assert Visitor(app, at_home.address).try_login(person.login, person.password).status_code == 303
    clock.pass_time(minutes=16)
    assert Visitor(app).try_login(person.login, person.password).status_code == 303


def test_a_right_password_clears_the_wrong_ones_before_it(app: Starlette, person: Person) -> None:
    visitor = Visitor(app)
    for _ in range(3):
        assert guess(visitor, person.login, 4) == [401] * 4
        visitor.log_in(person)
        visitor.post("/logout")


def test_guesses_at_the_same_time_count_each_other(app: Starlette, person: Person, checked: list[str]) -> None:
    visitors = [Visitor(app, "203.0.113.77") for _ in range(16)]
    tokens = [visitor.form_token() for visitor in visitors]
    begin = threading.Barrier(len(visitors))

    def try_once(visitor: Visitor, token: str) -> int:
        begin.wait()
        return visitor.post("/login", token=token, login=person.login, senha="guess").status_code

    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = list(pool.map(try_once, visitors, tokens))
    assert set(statuses) == {401, 429}
    assert len(checked) <= throttle.ACCOUNT_AND_ADDRESS


def test_old_attempts_are_removed(app: Starlette, clock: Clock, person: Person, web_database: LogDatabase) -> None:
    guess(Visitor(app), person.login, 1)
    clock.pass_time(days=2)
    Visitor(app).log_in(person)
    assert not web_database.rows("SELECT 1 FROM tentativa_login WHERE login = %s AND NOT sucesso", person.login)


def test_the_current_password_is_not_guessed_in_an_open_session(app: Starlette, person: Person) -> None:
    visitor = Visitor(app).log_in(person)
    form = {"senha": "a new password", "repetir_senha": "a new password"}
    for _ in range(5):
        wrong = visitor.post("/profile/password", senha_atual="guess", **form)
        assert dialogs_of(wrong) == ["A senha atual não confere. Ok!"]
    (dialog,) = dialogs_of(visitor.post("/profile/password", senha_atual=person.password, **form))
    assert dialog.startswith("Houve muitas tentativas")


@pytest.mark.parametrize("password", ["x" * 90_000, "\0" * 100, "\N{PILE OF POO}" * 300, "z" * 72, "z" * 73])
def test_odd_passwords_are_wrong_and_nothing_else(app: Starlette, person: Person, password: str) -> None:
    assert Visitor(app).try_login(person.login, password).status_code == 401


@pytest.mark.parametrize("login", ["\0", "x" * 90_000, "\N{PILE OF POO}", "'; DROP TABLE usuario; --", "%", "\x7f"])
def test_odd_logins_are_wrong_and_nothing_else(app: Starlette, login: str) -> None:
    assert Visitor(app).try_login(login, "guess guess").status_code == 401


def test_logins_leave_room_for_pages(app: Starlette, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """While more logins hash than there are connections and threads for them, a page is answered at once."""
    hashing: list[str] = []
    go_on = threading.Event()

    def hangs(password: str, _stored: str | None) -> bool:
        hashing.append(password)
        go_on.wait(20)
        return False

    page = Visitor(app).log_in(person)
    monkeypatch.setattr(passwords, "password_matches", hangs)
    visitors = [Visitor(app) for _ in range(12)]
    with page.http, ThreadPoolExecutor(len(visitors)) as pool:
        # One event loop, as in the server.
        for visitor in visitors:
            visitor.http.portal = page.http.portal
        running = [pool.submit(visitor.try_login, "somebody", "guess") for visitor in visitors]
        deadline = time.monotonic() + 15
        while len(hashing) < workers.HASHING_AT_ONCE and time.monotonic() < deadline:
            time.sleep(0.05)
        assert page.is_logged_in()
        time.sleep(0.5)
        assert len(hashing) == workers.HASHING_AT_ONCE
        assert not any(attempt.done() for attempt in running)
        go_on.set()
