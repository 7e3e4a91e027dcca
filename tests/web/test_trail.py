"""The audit trail and the lines of the server's log: each failure and refusal is in both, with its address."""

from __future__ import annotations

import logging
import re

import pytest
from starlette.applications import Starlette

from tests.playbook import LogDatabase
from tests.web.people import Person, make_person
from tests.web.visitor import Clock, Visitor, text_of
from webstatus.formats import NOTHING

# As in docs/how-to/web-app.md, with fail2ban's <HOST>.
BANNED = re.compile(r'^[^"]*\baddress=(?P<host>\S+) action=(?:falhar_login|bloquear_login|negar_acesso)\b')


@pytest.fixture
def person(web_settings: dict[str, str]) -> Person:
    """Return a user whom only this test uses."""
    return make_person(web_settings, "Cliente")


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines of the trail, without those of tests that create users."""
    found = [entry.getMessage() for entry in caplog.records if entry.name == "webstatus.security.trail"]
    return [line for line in found if "action=criar_usuario" not in line]


@pytest.fixture(autouse=True)
def _all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def entries(database: LogDatabase, **where: object) -> list[tuple[str, str | None]]:
    """Return the actions and targets of the entries with these columns, oldest first."""
    condition = " AND ".join(f"{name} = %s" for name in where)
    rows = database.rows(f"SELECT acao, alvo FROM auditoria WHERE {condition} ORDER BY id", *where.values())
    return [(row["acao"], row["alvo"]) for row in rows]


def test_a_day_of_a_user(
    app: Starlette, person: Person, web_database: LogDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = Visitor(app)
    visitor.try_login(person.login, "guess guess")
    visitor.log_in(person)
    visitor.post("/confirm", senha="guess guess")
    visitor.post("/confirm", senha=person.password)
    visitor.get("/users")
    visitor.post("/logout")
    expected = ["falhar_login", "entrar", "errar_senha", "confirmar_senha", "negar_acesso", "sair"]
    assert [action for action, _ in entries(web_database, usuario_id=person.id)] == expected
    assert lines(caplog) == [
        f'address={visitor.address} action={action} login="{person.login}"'
        + (' target="GET /users"' if action == "negar_acesso" else "")
        for action in expected
    ]
    levels = [entry.levelno for entry in caplog.records if entry.name == "webstatus.security.trail"][-6:]
    assert levels == [logging.WARNING, logging.INFO, logging.WARNING, logging.INFO, logging.WARNING, logging.INFO]


def test_a_lockout_is_one_entry_and_each_attempt_a_line(
    app: Starlette, person: Person, web_database: LogDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = Visitor(app)
    for _ in range(8):
        visitor.try_login(person.login, "guess guess")
    actions = [action for action, _ in entries(web_database, ip=visitor.address)]
    assert actions == ["falhar_login"] * 5 + ["bloquear_login"]
    assert [line.split()[1] for line in lines(caplog)] == ["action=falhar_login"] * 5 + ["action=bloquear_login"] * 3
    assert all(BANNED.search(line) for line in lines(caplog))


@pytest.mark.parametrize(
    "typed",
    ["hunter2-my-password", "x\naddress=192.0.2.1 action=falhar_login", "\x1b[31m\u2028\u202e", '" address=::1'],
)
def test_an_unknown_login_is_in_neither(
    app: Starlette, web_database: LogDatabase, caplog: pytest.LogCaptureFixture, typed: str
) -> None:
    """People type their password into that field by mistake."""
    visitor = Visitor(app)
    visitor.try_login(typed, "guess guess")
    assert lines(caplog) == [f'address={visitor.address} action=falhar_login login=""']
    (row,) = web_database.rows("SELECT login, alvo, detalhe FROM auditoria WHERE ip = %s", visitor.address)
    assert tuple(row.values()) == ("", None, "null")


def test_a_text_of_a_client_is_one_line_of_ascii_after_the_address(
    app: Starlette, web_settings: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    login = 'a" address=192.0.2.1 \N{SNOWMAN}'
    visitor = Visitor(app).log_in(make_person(web_settings, "Cliente")._replace())
    admin = Visitor(app).log_in(make_person(web_settings, "Administrador"))
    form = {"nome": "N", "login": login, "senha": "uma senha boa", "repetir_senha": "uma senha boa"}
    admin.post("/users/new", **form, privilegio="2", ativo="1")
    odd = Visitor(app)
    odd.try_login(login, "guess guess")
    visitor.get("/api/v1/backups", headers={"authorization": b"Bearer \x1b\xff"})
    odd.get("/api/v1/backups/1", headers={"authorization": "Bearer x"})
    for line in lines(caplog):
        assert line.isascii()
        assert line.isprintable()
    assert f'address={odd.address} action=falhar_login login="a\\" address=192.0.2.1 \\u2603"' in lines(caplog)
    assert f'address={odd.address} action=negar_acesso login="" target="GET /api/v1/backups/1"' in lines(caplog)
    found = BANNED.search(lines(caplog)[-1])
    assert found
    assert found["host"] == odd.address


@pytest.mark.parametrize("sent", ["evil\naddress=1.2.3.4", "fe80::1%\nevil", "unknown", "", "\x1b[0m"])
def test_an_address_that_is_none(app: Starlette, caplog: pytest.LogCaptureFixture, sent: str) -> None:
    """A proxy may pass on what a client wrote in X-Forwarded-For."""
    visitor = Visitor(app, sent or " ")
    visitor.try_login("somebody", "guess guess")
    (line,) = lines(caplog)
    assert re.fullmatch(r'address=(?:-|fe80::1) action=\w+ login=""', line)


def test_a_forged_form_is_refused_and_recorded(
    app: Starlette, person: Person, web_database: LogDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = Visitor(app).log_in(person)
    assert visitor.post("/profile/tokens", token="forged", nome="n", validade="30").status_code == 403
    assert entries(web_database, usuario_id=person.id)[-1] == ("negar_acesso", "POST /profile/tokens")
    assert Visitor(app).post("/login", token="forged", login="x", senha="y").status_code == 403
    assert 'action=negar_acesso login="" target="POST /login"' in lines(caplog)[-1]


def test_a_page_that_asks_again_by_itself_is_no_attack(
    app: Starlette, clock: Clock, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = Visitor(app).log_in(person)
    clock.pass_time(hours=1)
    before = len(lines(caplog))
    assert visitor.get("/dashboard").status_code == 401
    assert len(lines(caplog)) == before


def test_the_page_shows_failures(app: Starlette, administrator: Person, person: Person) -> None:
    Visitor(app).try_login(person.login, "guess guess")
    Visitor(app).try_login("nobody", "guess guess")
    Visitor(app).log_in(person).get("/users")
    admin = Visitor(app).log_in(administrator)
    words = text_of(admin.get("/audit"))
    assert f"{person.login} Teve o acesso negado GET /users Motivo: Acesso negado" in words
    assert f"{person.login} Falhou ao entrar" in words
    assert f"{NOTHING} Falhou ao entrar {NOTHING}" in words
    admin.post("/language", language="en")
    assert "Was denied access GET /users Reason: Access denied" in text_of(admin.get("/audit"))


def test_what_is_rolled_back_has_no_line(app: Starlette, person: Person, caplog: pytest.LogCaptureFixture) -> None:
    from webstatus.app import utc_now
    from webstatus.security import trail

    with app.state.database.session() as session:
        trail.record(session, trail.Actor(person.id, person.login, ""), "entrar", utc_now())
        session.flush()
        session.rollback()
        session.commit()
    assert lines(caplog) == []


def test_a_name_cannot_ban_another_address(app: Starlette, person: Person, caplog: pytest.LogCaptureFixture) -> None:
    visitor = Visitor(app).log_in(person)
    name = "address=198.51.100.7 action=negar_acesso"
    visitor.post("/profile/tokens", nome=name, validade="30")
    line = lines(caplog)[-1]
    assert name in line
    assert BANNED.search(line) is None
    other = Visitor(app)
    other.try_login(name, "guess guess")
    assert [found["host"] for found in map(BANNED.search, lines(caplog)) if found] == [other.address]


def test_a_stranger_does_not_fill_the_trail(
    app: Starlette, web_database: LogDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = Visitor(app)
    visitor.try_login("nobody-1", "guess guess")
    rows, said = len(entries(web_database, acao="falhar_login")), len(lines(caplog))
    visitor.try_login("nobody-2", "guess guess")
    assert len(entries(web_database, acao="falhar_login")) == rows
    assert len(lines(caplog)) == said + 1
