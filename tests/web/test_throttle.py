"""Throttling of logins by account and by address, which does not lock the account's owner out."""

from __future__ import annotations

import datetime
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from tests.playbook import HANGS, LogDatabase
from tests.web.people import Person, make_person
from tests.web.visitor import Clock, Visitor, dialogs_of
from webstatus.security import devices, passwords, throttle, workers
from webstatus.settings import load


@pytest.fixture
def person(web_settings: dict[str, str]) -> Person:
    """Return a user whose password is guessed."""
    return make_person(web_settings, "Cliente")


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the passwords that are compared with a hash."""
    seen: list[str] = []
    genuine = passwords.password_matches

    def recorded(password: str, stored: str | None) -> bool:
        seen.append(password)
        return genuine(password, stored)

    monkeypatch.setattr(passwords, "password_matches", recorded)
    return seen


@pytest.fixture(autouse=True)
def _stopped(clock: Clock) -> None:
    clock.stop()


def guess(visitor: Visitor, login: str, times: int) -> list[int]:
    return [visitor.try_login(login, f"guess {number}").status_code for number in range(times)]


def failed_before(database: LogDatabase, now: datetime.datetime, login: str, count: int, address: str = "") -> None:
    """Insert *count* failed attempts of this moment, each from its own address or all from *address*."""
    for number in range(count):
        database.rows(
            "INSERT INTO tentativa_login (login, ip, data_criacao) VALUES (%s, %s, %s)",
            login,
            address or f"192.0.2.{number}",
            now,
        )


@pytest.mark.parametrize("exists", [True, False])
def test_an_account_has_five_attempts_from_an_address(
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
    # Refused attempts do not prolong the wait.
    clock.pass_time(minutes=16)
    assert visitor.try_login(login, person.password).status_code == (303 if exists else 401)


def test_other_spellings_of_the_login_count_too(app: Starlette, person: Person, checked: list[str]) -> None:
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


def test_an_address_is_slowed_down_but_not_locked(
    app: Starlette, clock: Clock, person: Person, web_database: LogDatabase
) -> None:
    """An office is behind one address, and somebody in it has failed with 30 invented logins."""
    office = "203.0.113.30"
    known = Visitor(app, office).log_in(person)
    known.post("/logout")
    for number in range(30):
        failed_before(web_database, clock(), f"invented-{number}", 1, office)
    answer = Visitor(app, office).try_login(person.login, person.password)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert "Aguarde alguns segundos e tente novamente." in dialogs_of(answer)[0]
    # Not the browser of somebody who has logged in before, nor another address, nor later.
    known.log_in(person)
    assert Visitor(app).try_login(person.login, person.password).status_code == 303
    clock.pass_time(seconds=3)
    assert Visitor(app, office).try_login(person.login, person.password).status_code == 303


def test_a_refused_attempt_is_never_written(
    app: Starlette, clock: Clock, person: Person, web_database: LogDatabase
) -> None:
    """Another one that comes at the same moment would count it."""
    office = "203.0.113.31"
    for number in range(30):
        failed_before(web_database, clock(), f"invented-{number}", 1, office)
    failed_before(web_database, clock(), person.login, throttle.MAX_FAILURES, "203.0.113.32")
    newest = "SELECT MAX(id) AS id FROM tentativa_login"
    (before,) = web_database.rows(newest)
    for address in (office, "203.0.113.32"):
        assert Visitor(app, address).try_login(person.login, person.password).status_code == 429
    failed_before(web_database, clock(), "afterwards", 1)
    # A row that was written and deleted would leave a gap.
    assert web_database.rows(newest) == [{"id": before["id"] + 1}]


def test_a_stranger_does_not_lock_a_user_out(app: Starlette, clock: Clock, person: Person) -> None:
    """Neither at the login nor where the password is asked for again, even from the same address."""
    mine = Visitor(app).log_in(person)
    stranger = Visitor(app, mine.address)
    assert guess(stranger, person.login, 6) == [401] * 5 + [429]
    clock.pass_time(minutes=11)
    assert mine.post("/confirm", senha=person.password).status_code == 303
    mine.post("/logout")
    mine.log_in(person)
    # Deleting the cookie, or copying one of another user, makes the browser a stranger's.
    other = Visitor(app, mine.address)
    other.http.cookies.set(
        f"vex_device_{person.id}", f"{person.id}:forged.signature", domain="testserver.local", path="/"
    )
    assert other.try_login(person.login, person.password).status_code == 429


def test_a_known_browser_has_five_attempts_too(app: Starlette, clock: Clock, person: Person) -> None:
    mine = Visitor(app).log_in(person)
    mine.post("/logout")
    clock.pass_time(minutes=-5)
    assert guess(mine, person.login, 1) == [401]
    clock.pass_time(minutes=5)
    assert guess(mine, person.login, 4) == [401] * 4
    # The first failure is five minutes old.
    answer = mine.try_login(person.login, person.password)
    assert answer.status_code == 429
    assert 590 <= int(answer.headers["retry-after"]) <= 600
    assert Visitor(app, mine.address).try_login(person.login, person.password).status_code == 303


def test_the_browser_of_one_user_is_not_known_for_another(
    app: Starlette, clock: Clock, person: Person, client: Person, web_database: LogDatabase
) -> None:
    visitor = Visitor(app).log_in(client)
    visitor.post("/logout")
    failed_before(web_database, clock(), person.login, throttle.MAX_FAILURES, visitor.address)
    assert visitor.try_login(person.login, person.password).status_code == 429


def test_a_browser_is_known_for_several_users(app: Starlette, clock: Clock, person: Person, client: Person) -> None:
    visitor = Visitor(app)
    for one in (person, client):
        visitor.log_in(one).post("/logout")
    for one in (person, client):
        stranger = Visitor(app, visitor.address)
        assert guess(stranger, one.login, 6) == [401] * 5 + [429]
        visitor.log_in(one).post("/logout")


def test_a_browser_forgets_users_who_came_first(web_settings: dict[str, str]) -> None:
    settings = load(**web_settings)
    names = [f"vex_device_{number}" for number in range(1, 13)]
    sent = "; ".join(f"{name}=x" for name in ("vex_session", "vex_device_\xb2", *names))
    request = Request({"type": "http", "headers": [(b"cookie", sent.encode("latin-1"))]})
    for user, dropped in ((12, 2), (13, 3)):
        response = Response()
        devices.remember(request, response, settings, user, "hash")
        cookies = [value.partition("=")[0] for value in response.headers.getlist("set-cookie")]
        assert cookies == [f"vex_device_{user}", *names[:dropped]]


@pytest.mark.parametrize("by", ["administrator", "user"])
def test_a_new_password_makes_old_browsers_unknown(
    app: Starlette, clock: Clock, person: Person, administrator: Person, web_database: LogDatabase, by: str
) -> None:
    """Somebody who had the old password, and browsers that are known by it, guesses the new one."""
    thief, mine = (Visitor(app).log_in(person) for _ in range(2))
    thief.post("/logout")
    new = person._replace(password="a new password")
    passwords_typed = {"senha": new.password, "repetir_senha": new.password}
    if by == "user":
        answer = mine.post("/profile/password", senha_atual=person.password, **passwords_typed)
    else:
        (row,) = web_database.rows("SELECT id FROM privilegio WHERE nome = 'Cliente'")
        form = {"nome": person.name, "login": person.login, "privilegio": str(row["id"]), "ativo": "1"}
        answer = Visitor(app).log_in(administrator).post(f"/users/{person.id}", **form, **passwords_typed)
    assert answer.status_code == 303
    for visitor in (thief, mine):
        failed_before(web_database, clock(), person.login, throttle.MAX_FAILURES, visitor.address)
    assert thief.try_login(person.login, new.password).status_code == 429
    # Who changed the own password keeps a known browser.
    mine.post("/logout")
    assert mine.try_login(person.login, new.password).status_code == (303 if by == "user" else 429)


def test_an_ipv6_network_counts_as_one_address(app: Starlette, person: Person, checked: list[str]) -> None:
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
def test_the_network_of_an_address(address: str, counted_as: str) -> None:
    assert throttle.network(address) == counted_as


def test_the_limit_of_an_account_spares_the_browsers_of_its_owner(
    app: Starlette, clock: Clock, person: Person, web_database: LogDatabase
) -> None:
    known = Visitor(app).log_in(person)
    known.post("/logout")
    failed_before(web_database, clock(), person.login, throttle.MAX_OF_ACCOUNT)
    assert Visitor(app).try_login(person.login, person.password).status_code == 429
    # The limit does not apply to a known browser, and it ends for the others.
    known.log_in(person)
    clock.pass_time(minutes=16)
    assert Visitor(app).try_login(person.login, person.password).status_code == 303


def test_a_right_password_clears_earlier_failures(app: Starlette, person: Person) -> None:
    visitor = Visitor(app)
    for _ in range(3):
        assert guess(visitor, person.login, 4) == [401] * 4
        visitor.log_in(person)
        visitor.post("/logout")


def test_simultaneous_guesses_count_each_other(app: Starlette, person: Person, checked: list[str]) -> None:
    visitors = [Visitor(app, "203.0.113.77") for _ in range(16)]
    tokens = [visitor.form_token() for visitor in visitors]
    begin = threading.Barrier(len(visitors))

    def try_once(visitor: Visitor, token: str) -> int:
        begin.wait()
        return visitor.post("/login", token=token, login=person.login, senha="guess").status_code

    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = list(pool.map(try_once, visitors, tokens))
    assert set(statuses) == {401, 429}
    assert len(checked) <= throttle.MAX_FAILURES


def test_old_attempts_are_removed(app: Starlette, clock: Clock, person: Person, web_database: LogDatabase) -> None:
    guess(Visitor(app), person.login, 1)
    clock.pass_time(days=2)
    Visitor(app).log_in(person)
    assert not web_database.rows("SELECT 1 FROM tentativa_login WHERE login = %s AND NOT sucesso", person.login)


def test_guesses_of_the_current_password_in_a_session_are_throttled(app: Starlette, person: Person) -> None:
    visitor = Visitor(app).log_in(person)
    form = {"senha": "a new password", "repetir_senha": "a new password"}
    for _ in range(5):
        wrong = visitor.post("/profile/password", senha_atual="guess", **form)
        assert dialogs_of(wrong) == ["A senha atual não confere. Ok!"]
    answer = visitor.post("/profile/password", senha_atual=person.password, **form)
    assert (answer.status_code, "retry-after" in answer.headers) == (429, True)
    assert dialogs_of(answer)[0].startswith("Muitas tentativas Houve muitas tentativas")


@pytest.mark.parametrize("password", ["x" * 90_000, "\0" * 100, "\N{PILE OF POO}" * 300, "z" * 72, "z" * 73])
def test_unusual_passwords_are_refused_as_wrong(app: Starlette, person: Person, password: str) -> None:
    assert Visitor(app).try_login(person.login, password).status_code == 401


@pytest.mark.parametrize("login", ["\0", "x" * 90_000, "\N{PILE OF POO}", "'; DROP TABLE usuario; --", "%", "\x7f"])
def test_unusual_logins_are_refused_as_wrong(app: Starlette, login: str) -> None:
    assert Visitor(app).try_login(login, "guess guess").status_code == 401


def test_logins_do_not_keep_pages_waiting(app: Starlette, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is served at once while more logins wait than may hash at the same time."""
    hashing: list[str] = []
    go_on = threading.Event()

    def hangs(password: str, _stored: str | None) -> bool:
        hashing.append(password)
        go_on.wait(HANGS)
        return False

    page = Visitor(app).log_in(person)
    monkeypatch.setattr(passwords, "password_matches", hangs)
    visitors = [Visitor(app) for _ in range(12)]
    with page.http, ThreadPoolExecutor(len(visitors)) as pool:
        # All visitors share one event loop, as in the server.
        for visitor in visitors:
            visitor.http.portal = page.http.portal
        running = [pool.submit(visitor.try_login, "somebody", "guess") for visitor in visitors]
        deadline = time.monotonic() + HANGS
        while len(hashing) < workers.MAX_HASHING and time.monotonic() < deadline:
            time.sleep(0.05)
        assert page.is_logged_in()
        time.sleep(0.5)
        assert len(hashing) == workers.MAX_HASHING
        assert not any(attempt.done() for attempt in running)
        go_on.set()
