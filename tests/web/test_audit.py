"""The page of the audit trail."""

from __future__ import annotations

import json
import secrets

import pytest
from starlette.applications import Starlette

from tests.playbook import LogDatabase
from tests.web.people import Person
from tests.web.visitor import Visitor, text_of

ODD = "<script>alert('x')</script>\"&\N{PILE OF POO}"


@pytest.fixture
def admin(app: Starlette, administrator: Person) -> Visitor:
    """Return an administrator's visitor."""
    return Visitor(app).log_in(administrator)


def add(database: LogDatabase, login: str, count: int = 1, target: str | None = None, detail: object = None) -> None:
    for number in range(count):
        database.rows(
            "INSERT INTO auditoria (login, acao, alvo, detalhe, ip) VALUES (%s, %s, %s, %s, '192.0.2.9')",
            login,
            f"act {number:03}",
            target,
            json.dumps(detail) if detail is not None else None,
        )


def links(page: str) -> dict[str, str]:
    """Return the addresses of the previous and the next page."""
    parts = page.split('rel="')[1:]
    found = {part[:4]: part.partition('href="')[2].partition('"')[0] for part in parts if part[:4] in {"prev", "next"}}
    return {rel: address.replace("&amp;", "&") for rel, address in found.items()}


def test_a_login_is_recorded(admin: Visitor, administrator: Person) -> None:
    words = text_of(admin.get("/audit", params={"login": administrator.login}))
    assert f"{administrator.login} Entrou" in words
    assert admin.address in words


def test_pages_go_by_key_newest_first(admin: Visitor, web_database: LogDatabase) -> None:
    login = f"paged-{secrets.token_hex(3)}"
    add(web_database, login, 120)
    page = admin.get("/audit", params={"login": login})
    seen: list[str] = []
    while True:
        numbers = [word for word in text_of(page).split() if word.isdecimal() and len(word) == 3]
        seen += numbers
        # An entry that is added meanwhile does not move the others.
        add(web_database, login)
        following = links(page.text).get("next")
        if not following:
            break
        page = admin.get(following)
    assert seen == [f"{number:03}" for number in reversed(range(120))]
    back = admin.get(links(page.text)["prev"])
    assert "act 050" in text_of(back)
    assert "act 019" not in text_of(back)


def test_the_filter_finds_actors_and_targets(admin: Visitor, web_database: LogDatabase) -> None:
    name = f"x{secrets.token_hex(4)}"
    add(web_database, name)
    add(web_database, "somebody", target=name)
    assert text_of(admin.get("/audit", params={"login": name[:7].upper()})).count("act 000") == 2
    for nothing in (f"%{name[2:]}", "_" * 9, f"{ODD}{name}", "\0x"):
        assert "Nenhum registro encontrado" in text_of(admin.get("/audit", params={"login": nothing}))


@pytest.mark.parametrize("key", ["x", "-1", "9" * 5000, "1.5", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_unusual_keys_are_harmless(admin: Visitor, key: str) -> None:
    for name in ("before", "after"):
        assert admin.get("/audit", params={name: key}).status_code == 200


@pytest.mark.parametrize("detail", [{ODD: ODD}, {"nome": [ODD, None]}, [ODD], ODD, 5, {"a": {"b": ODD}}, {}])
def test_details_are_shown_as_text(admin: Visitor, web_database: LogDatabase, detail: object) -> None:
    name = f"y{secrets.token_hex(4)}"
    add(web_database, name, target=ODD, detail=detail)
    page = admin.get("/audit", params={"login": name})
    assert page.status_code == 200
    assert ODD in text_of(page)
    assert "<script>alert" not in page.text
