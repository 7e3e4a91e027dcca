"""The profile of a user: password, sessions, API tokens."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.applications import Starlette

from tests.playbook import LogDatabase
from tests.web.people import Person, make_person
from tests.web.visitor import Clock, Visitor, dialogs_of, text_of
from webstatus.security import passwords
from webstatus.security.cookies import digest

NEW = {"senha": "a new password", "repetir_senha": "a new password"}
ODD = "<script>alert('x')</script>\"&"


@pytest.fixture
def person(web_settings: dict[str, str]) -> Person:
    """Make the user of the profile."""
    return make_person(web_settings, "Cliente", name="Caio Cliente")


@pytest.fixture
def visitor(app: Starlette, person: Person) -> Visitor:
    """Log in as that user."""
    return Visitor(app).log_in(person)


def make_token(visitor: Visitor, name: str = "reads", lifetime: str = "30") -> str:
    found = re.search(
        r"<code[^>]*>(vex_[\w-]+)</code>", visitor.post("/profile/tokens", nome=name, validade=lifetime).text
    )
    assert found
    return found[1]


def reads(app: Starlette, token: str) -> bool:
    return Visitor(app).get("/api/v1/backups", headers={"authorization": f"Bearer {token}"}).status_code == 200


def test_the_profile_names_the_user(visitor: Visitor, person: Person) -> None:
    words = text_of(visitor.get("/profile"))
    assert f"Nome Caio Cliente Login {person.login} Privilégio Cliente" in words


def test_a_password_is_changed(app: Starlette, visitor: Visitor, person: Person) -> None:
    answer = visitor.post("/profile/password", senha_atual=person.password, **NEW)
    assert answer.headers["location"] == "/profile"
    assert dialogs_of(visitor.get("/profile")) == ["Sua senha foi alterada. As outras sessões foram encerradas. Ok!"]
    assert Visitor(app).try_login(person.login, person.password).status_code == 401
    Visitor(app).log_in(person._replace(password=NEW["senha"]))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"senha_atual": ""}, "Preencha a senha atual e, duas vezes, a nova."),
        ({"repetir_senha": ""}, "Preencha a senha atual e, duas vezes, a nova."),
        ({"repetir_senha": "other"}, "As senhas não são iguais. Digite a mesma senha nos dois campos."),
        ({"senha": "short", "repetir_senha": "short"}, "A senha deve ter pelo menos 8 caracteres."),
        ({"senha_atual": "wrong"}, "A senha atual não confere."),
        ({"senha_atual": NEW["senha"]}, "A nova senha deve ser diferente da atual."),
    ],
)
def test_a_refused_password_has_a_reason(visitor: Visitor, person: Person, fields: dict[str, str], said: str) -> None:
    answer = visitor.post("/profile/password", **{"senha_atual": person.password, **NEW, **fields})
    assert answer.status_code == 400
    assert dialogs_of(answer) == [f"{said} Ok!"]
    assert visitor.is_logged_in()


def test_weak_passwords_do_not_count_as_guesses(visitor: Visitor, person: Person) -> None:
    for _ in range(8):
        visitor.post("/profile/password", senha_atual=person.password, senha="short", repetir_senha="short")
    assert visitor.post("/profile/password", senha_atual=person.password, **NEW).status_code == 303


def test_a_new_password_is_checked_after_the_present_one(
    app: Starlette, visitor: Visitor, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check takes long: it needs the present password, and holds no connection to the database."""
    connections: list[int] = []
    genuine = passwords.complaint

    def recorded(password: str, login: str, name: str) -> str | None:
        connections.append(app.state.database.engine.pool.checkedout())
        return genuine(password, login, name)

    monkeypatch.setattr(passwords, "complaint", recorded)
    for _ in range(6):
        answer = visitor.post("/profile/password", senha_atual="wrong", **NEW)
    assert answer.status_code == 429
    assert connections == []
    other = Visitor(app).log_in(person)
    assert other.post("/profile/password", senha_atual=person.password, **NEW).status_code == 303
    assert connections == [0]


def test_sessions_are_listed_and_ended(app: Starlette, visitor: Visitor, person: Person) -> None:
    other = Visitor(app)
    other.http.headers["user-agent"] = ODD
    other.log_in(person)
    page = visitor.get("/profile")
    words = text_of(page)
    assert f"{ODD} " in words
    assert "<script>alert" not in page.text
    assert other.address in words
    assert words.count("Esta sessão") == 1
    mine, theirs = sorted(map(int, re.findall(r"/profile/sessions/(\d+)/end", page.text)))
    assert visitor.post(f"/profile/sessions/{theirs}/end").headers["location"] == "/profile"
    assert dialogs_of(visitor.get("/profile")) == ["A sessão foi encerrada. Ok!"]
    assert not other.is_logged_in()
    assert visitor.post(f"/profile/sessions/{theirs}/end").status_code == 404
    assert visitor.post(f"/profile/sessions/{mine}/end").headers["location"] == "/login"
    assert not visitor.is_logged_in()


def test_expired_sessions_are_not_listed(app: Starlette, clock: Clock, visitor: Visitor, person: Person) -> None:
    clock.pass_time(minutes=31)
    visitor.log_in(person)
    assert len(re.findall(r"/profile/sessions/\d+/end", visitor.get("/profile").text)) == 1


def test_sessions_and_tokens_of_other_users_are_not_found(app: Starlette, visitor: Visitor, client: Person) -> None:
    make_token(visitor)
    other = Visitor(app).log_in(client)
    for path in re.findall(r"/profile/(?:sessions|tokens)/\d+/\w+", visitor.get("/profile").text):
        assert other.post(path).status_code == 404
    assert visitor.is_logged_in()


def test_a_token_is_shown_once_and_only_its_hash_is_kept(
    app: Starlette, visitor: Visitor, web_database: LogDatabase, person: Person
) -> None:
    token = make_token(visitor, ODD)
    page = visitor.get("/profile")
    assert token not in page.text
    assert ODD in text_of(page)
    assert "<script>alert" not in page.text
    (row,) = web_database.rows("SELECT * FROM token_api WHERE usuario_id = %s", person.id)
    assert (row["token_hash"], row["escopo"]) == (digest(token), "leitura")
    assert token not in str(web_database.rows("SELECT * FROM auditoria WHERE usuario_id = %s", person.id))
    assert reads(app, token)
    assert not reads(app, row["token_hash"])
    assert not reads(app, token.swapcase())


def test_a_token_is_revoked(app: Starlette, visitor: Visitor, web_database: LogDatabase, person: Person) -> None:
    token = make_token(visitor)
    (path,) = re.findall(r"/profile/tokens/\d+/revoke", visitor.get("/profile").text)
    assert visitor.post(path).headers["location"] == "/profile"
    assert dialogs_of(visitor.get("/profile")) == ["O token foi revogado. Ok!"]
    assert not reads(app, token)
    rows = web_database.rows("SELECT acao, alvo FROM auditoria WHERE usuario_id = %s ORDER BY id", person.id)
    assert [(row["acao"], row["alvo"]) for row in rows[-2:]] == [("criar_token", "reads"), ("revogar_token", "reads")]


def test_a_token_expires(app: Starlette, clock: Clock, visitor: Visitor, person: Person) -> None:
    short, long = make_token(visitor), make_token(visitor, "for ever", "")
    clock.pass_time(days=29)
    assert reads(app, short)
    clock.pass_time(days=2)
    assert not reads(app, short)
    assert reads(app, long)
    words = text_of(visitor.log_in(person).get("/profile"))
    assert "Expirado" in words
    assert "Nunca" in words


def test_a_token_opens_no_page_and_changes_nothing(app: Starlette, visitor: Visitor) -> None:
    program = Visitor(app)
    program.http.headers["authorization"] = f"Bearer {make_token(visitor)}"
    assert program.get("/profile").headers["location"].startswith("/login")
    assert program.http.post("/api/v1/backups", data={"x": "y"}).status_code == 405


def test_a_token_of_a_disabled_user_reads_nothing(
    app: Starlette, visitor: Visitor, web_database: LogDatabase, person: Person
) -> None:
    token = make_token(visitor)
    web_database.rows("UPDATE usuario SET ativo = 0 WHERE id = %s", person.id)
    assert not reads(app, token)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"nome": " "}, "Dê um nome ao token."),
        ({"nome": "x" * 81}, "O nome do token deve ter no máximo 80 caracteres"),
        ({"nome": "a\0b"}, "sem caracteres de controle"),
        ({"validade": "-5"}, "Escolha uma validade da lista."),
        ({"validade": "9" * 5000}, "Escolha uma validade da lista."),
    ],
)
def test_an_invalid_token_is_refused_with_a_reason(visitor: Visitor, fields: dict[str, str], said: str) -> None:
    answer = visitor.post("/profile/tokens", **{"nome": "n", "validade": "30", **fields})
    assert answer.status_code == 400
    (dialog,) = dialogs_of(answer)
    assert said in dialog


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("UPDATE usuario SET ativo = 0 WHERE id = %s", 401),
        ("UPDATE sessao SET revogada_em = NOW() WHERE usuario_id = %s", 401),
        # To the login: nobody is left whose refusal could be recorded.
        ("DELETE FROM usuario WHERE id = %s", 303),
    ],
    ids=["disabled", "new password", "removed"],
)
def test_a_token_does_not_survive_a_change_that_it_waited_for(
    app: Starlette, visitor: Visitor, web_database: LogDatabase, person: Person, change: str, status: int
) -> None:
    """An administrator's change of the user, which ends the tokens, is under way when one is asked for."""
    token = visitor.form_token()
    waiting = "SELECT COUNT(*) AS requests FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
    with app.state.database.engine.connect() as changing, ThreadPoolExecutor(1) as pool:
        changing.exec_driver_sql("SELECT id FROM usuario WHERE id = %s FOR UPDATE", (person.id,))
        asked = pool.submit(visitor.post, "/profile/tokens", token=token, nome="n", validade="30")
        while not web_database.rows(waiting)[0]["requests"]:
            assert not asked.done()
            time.sleep(0.15)
        changing.exec_driver_sql(change, (person.id,))
        changing.commit()
        assert asked.result().status_code == status
    assert not web_database.rows("SELECT 1 FROM token_api WHERE usuario_id = %s", person.id)


def test_the_number_of_tokens_is_limited(visitor: Visitor) -> None:
    for _ in range(20):
        make_token(visitor)
    answer = visitor.post("/profile/tokens", nome="one more", validade="30")
    assert dialogs_of(answer) == ["Há tokens demais: revogue um antes de criar outro. Ok!"]
    assert 'value="one more"' in answer.text


def test_simultaneous_requests_do_not_pass_the_limit(
    app: Starlette, visitor: Visitor, person: Person, web_database: LogDatabase
) -> None:
    for _ in range(18):
        make_token(visitor)
    visitors = [Visitor(app).log_in(person) for _ in range(8)]
    forms = [(one, one.form_token()) for one in visitors]
    begin = threading.Barrier(len(forms))

    def issue(form: tuple[Visitor, str]) -> int:
        begin.wait()
        return form[0].post("/profile/tokens", token=form[1], nome="n", validade="30").status_code

    with ThreadPoolExecutor(len(forms)) as pool:
        statuses = sorted(pool.map(issue, forms))
    assert statuses == [200] * 2 + [400] * 6
    (row,) = web_database.rows("SELECT COUNT(*) AS tokens FROM token_api WHERE usuario_id = %s", person.id)
    assert row["tokens"] == 20
