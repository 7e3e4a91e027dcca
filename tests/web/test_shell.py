"""The frame of every page and the login, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.servers.webstatus import WebStatus
from tests.web.browser import PHONE, check_accessibility, has_path, log_in, screenshot, watched_page
from tests.web.people import Person


def test_login_leads_to_the_dashboard(page: Page, administrator: Person) -> None:
    page.goto("/")
    expect(page).to_have_url(has_path("/login"))
    expect(page.get_by_label("Usuário")).to_be_focused()
    expect(page.get_by_text("Esqueceu sua senha? Contate seu administrador", exact=True)).to_be_visible()
    check_accessibility(page)
    screenshot(page, "login")
    log_in(page, administrator)
    expect(page).to_have_url(has_path("/"))


def test_a_wrong_password_opens_a_dialog(page: Page, administrator: Person) -> None:
    page.goto("/login")
    page.get_by_label("Usuário").fill(administrator.login)
    page.get_by_label("Senha", exact=True).fill("isn't it")
    page.get_by_role("button", name="Entrar").click()
    dialog = page.get_by_role("dialog", name="Senha ou login inválidos")
    text = "Os dados informados não estão cadastrados em nossa base de dados. Por favor, tente novamente."
    expect(dialog.get_by_text(text, exact=True)).to_be_visible()
    check_accessibility(page)
    screenshot(page, "login-wrong")
    dialog.get_by_role("button", name="Fechar", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_label("Usuário")).to_be_focused()
    expect(page.get_by_label("Usuário")).to_have_value(administrator.login)
    expect(page.get_by_label("Senha", exact=True)).to_have_value("")


@pytest.mark.parametrize(("login", "password"), [("", ""), ("ana", ""), ("", "secret")])
def test_an_empty_field_opens_a_dialog(page: Page, login: str, password: str) -> None:
    page.goto("/login")
    page.get_by_label("Usuário").fill(login)
    page.get_by_label("Senha", exact=True).fill(password)
    page.get_by_role("button", name="Entrar").click()
    text = "Todos os campos devem ser preenchidos para que o login possa ser efetuado."
    dialog = page.get_by_role("dialog", name=text, exact=True)
    dialog.get_by_role("button", name="Ok!", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_label("Usuário")).to_have_value(login)


def test_a_dialog_without_a_title_in_english(page: Page) -> None:
    page.goto("/login")
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Log in").click()
    dialog = page.get_by_role("dialog", name="All fields must be filled in to log in.", exact=True)
    dialog.get_by_role("button", name="OK!", exact=True).click()
    expect(dialog).to_be_hidden()


def test_the_eye_shows_the_password(page: Page) -> None:
    page.goto("/login")
    field = page.get_by_label("Senha", exact=True)
    field.fill("what is typed")
    page.get_by_role("button", name="Mostrar senha").click()
    expect(field).to_have_attribute("type", "text")
    page.get_by_role("button", name="Ocultar senha").click()
    expect(field).to_have_attribute("type", "password")
    expect(field).to_have_value("what is typed")


def test_dialogs_and_the_login_work_without_scripts(browser: Browser, web: WebStatus, client: Person) -> None:
    context = browser.new_context(base_url=web.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/login")
    expect(page.get_by_role("button", name="Mostrar senha")).to_be_hidden()
    page.get_by_role("button", name="Entrar").click()
    expect(page.get_by_text("Todos os campos devem ser preenchidos para que o login possa")).to_be_visible()
    log_in(page, client)
    expect(page.get_by_role("link", name="Backups")).to_be_visible()
    context.close()


def test_the_menu_of_an_administrator(administrators_page: Page, administrator: Person) -> None:
    page = administrators_page
    menu = page.get_by_role("navigation", name="Menu principal")
    assert menu.get_by_role("link").all_inner_texts() == ["Dashboard", "Backups", "Usuários", "Auditoria"]
    expect(menu.get_by_role("link", name="Dashboard")).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("link", name=f"Perfil: {administrator.name} Administrador")).to_be_visible()
    check_accessibility(page)


def test_the_menu_of_a_client(clients_page: Page) -> None:
    menu = clients_page.get_by_role("navigation", name="Menu principal")
    assert menu.get_by_role("link").all_inner_texts() == ["Dashboard", "Backups"]


def test_a_logout_leads_to_the_login(clients_page: Page) -> None:
    page = clients_page
    page.get_by_role("button", name="Sair").click()
    expect(page).to_have_url(has_path("/login"))
    page.goto("/backups")
    expect(page).to_have_url(has_path("/login"))


def test_the_menu_on_a_phone(administrators_page: Page) -> None:
    page = administrators_page
    page.set_viewport_size(PHONE)
    menu = page.get_by_role("navigation", name="Menu principal")
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Abrir o menu").click()
    expect(menu.get_by_role("link", name="Backups")).to_be_visible()
    page.get_by_role("button", name="Fechar o menu").click()
    expect(menu).to_be_hidden()


def test_the_theme_is_kept(page: Page) -> None:
    root = page.locator("html")
    page.goto("/login")
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.get_by_role("button", name="Escuro").click()
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.reload()
    expect(root).to_have_attribute("data-bs-theme", "dark")
    expect(page.get_by_role("button", name="Escuro")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Automático").click()
    expect(root).to_have_attribute("data-bs-theme", "light")


def test_the_language_is_switched_and_kept(page: Page) -> None:
    page.goto("/login?next=/backups")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page).to_have_url(has_path("/login"))
    expect(page.get_by_label("User", exact=True)).to_be_visible()
    page.goto("/login")
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    page.get_by_role("button", name="Português").click()
    expect(page.get_by_role("button", name="Entrar")).to_be_visible()


def test_an_unknown_address(page: Page) -> None:
    page.goto("/nowhere")
    expect(page.get_by_role("heading", name="Página não encontrada")).to_be_visible()
    check_accessibility(page)
    screenshot(page, "error")
    page.get_by_role("link", name="Voltar ao início").click()
    expect(page).to_have_url(has_path("/login"))


def test_a_log_database_that_does_not_answer(browser: Browser, web_settings: dict[str, str], tmp_path: Path) -> None:
    away = {**web_settings, "log_db_unix_socket": str(tmp_path / "nothing.sock")}
    with WebStatus(tmp_path / "web", away) as app, watched_page(browser, app.url) as (page, watch):
        watch.expected_statuses.add(503)
        page.goto("/login")
        expect(page.get_by_role("heading", name="Banco de dados indisponível")).to_be_visible()
        check_accessibility(page)
        screenshot(page, "database-away")
        page.get_by_role("link", name="Tentar novamente").click()
        expect(page).to_have_url(has_path("/login"))


def test_the_skip_link_comes_first(administrators_page: Page) -> None:
    page = administrators_page
    page.reload()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Pular para o conteúdo")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
