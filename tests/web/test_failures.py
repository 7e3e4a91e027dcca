"""Errors are shown as a page or as JSON, without internals of the program."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pymysql
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from starlette.applications import Starlette

from tests.playbook import HANGS, LogDatabase
from tests.web.people import Person
from tests.web.visitor import Visitor, text_of
from webstatus import database, errors
from webstatus.app import create_app
from webstatus.queries import audit as queries
from webstatus.security.guard import Context
from webstatus.settings import load
from webstatus.views import audit


@pytest.fixture
def admin(app: Starlette, administrator: Person) -> Visitor:
    """Return an administrator's visitor."""
    return Visitor(app).log_in(administrator)


def break_audit(monkeypatch: pytest.MonkeyPatch, act: Callable[[Context], None]) -> list[int]:
    """Make the audit page call *act* with its database session first. The list grows with each try."""
    tries: list[int] = []
    genuine = queries.entries

    def entries(session: object, login: str, **keys: int | None) -> object:
        tries.append(1)
        act(session)  # type: ignore[arg-type]
        return genuine(session, login, **keys)  # type: ignore[arg-type]

    monkeypatch.setattr(audit, "entries", entries)
    return tries


def test_an_unexpected_error(admin: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_session: object) -> None:
        raise RuntimeError("an inner secret")

    break_audit(monkeypatch, fail)
    answer = admin.get("/audit")
    assert answer.status_code == 500
    assert "Algo deu errado" in text_of(answer)
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("number", [1213, 1205, 1452])
@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_conflict_is_tried_again(admin: Visitor, monkeypatch: pytest.MonkeyPatch, number: int, failures: int) -> None:
    def collide(session: object) -> None:
        if len(tries) <= failures:
            kind = pymysql.err.IntegrityError if number == 1452 else pymysql.err.OperationalError
            error = kind(number, "an inner secret")
            from sqlalchemy.exc import OperationalError

            raise (IntegrityError if number == 1452 else OperationalError)("SELECT", {}, error)

    tries = break_audit(monkeypatch, collide)
    answer = admin.get("/audit")
    assert answer.status_code == (503 if failures == 3 else 200)
    assert len(tries) == min(failures + 1, 3)
    if failures == 3:
        assert "Sistema ocupado" in text_of(answer)
        assert answer.headers["retry-after"] == "1"
        assert "secret" not in answer.text


def test_a_value_too_long_for_its_column_is_a_bad_request(admin: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_long(session: object) -> None:
        session.execute(text("INSERT INTO tentativa_login (login, ip) VALUES (REPEAT('x', 60), '')"))  # type: ignore[attr-defined]

    break_audit(monkeypatch, too_long)
    assert admin.get("/audit").status_code == 400


def test_a_real_deadlock_is_resolved(app: Starlette, web_database: LogDatabase, person_pair: list[int]) -> None:
    """Two sessions lock the same rows in opposite orders, and the server rolls one back."""
    first, second = person_pair
    barrier, outcomes = threading.Barrier(2), []

    def lock(order: tuple[int, int]) -> None:
        try:
            with app.state.database.session() as session:
                session.execute(text("UPDATE usuario SET nome = 'n' WHERE id = :id"), {"id": order[0]})
                barrier.wait(HANGS)
                session.execute(text("UPDATE usuario SET nome = 'n' WHERE id = :id"), {"id": order[1]})
                outcomes.append("done")
        except errors.Busy:
            outcomes.append("busy")

    threads = [threading.Thread(target=lock, args=(order,)) for order in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANGS)
    assert sorted(outcomes) == ["busy", "done"]


@pytest.fixture
def person_pair(administrator: Person, client: Person) -> list[int]:
    """Return the numbers of two users."""
    return [administrator.id, client.id]


def test_an_unknown_address_or_method(admin: Visitor) -> None:
    assert admin.get("/nowhere").status_code == 404
    assert admin.http.post("/audit", data={"x": "y"}).status_code == 405
    answer = admin.get("/api/nowhere")
    assert (answer.status_code, answer.json()["error"]) == (404, "Not Found")
    for path in ("/static/../settings.py", "/static/%2e%2e/settings.py", "/static//etc/passwd", "/%00", "/%ff"):
        assert admin.get(path).status_code == 404


def test_a_log_database_that_does_not_answer_for_a_while(web_settings: dict[str, str]) -> None:
    away = database.Database(load(**{**web_settings, "log_db_unix_socket": "/nonexistent/socket"}))
    with pytest.raises(errors.DatabaseAway), away.session() as session:
        session.execute(text("SELECT 1"))
    away.close()


@pytest.mark.parametrize(
    ("given", "header"),
    [
        ({"plain_http": "true", "hsts_subdomains": "true"}, None),
        ({"plain_http": "false"}, "max-age=31536000"),
        ({"plain_http": "false", "hsts_subdomains": "true"}, "max-age=31536000; includeSubDomains"),
    ],
)
def test_https_is_required_from_then_on(
    web_settings: dict[str, str], given: dict[str, str], header: str | None
) -> None:
    made = create_app(load(**{**web_settings, **given}))
    for path in ("/login", "/nowhere", "/healthz"):
        assert Visitor(made).get(path).headers.get("strict-transport-security") == header
    made.state.database.close()
