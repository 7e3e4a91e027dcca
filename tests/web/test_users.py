"""The pages of users, for administrators."""

from __future__ import annotations

import re

import pytest
from starlette.applications import Starlette

from tests.integration.log_db import MIGRATIONS
from tests.playbook import LogDatabase
from tests.web.people import Person, make_person
from tests.web.visitor import Clock, Visitor, dialogs_of, text_of
from webstatus.security import passwords

MISSING = "Erro ao cadastrar o usuário. Todos os campos devem ser preenchidos para que o usuário seja cadastrado. Ok!"
FORM = {
    "nome": "Maria da Silva",
    "login": "maria",
    "senha": "uma senha boa",
    "repetir_senha": "uma senha boa",
    "ativo": "1",
}
ODD = "<script>alert('x')</script>\"&\N{PILE OF POO}"


@pytest.fixture
def admin(app: Starlette, web_settings: dict[str, str]) -> Visitor:
    """Log in as an administrator of this test."""
    return Visitor(app).log_in(make_person(web_settings, "Administrador"))


@pytest.fixture
def person(web_settings: dict[str, str]) -> Person:
    """Make a user to change."""
    return make_person(web_settings, "Cliente", name="Caio")


@pytest.fixture
def ids(web_database: LogDatabase) -> dict[str, str]:
    """Return the ids of the privileges by name."""
    return {row["nome"]: str(row["id"]) for row in web_database.rows("SELECT id, nome FROM privilegio")}


def stored(database: LogDatabase, login: str) -> dict[str, object]:
    (row,) = database.rows(
        "SELECT u.*, p.nome AS privilegio FROM usuario u JOIN usuario_privilegio x ON x.usuario_id = u.id"
        " JOIN privilegio p ON p.id = privilegio_id WHERE login = %s",
        login,
    )
    return row


def test_the_list_has_the_columns_in_order(admin: Visitor, person: Person) -> None:
    page = admin.get("/users", params={"search": person.login})
    assert "Crie, gerencie e altere as credenciais de acesso ao sistema" in text_of(page)
    heads = [re.sub(r"<[^>]+>", "", head) for head in re.findall(r'<th scope="col">(.*?)</th>', page.text)]
    assert heads == ["Usuário", "Privilégio", "Último acesso", "Data de cadastro", "Ações"]
    assert f'aria-label="Editar {person.login}"' in page.text
    assert f'aria-label="Excluir {person.login}"' in page.text
    assert "Cadastrar" in text_of(page)


def test_the_search_is_by_login(admin: Visitor, web_settings: dict[str, str]) -> None:
    first, second = (make_person(web_settings, "Cliente") for _ in range(2))
    words = text_of(admin.get("/users", params={"search": first.login.upper()[3:]}))
    assert first.login in words
    assert second.login not in words


@pytest.mark.parametrize("search", ["%", "_", "\\", "a\0b", ODD, "x" * 5000])
def test_a_search_without_a_match_finds_nobody(admin: Visitor, search: str) -> None:
    page = admin.get("/users", params={"search": search})
    assert page.status_code == 200
    assert "Nenhum usuário encontrado" in text_of(page)
    assert "<script>alert" not in page.text


def test_many_users_are_split_into_pages(admin: Visitor, web_settings: dict[str, str], ids: dict[str, str]) -> None:
    for number in range(21):
        form = {**FORM, "login": f"paged-{number:02}", "privilegio": ids["Cliente"]}
        assert admin.post("/users/new", **form).status_code == 303
    first = text_of(admin.get("/users", params={"search": "paged-"}))
    assert "Anterior Página 1 de 2 Próximo" in first
    assert "paged-00" in first
    assert "paged-20" not in first
    for asked, is_last in (("2", True), ("99", True), ("9" * 5000, False), ("0", False), ("x", False)):
        page = text_of(admin.get("/users", params={"search": "paged-", "page": asked}))
        assert ("paged-20" in page) is is_last


def test_a_new_user_is_created(admin: Visitor, app: Starlette, web_database: LogDatabase, ids: dict[str, str]) -> None:
    page = admin.get("/users/new")
    words = text_of(page)
    for word in ("Adicione um novo usuário ao sistema", "Nome do usuário", "Login", "Senha", "Repetir Senha"):
        assert word in words
    assert "A data de cadastro será atribuída automaticamente pelo sistema." in words
    assert re.search(r'id="data_cadastro" type="text" value="\d\d/\d\d/\d{4}" disabled', page.text)
    assert f'<option value="{ids["Cliente"]}">Cliente</option>' in page.text

    answer = admin.post("/users/new", **{**FORM, "login": "nova"}, privilegio=ids["Cliente"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/users")
    assert dialogs_of(admin.get("/users")) == [
        "Novo usuário cadastrado! Os dados de acesso do usuário foram criados com sucesso! Ok!"
    ]
    assert dialogs_of(admin.get("/users")) == []
    row = stored(web_database, "nova")
    assert (row["nome"], row["privilegio"], row["ativo"], row["trocar_senha"]) == ("Maria da Silva", "Cliente", 1, 1)
    assert str(row["senha"]).startswith("$2b$")
    Visitor(app).log_in(Person(0, "", "nova", FORM["senha"]))


@pytest.mark.parametrize("missing", ["nome", "login", "senha", "repetir_senha", "privilegio"])
def test_a_missing_field_keeps_the_typed_values(admin: Visitor, ids: dict[str, str], missing: str) -> None:
    typed = {**FORM, "privilegio": ids["Administrador"], missing: " " if missing == "nome" else ""}
    answer = admin.post("/users/new", **typed)
    assert answer.status_code == 400
    assert dialogs_of(answer) == [MISSING]
    for field in {"nome", "login"} - {missing}:
        assert f'value="{typed[field]}"' in answer.text
    assert (f'value="{ids["Administrador"]}" selected' in answer.text) is (missing != "privilegio")
    # The server never sends a password back; the script of the page keeps it in the browser.
    assert FORM["senha"] not in answer.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"repetir_senha": "another one"}, "As senhas não são iguais. Digite a mesma senha nos dois campos."),
        ({"senha": "curta", "repetir_senha": "curta"}, "A senha deve ter pelo menos 8 caracteres."),
        ({"senha": "x" * 1001, "repetir_senha": "x" * 1001}, "A senha deve ter no máximo 1000 caracteres."),
        ({"senha": "MARIA-MARIA", "repetir_senha": "MARIA-MARIA"}, "A senha é feita de palavras óbvias"),
        ({"senha": "iloveyou2", "repetir_senha": "iloveyou2"}, "A senha é uma das mais usadas ou fácil de adivinhar."),
        ({"nome": "n" * 121}, "O nome deve ter no máximo 120 caracteres."),
        ({"login": "l" * 51}, "O login deve ter no máximo 50 caracteres."),
        ({"login": "ma\0ria"}, "O nome e o login não podem ter caracteres de controle."),
        ({"nome": "Maria\n\N{RIGHT-TO-LEFT OVERRIDE}"}, None),
        ({"privilegio": "99"}, "Escolha uma permissão de acesso da lista."),
        ({"privilegio": "9" * 5000}, "Escolha uma permissão de acesso da lista."),
        ({"privilegio": "-1"}, "Escolha uma permissão de acesso da lista."),
    ],
)
def test_invalid_values_are_refused_with_a_reason(
    admin: Visitor, web_database: LogDatabase, ids: dict[str, str], wrong: dict[str, str], said: str | None
) -> None:
    answer = admin.post("/users/new", **{**FORM, "privilegio": ids["Cliente"], **wrong})
    assert answer.status_code == 400
    (dialog,) = dialogs_of(answer)
    assert (said or "caracteres de controle") in dialog
    assert "Adicione um novo usuário" in text_of(answer)
    assert not web_database.rows("SELECT 1 FROM usuario WHERE login = %s", wrong.get("login", FORM["login"])[:50])


@pytest.mark.parametrize("change", [str, str.upper, lambda login: login.replace("i", "í")])
def test_a_login_cannot_be_used_twice(admin: Visitor, person: Person, ids: dict[str, str], change: type[str]) -> None:
    taken = {**FORM, "login": change(person.login), "privilegio": ids["Cliente"]}
    answer = admin.post("/users/new", **taken)
    assert dialogs_of(answer) == ["Este login já está em uso. Ok!"]
    assert FORM["nome"] in answer.text


def test_typed_html_is_shown_as_text(admin: Visitor, web_database: LogDatabase, ids: dict[str, str]) -> None:
    answer = admin.post("/users/new", **{**FORM, "nome": ODD, "login": ODD[:50]}, privilegio=ids["Cliente"])
    assert answer.status_code == 303
    for path in ("/users", "/audit", f"/users/{stored(web_database, ODD)['id']}"):
        page = admin.get(path)
        assert ODD in text_of(page) or "&lt;script&gt;" in page.text
        assert "<script>alert" not in page.text


def test_a_user_is_changed(
    admin: Visitor, app: Starlette, web_database: LogDatabase, person: Person, ids: dict[str, str]
) -> None:
    page = admin.get(f"/users/{person.id}")
    for value in (f'value="{person.name}"', f'value="{person.login}"', f'value="{ids["Cliente"]}" selected'):
        assert value in page.text
    assert re.search(r'name="ativo" value="1" checked', page.text)
    theirs = Visitor(app).log_in(person)
    login = f"{person.login}-x"
    answer = admin.post(
        f"/users/{person.id}", nome="Outro Nome", login=login, privilegio=ids["Administrador"], ativo="1"
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/users")
    assert dialogs_of(admin.get("/users")) == ["Os dados do usuário foram alterados com sucesso. Ok!"]
    row = stored(web_database, login)
    assert (row["nome"], row["privilegio"], row["ativo"]) == ("Outro Nome", "Administrador", 1)
    # The password is unchanged, and the privilege applies at once, to open sessions too.
    assert theirs.get("/users").status_code == 200
    Visitor(app).log_in(person._replace(login=login))


def test_a_change_with_a_missing_field_is_refused(admin: Visitor, person: Person, ids: dict[str, str]) -> None:
    answer = admin.post(f"/users/{person.id}", nome="", login="kept", privilegio=ids["Cliente"], ativo="1")
    assert dialogs_of(answer) == [
        "Erro ao alterar o usuário. Todos os campos devem ser preenchidos para que o usuário seja alterado. Ok!"
    ]
    assert 'value="kept"' in answer.text


def test_a_changed_password_must_be_repeated(admin: Visitor, person: Person, ids: dict[str, str]) -> None:
    form = {"nome": "N", "login": person.login, "privilegio": ids["Cliente"], "ativo": "1"}
    answer = admin.post(f"/users/{person.id}", **form, senha="outra senha", repetir_senha="")
    assert dialogs_of(answer) == ["As senhas não são iguais. Digite a mesma senha nos dois campos. Ok!"]


def test_a_deletion_asks_first_and_confirms(
    admin: Visitor, app: Starlette, web_database: LogDatabase, person: Person
) -> None:
    listed = admin.get("/users", params={"search": person.login})
    assert "Deseja realmente excluir o acesso do usuário?" in text_of(listed)
    path = f"/users/{person.id}/delete"
    asked = text_of(admin.get(path))
    for word in ("Deseja realmente excluir o acesso do usuário?", person.login, "Cancelar", "Excluir"):
        assert word in asked
    assert web_database.rows("SELECT 1 FROM usuario WHERE id = %s", person.id)
    assert admin.post(path).headers["location"] == "/users"
    assert dialogs_of(admin.get("/users")) == ["As credenciais de acesso do usuário foram removidas com sucesso Ok!"]
    assert not web_database.rows("SELECT 1 FROM usuario WHERE id = %s", person.id)
    assert Visitor(app).try_login(person.login, person.password).status_code == 401
    assert admin.post(path).status_code == 404


@pytest.mark.parametrize("number", ["0", "999999999999999999", "9" * 5000, "-1", "1.5", "x"])
def test_an_unknown_user_is_not_found(admin: Visitor, number: str) -> None:
    for path in (f"/users/{number}", f"/users/{number}/delete"):
        assert admin.get(path).status_code == 404


def test_every_action_on_a_user_is_audited(
    admin: Visitor, web_database: LogDatabase, person: Person, ids: dict[str, str]
) -> None:
    form = {"nome": person.name, "login": person.login, "privilegio": ids["Cliente"]}
    admin.post(f"/users/{person.id}", **form, senha="outra senha boa", repetir_senha="outra senha boa")
    admin.post(f"/users/{person.id}/delete")
    rows = web_database.rows("SELECT acao, detalhe, ip, login FROM auditoria WHERE alvo = %s ORDER BY id", person.login)
    assert [row["acao"] for row in rows] == ["criar_usuario", "alterar_usuario", "excluir_usuario"]
    assert {row["ip"] for row in rows[1:]} == {admin.address}
    assert rows[1]["detalhe"].replace(" ", "") == '{"ativo":[true,false],"senha":"alterada"}'
    assert "outra" not in str(rows)
    words = text_of(admin.get("/audit"))
    assert "Ativo: sim → não" in words
    assert "Senha: alterada" in words


def test_a_password_set_here_is_for_one_time_and_ends(
    admin: Visitor, app: Starlette, clock: Clock, web_database: LogDatabase, person: Person, ids: dict[str, str]
) -> None:
    assert "vale 24 horas, e o usuário deve trocá-la no primeiro acesso" in text_of(admin.get("/users/new"))
    assert "Uma senha nova encerra as sessões e os tokens" in text_of(admin.get(f"/users/{person.id}"))
    form = {"nome": person.name, "login": person.login, "privilegio": ids["Cliente"], "ativo": "1"}
    given = {"senha": "outra senha boa", "repetir_senha": "outra senha boa"}
    assert admin.post(f"/users/{person.id}", **form, **given).status_code == 303
    clock.pass_time(hours=23, minutes=50)
    visitor = Visitor(app).log_in(person._replace(password="outra senha boa"))
    assert visitor.get("/").headers["location"] == "/profile"
    clock.pass_time(minutes=10)
    late = Visitor(app)
    answer = late.try_login(person.login, "outra senha boa")
    assert answer.status_code == 401
    (dialog,) = dialogs_of(answer)
    assert dialog.startswith("Senha provisória vencida O prazo para usar sua senha provisória acabou.")
    assert late.try_login(person.login, "guess guess").status_code == 401
    (row,) = web_database.rows("SELECT detalhe FROM auditoria WHERE ip = %s ORDER BY id LIMIT 1", late.address)
    assert "vencida" in row["detalhe"]
    # Who has logged in before may still choose a password, which then does not end.
    new = {"senha": "minha propria frase", "repetir_senha": "minha propria frase"}
    assert visitor.post("/profile/password", senha_atual="outra senha boa", **new).headers["location"] == "/"
    clock.pass_time(days=400)
    Visitor(app).log_in(person._replace(password="minha propria frase"))


def test_a_chosen_password_does_not_end(app: Starlette, web_database: LogDatabase, person: Person) -> None:
    """An earlier release of the app leaves the time when the user chooses a password."""
    web_database.rows("UPDATE usuario SET trocar_senha = 0, senha_expira_em = '2020-01-01' WHERE id = %s", person.id)
    Visitor(app).log_in(person)


def make_token(visitor: Visitor) -> str:
    page = visitor.post("/profile/tokens", nome="reads", validade="").text
    return page.partition("<code")[2].partition(">")[2].partition("<")[0]


def reads(app: Starlette, token: str) -> bool:
    return Visitor(app).get("/api/v1/backups", headers={"authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ({"ativo": ""}, True),
        ({"ativo": "1", "senha": "outra senha boa", "repetir_senha": "outra senha boa"}, True),
        ({"ativo": "1"}, False),
    ],
    ids=["disabled", "password reset", "name changed"],
)
def test_tokens_end_with_the_access_of_their_user(
    admin: Visitor,
    app: Starlette,
    person: Person,
    ids: dict[str, str],
    change: dict[str, str],
    *,
    ends: bool,
) -> None:
    token = make_token(Visitor(app).log_in(person))
    form = {"nome": "Outro", "login": person.login, "privilegio": ids["Cliente"]}
    assert admin.post(f"/users/{person.id}", **form, **change).status_code == 303
    assert reads(app, token) is not ends
    # A user who is enabled again gets no old token back.
    assert admin.post(f"/users/{person.id}", **form, ativo="1").status_code == 303
    assert reads(app, token) is not ends
    if ends:
        assert "Tokens de API revogados: 1" in text_of(admin.get("/audit", params={"login": person.login}))


def test_sessions_and_tokens_of_others_are_shown_and_ended(
    admin: Visitor, app: Starlette, web_database: LogDatabase, person: Person
) -> None:
    visitors = [Visitor(app).log_in(person) for _ in range(3)]
    token = make_token(visitors[0])
    path = f"/users/{person.id}"
    page = admin.get(path)
    assert all(visitor.address in text_of(page) for visitor in visitors)
    assert token not in page.text
    first, *_ = re.findall(rf"{path}/sessions/\d+/end", page.text)
    (revoke,) = re.findall(rf"{path}/tokens/\d+/revoke", page.text)
    assert admin.post(first).headers["location"] == path
    assert dialogs_of(admin.get(path)) == ["A sessão foi encerrada. Ok!"]
    assert sum(visitor.is_logged_in() for visitor in visitors) == 2
    assert admin.post(first).status_code == 404
    assert admin.post(f"{path}/sessions/end").headers["location"] == path
    assert dialogs_of(admin.get(path)) == ["As sessões do usuário foram encerradas. Ok!"]
    assert not any(visitor.is_logged_in() for visitor in visitors)
    assert reads(app, token)
    assert admin.post(revoke).headers["location"] == path
    assert not reads(app, token)
    assert admin.post(revoke).status_code == 404
    rows = web_database.rows("SELECT acao, alvo, detalhe FROM auditoria WHERE ip = %s ORDER BY id", admin.address)
    assert [(row["acao"], row["alvo"]) for row in rows[-3:]] == [
        ("encerrar_sessao", person.login),
        ("encerrar_sessoes", person.login),
        ("revogar_token", "reads"),
    ]
    assert person.login in rows[-1]["detalhe"]


def test_the_address_of_one_user_ends_nothing_of_another(
    admin: Visitor, app: Starlette, person: Person, client: Person
) -> None:
    visitor = Visitor(app).log_in(person)
    make_token(visitor)
    for path in re.findall(rf"/users/{person.id}/\w+/\d+/\w+", admin.get(f"/users/{person.id}").text):
        assert admin.post(path.replace(str(person.id), str(client.id), 1)).status_code == 404
    assert visitor.is_logged_in()


def test_no_connection_is_held_while_a_password_is_checked(
    admin: Visitor, app: Starlette, person: Person, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connections: list[int] = []

    def refuse(_password: str, _login: str, _name: str) -> str:
        connections.append(app.state.database.engine.pool.checkedout())
        return "refused"

    monkeypatch.setattr(passwords, "complaint", refuse)
    for path in ("/users/new", f"/users/{person.id}"):
        assert admin.post(path, **FORM, privilegio=ids["Cliente"]).status_code == 400
    assert connections == [0, 0]


def test_the_schema_creates_no_user() -> None:
    assert not [path.name for path in MIGRATIONS.glob("*.sql") if re.search(r"INTO usuario\b", path.read_text("utf-8"))]
