"""Users, profile and audit trail in a real browser."""

from __future__ import annotations

import datetime
import secrets

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette

from tests.playbook import LogDatabase
from tests.servers.webstatus import WebStatus
from tests.web.browser import check_accessibility, has_path, log_in, screenshot
from tests.web.people import Person, make_person
from tests.web.visitor import Visitor
from webstatus.app import utc_now

MISSING = "Erro ao cadastrar o usuário. Todos os campos devem ser preenchidos para que o usuário seja cadastrado."
QUESTION = "Deseja realmente excluir o acesso do usuário?"


@pytest.fixture
def person(web_settings: dict[str, str]) -> Person:
    """Return a user to change."""
    return make_person(web_settings, "Cliente", name="Paulo Pereira")


def fill(page: Page, **fields: str) -> None:
    labels = {"nome": "Nome do usuário", "login": "Login", "senha": "Senha", "repetir": "Repetir Senha"}
    for name, value in fields.items():
        page.get_by_label(labels[name], exact=True).fill(value)


def accept(page: Page, text: str, title: str = "") -> None:
    """Check a dialog's text and close it."""
    dialog = page.get_by_role("dialog", name=title or text, exact=True)
    expect(dialog.get_by_text(text, exact=True)).to_be_visible()
    check_accessibility(page)
    dialog.get_by_role("button", name="Ok!", exact=True).click()
    expect(dialog).to_be_hidden()


def test_registering(administrators_page: Page) -> None:
    page, login = administrators_page, f"maria-{secrets.token_hex(3)}"
    page.get_by_role("link", name="Usuários").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Crie, gerencie e altere as credenciais de acesso ao sistema"
    )
    page.get_by_role("link", name="Cadastrar").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Adicione um novo usuário ao sistema")
    expect(page.get_by_label("Data de cadastro")).to_be_disabled()
    expect(page.get_by_text("A data de cadastro será atribuída automaticamente pelo sistema.")).to_be_visible()
    check_accessibility(page)
    screenshot(page, "user-new")

    fill(page, nome="Maria da Silva", login=login, senha="uma senha boa", repetir="uma senha boa")
    page.get_by_role("button", name="Salvar").click()
    accept(page, MISSING)
    # The fields keep what was typed, the passwords too.
    expect(page.get_by_label("Nome do usuário")).to_have_value("Maria da Silva")
    expect(page.get_by_label("Senha", exact=True)).to_have_value("uma senha boa")
    for _ in range(2):
        # A click changes the button's name, so the first one is another button the second time.
        page.get_by_role("button", name="Mostrar senha").first.click()
    expect(page.get_by_label("Repetir Senha", exact=True)).to_have_attribute("type", "text")

    page.get_by_label("Permissão de acesso").select_option("Cliente")
    fill(page, repetir="uma outra")
    page.get_by_role("button", name="Salvar").click()
    accept(page, "As senhas não são iguais. Digite a mesma senha nos dois campos.")
    fill(page, repetir="uma senha boa")
    page.get_by_role("button", name="Salvar").click()
    expect(page).to_have_url(has_path("/users"))
    accept(page, "Os dados de acesso do usuário foram criados com sucesso!", "Novo usuário cadastrado!")
    page.get_by_label("Buscar por login").fill(login)
    page.get_by_role("button", name="Buscar").click()
    expect(page.get_by_role("row", name=login)).to_contain_text("Cliente")


def test_a_login_that_is_taken_is_refused(administrators_page: Page, person: Person) -> None:
    page = administrators_page
    page.goto("/users/new")
    fill(page, nome="Outro", login=person.login, senha="uma senha boa", repetir="uma senha boa")
    page.get_by_label("Permissão de acesso").select_option("Administrador")
    page.get_by_role("button", name="Salvar").click()
    screenshot(page, "user-refused")
    accept(page, "Este login já está em uso.")
    expect(page.get_by_label("Login", exact=True)).to_have_value(person.login)
    expect(page.get_by_label("Permissão de acesso")).to_have_value("1")


def test_editing(administrators_page: Page, person: Person) -> None:
    page = administrators_page
    page.goto(f"/users?search={person.login}")
    page.get_by_role("link", name=f"Editar {person.login}").click()
    expect(page.get_by_label("Nome do usuário")).to_have_value(person.name)
    expect(page.get_by_label("Ativo")).to_be_checked()
    expect(page.get_by_label("Senha", exact=True)).to_have_value("")
    check_accessibility(page)
    screenshot(page, "user-edit")
    fill(page, nome="Paula Pereira")
    page.get_by_label("Ativo").uncheck()
    page.get_by_role("button", name="Salvar").click()
    accept(page, "Os dados do usuário foram alterados com sucesso.")
    page.goto(f"/users?search={person.login}")
    expect(page.get_by_role("row", name=person.login)).to_contain_text("Inativo")


def test_deleting(administrators_page: Page, person: Person) -> None:
    page = administrators_page
    page.goto("/users")
    check_accessibility(page)
    screenshot(page, "users")
    page.goto(f"/users?search={person.login}")
    bin_of_row = page.get_by_role("button", name=f"Excluir {person.login}")
    dialog = page.get_by_role("dialog", name=QUESTION)
    bin_of_row.click()
    expect(dialog.get_by_text(person.login, exact=True)).to_be_visible()
    check_accessibility(page)
    screenshot(page, "user-delete")
    dialog.get_by_role("button", name="Cancelar").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("row", name=person.login)).to_be_visible()
    bin_of_row.click()
    dialog.get_by_role("button", name="Excluir").click()
    accept(page, "As credenciais de acesso do usuário foram removidas com sucesso")
    page.goto(f"/users?search={person.login}")
    expect(page.get_by_text("Nenhum usuário encontrado")).to_be_visible()
    screenshot(page, "users-none")


def test_deleting_without_scripts(browser: Browser, web: WebStatus, administrator: Person, person: Person) -> None:
    context = browser.new_context(base_url=web.url, java_script_enabled=False)
    page = context.new_page()
    log_in(page, administrator)
    page.goto(f"/users?search={person.login}")
    page.get_by_role("button", name=f"Excluir {person.login}").click()
    expect(page.get_by_text(QUESTION)).to_be_visible()
    page.get_by_role("button", name="Excluir").click()
    expect(page.get_by_text("As credenciais de acesso do usuário foram removidas com sucesso")).to_be_visible()
    context.close()


def test_a_client_has_no_users_pages(clients_page: Page) -> None:
    page = clients_page
    expect(page.get_by_role("link", name="Usuários")).to_have_count(0)
    for path in ("/users", "/users/new", "/users/1", "/audit"):
        page.goto(path)
        expect(page.get_by_role("heading", name="Acesso negado")).to_be_visible()
    screenshot(page, "forbidden")


def test_the_profile(page: Page, web_settings: dict[str, str]) -> None:
    person = make_person(
        web_settings, "Cliente", name="Rosa Ribeiro", one_time_until=utc_now() + datetime.timedelta(hours=1)
    )
    log_in(page, person)
    expect(page).to_have_url(has_path("/profile"))
    expect(page.get_by_text("Sua senha é provisória. Escolha uma nova para continuar.")).to_be_visible()
    check_accessibility(page)
    screenshot(page, "profile-first")
    page.get_by_role("button", name="Alterar senha").click()
    accept(page, "Preencha a senha atual e, duas vezes, a nova.")
    page.get_by_label("Senha atual", exact=True).fill(person.password)
    page.get_by_label("Nova senha", exact=True).fill("uma senha nova")
    page.get_by_label("Repetir a nova senha").fill("uma senha nova")
    page.get_by_role("button", name="Alterar senha").click()
    expect(page).to_have_url(has_path("/"))
    accept(page, "Sua senha foi alterada. As outras sessões foram encerradas.")

    page.goto("/profile")
    page.get_by_label("Nome do token").fill("Prometheus")
    page.get_by_role("button", name="Criar token").click()
    expect(page.get_by_text("Copie o token agora: ele não será mostrado de novo.")).to_be_visible()
    check_accessibility(page)
    screenshot(page, "profile")
    page.get_by_role("button", name="Revogar Prometheus").click()
    accept(page, "O token foi revogado.")
    page.get_by_role("button", name="Encerrar esta sessão").click()
    expect(page).to_have_url(has_path("/login"))


def test_the_password_is_asked_for_again(
    administrators_page: Page, administrator: Person, web_database: LogDatabase
) -> None:
    page = administrators_page
    age = "UPDATE sessao SET data_criacao = data_criacao - INTERVAL 1 HOUR WHERE usuario_id = %s"
    web_database.rows(age, administrator.id)
    page.goto("/users")
    page.get_by_role("link", name="Cadastrar").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirme sua senha para continuar")
    check_accessibility(page)
    screenshot(page, "confirm")
    page.get_by_label("Senha", exact=True).fill("guess guess")
    page.get_by_role("button", name="Continuar").click()
    accept(page, "A senha atual não confere.")
    page.get_by_label("Senha", exact=True).fill(administrator.password)
    page.get_by_role("button", name="Continuar").click()
    expect(page).to_have_url(has_path("/users/new"))


def test_ending_the_access_of_a_user(administrators_page: Page, app: Starlette, person: Person) -> None:
    page, visitor = administrators_page, Visitor(app).log_in(person)
    visitor.post("/profile/tokens", nome="Prometheus", validade="90")
    page.goto(f"/users/{person.id}")
    check_accessibility(page)
    screenshot(page, "user-access")
    page.get_by_role("button", name="Revogar Prometheus").click()
    accept(page, "O token foi revogado.")
    page.get_by_role("button", name="Encerrar todas as sessões").click()
    accept(page, "As sessões do usuário foram encerradas.")
    expect(page.get_by_role("heading", name="Sessões")).to_have_count(0)
    assert not visitor.is_logged_in()


def test_the_audit_trail(administrators_page: Page, administrator: Person) -> None:
    page = administrators_page
    page.get_by_role("link", name="Auditoria").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Veja quem fez o quê, quando e de onde")
    check_accessibility(page)
    screenshot(page, "audit")
    page.get_by_label("Buscar por login").fill(administrator.login)
    page.get_by_role("button", name="Buscar").click()
    expect(page.get_by_role("row", name=administrator.login).first).to_be_visible()
