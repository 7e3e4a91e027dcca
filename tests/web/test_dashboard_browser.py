"""The dashboard in a real browser: its numbers, its reloads, and its messages when a reload fails."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.playbook import LogDatabase
from tests.web.backups import MINUTE, add, clear
from tests.web.browser import Watch, check_accessibility, has_path, log_in, screenshot, use_theme
from tests.web.people import Person
from webstatus.app import utc_now
from webstatus.cache import FRESH
from webstatus.queries.dashboard import start_of

ZONE = ZoneInfo("America/Sao_Paulo")
HOUR = datetime.timedelta(hours=1)
HOSTILE = "<img src=x onerror=alert(1)>'\"\n{{ 7*7 }}\N{FOX FACE}"
BARS = """name => Chart.getChart(document.querySelector(`[data-chart=${name}] canvas`))
  .data.datasets[0].data.map((count) => count ?? 0)"""
COLOUR = "Chart.getChart(document.querySelector('[data-chart=error] canvas')).data.datasets[0].backgroundColor"
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(autouse=True)
def _empty(web_database: LogDatabase) -> Iterator[None]:
    _clear(web_database)
    yield
    _clear(web_database)


def _clear(database: LogDatabase) -> None:
    clear(database)
    database.server.execute(f"DELETE FROM {database.name}.servidor")
    wait_for_new_numbers()


def wait_for_new_numbers() -> None:
    """Wait until the app no longer serves the cached numbers."""
    time.sleep(FRESH.total_seconds())


def today_at(part: float) -> datetime.datetime:
    """Return a time of today: 0 is midnight, 1 is now."""
    now = utc_now()
    midnight = start_of(now.replace(tzinfo=datetime.UTC).astimezone(ZONE).date(), ZONE)
    return (midnight + part * (now - midnight)).replace(microsecond=0)


def fill_a_day(database: LogDatabase) -> None:
    """Add the backups of a usual day: most succeeded, some did not."""
    now = utc_now()
    for number in range(24):
        for part, status in ((0.1 + number / 60, 1), (0.6 + number / 80, 2 if number % 9 == 4 else 1)):
            start = today_at(part)
            size = 140 * (number + 1) ** 2
            columns: dict[str, Any] = {"status_backup": status, "data_inicio": start, "tamanho_arquivo": size}
            add(database, hostname=f"erp-{number:03}", upload={"status_upload": 1}, **columns)
    for night in range(1, 14):
        for number in range(5 + night % 3):
            add(database, hostname=f"erp-{number:03}", data_inicio=now - night * 24 * HOUR - number * MINUTE)
    add(database, hostname="crm-matriz", data_inicio=now - 31 * HOUR)
    add(database, hostname="crm-matriz", status_backup=3, data_inicio=today_at(0.3))
    add(database, hostname="loja-007", upload={"status_upload": 3}, data_inicio=today_at(0.7))
    add(database, hostname="legado", data_inicio=now - 40 * 24 * HOUR)
    long_name = "bi-producao.interno.example.com.br"
    add(database, hostname=long_name, status_backup=0, etapa="pack", data_inicio=now - 14 * MINUTE)
    add(database, hostname="erp-003", status_backup=0, etapa="dump", data_inicio=now - MINUTE)
    add(database, hostname=HOSTILE, data_inicio=today_at(0.5))


def open_dashboard(page: Page) -> None:
    """Open the dashboard with the test's rows. The login has opened it before they were added."""
    wait_for_new_numbers()
    page.goto("/")


def record_reloads(page: Page) -> list[str]:
    """Return a list that collects the reloads of the dashboard from now on."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url) if request.url.endswith("/dashboard") else None)
    return found


def part(page: Page, name: str) -> Any:
    return page.locator(f"[data-part={name}]")


def test_numbers_and_charts_show_the_rows(administrators_page: Page, web_database: LogDatabase) -> None:
    for status, number in ((1, 4), (2, 2), (3, 1)):
        for index in range(number):
            add(web_database, hostname=f"db-{status}", status_backup=status, data_inicio=today_at((index + 1) / 6))
    add(web_database, hostname="db-run", status_backup=0, etapa="upload", data_inicio=utc_now())
    add(web_database, hostname="db-1", data_inicio=today_at(0) - MINUTE)
    page = administrators_page
    open_dashboard(page)
    expect(page.get_by_role("heading", name="Acompanhe e visualize seus backups", level=1)).to_be_visible()
    for name, number in (("success", 4), ("warning", 2), ("error", 1)):
        expect(part(page, f"total-{name}")).to_have_text(str(number))
        assert sum(page.evaluate(BARS, name)) == number
    expect(part(page, "total")).to_have_text("8")
    assert sum(page.evaluate(BARS, "hours")) == 8
    assert page.evaluate(BARS, "days")[-2:] == [1, 8]
    assert len(page.evaluate(BARS, "minutes")) == 60
    expect(page.get_by_text("2 dos 4 servidores precisam de atenção")).to_be_visible()
    running = page.get_by_role("region", name="Em andamento 1")
    expect(running.get_by_role("row", name="db-run Upload")).to_be_visible()


def test_every_chart_has_its_table(administrators_page: Page, web_database: LogDatabase) -> None:
    add(web_database, data_inicio=today_at(0.5))
    page = administrators_page
    open_dashboard(page)
    figures = page.get_by_role("figure")
    expect(figures).to_have_count(6)
    for figure in figures.all():
        label = figure.get_by_role("img").get_attribute("aria-label")
        table = figure.get_by_role("region", name=label).get_by_role("table")
        expect(table).to_be_hidden()
        figure.get_by_text("Ver como tabela").click()
        expect(table).to_be_visible()
        shown = [int(text) for text in table.get_by_role("cell").all_inner_texts()]
        assert shown == page.evaluate(BARS, figure.get_attribute("data-chart"))
    check_accessibility(page)


def test_a_new_row_appears_without_a_page_reload(administrators_page: Page, web_database: LogDatabase) -> None:
    page = administrators_page
    add(web_database, hostname="db-01", data_inicio=today_at(0.5))
    page.clock.install()
    open_dashboard(page)
    expect(part(page, "total-success")).to_have_text("1")
    page.evaluate("window.sameDocument = true")
    # The open table stays open, and the link keeps the focus.
    page.get_by_role("figure").first.get_by_text("Ver como tabela").click()
    page.get_by_role("link", name="db-01").focus()
    add(web_database, hostname="db-02", data_inicio=today_at(0.9))
    wait_for_new_numbers()
    # Real time passes too, on a busy machine many seconds: stay well below the minute.
    page.clock.fast_forward(10_000)
    expect(part(page, "total-success")).to_have_text("1")
    with page.expect_response("**/dashboard"):
        page.clock.fast_forward(50_000)
    expect(part(page, "total-success")).to_have_text("2")
    expect(page.get_by_text("Todos os 2 servidores têm backup")).to_be_visible()
    expect(page.get_by_role("link", name="db-01")).to_be_focused()
    expect(page.get_by_role("figure").first.get_by_role("table")).to_be_visible()
    assert sum(page.evaluate(BARS, "success")) == 2
    assert page.evaluate("window.sameDocument")


def test_during_a_run_it_reloads_every_five_seconds(administrators_page: Page, web_database: LogDatabase) -> None:
    page = administrators_page
    number = add(web_database, hostname="db-01", status_backup=0, etapa="dump", data_inicio=utc_now())
    page.clock.install()
    open_dashboard(page)
    expect(page.get_by_text("atualização a cada 5 segundos")).to_be_visible()
    expect(part(page, "running")).to_contain_text("Dump")
    web_database.server.execute(f"UPDATE {web_database.name}.backup_log SET etapa = 'pack' WHERE id = {number}")
    wait_for_new_numbers()
    page.clock.fast_forward(5_000)
    expect(part(page, "running")).to_contain_text("Empacotamento")
    ended = "status_backup = 1, data_encerramento = data_inicio"
    web_database.server.execute(f"UPDATE {web_database.name}.backup_log SET {ended} WHERE id = {number}")
    wait_for_new_numbers()
    page.clock.fast_forward(5_000)
    expect(page.get_by_text("Nenhum backup em andamento agora.")).to_be_visible()
    expect(page.get_by_text("atualização a cada minuto")).to_be_visible()


def test_the_first_backup_replaces_the_empty_page(administrators_page: Page, web_database: LogDatabase) -> None:
    page = administrators_page
    page.clock.install()
    open_dashboard(page)
    expect(page.get_by_text("Nenhum backup ainda")).to_be_visible()
    expect(page.get_by_text("playbooks/backup.yml")).to_be_visible()
    check_accessibility(page)
    screenshot(page, "dashboard-empty")
    add(web_database, hostname="db-01", data_inicio=today_at(0.9))
    wait_for_new_numbers()
    page.clock.fast_forward(60_000)
    expect(page.get_by_text("O único servidor tem backup")).to_be_visible()
    assert sum(page.evaluate(BARS, "success")) == 1


def test_a_hidden_page_does_not_reload(administrators_page: Page, web_database: LogDatabase) -> None:
    page = administrators_page
    add(web_database, status_backup=0, data_inicio=utc_now())
    page.clock.install()
    open_dashboard(page)
    page.evaluate(HIDE, True)
    asked = record_reloads(page)
    for _ in range(5):
        page.clock.fast_forward(60_000)
    page.wait_for_timeout(300)
    assert asked == []
    with page.expect_response("**/dashboard"):
        page.evaluate(HIDE, False)
    # Real time passes too, so there may be more of them.
    with page.expect_response("**/dashboard"):
        page.clock.fast_forward(5_000)


def test_a_failed_reload_keeps_the_old_numbers_with_a_warning(
    administrators_page: Page, watch: Watch, web_database: LogDatabase
) -> None:
    page = administrators_page
    watch.expected_statuses.add(503)
    add(web_database, data_inicio=today_at(0.5))
    page.clock.install()
    open_dashboard(page)
    read_at = page.locator("#dashboard").get_attribute("data-read-at")
    page.route("**/dashboard", lambda route: route.fulfill(status=503, body="away"))
    page.clock.fast_forward(60_000)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(f"Sem resposta do servidor. Os números abaixo são das {read_at}")
    expect(part(page, "total-success")).to_have_text("1")
    check_accessibility(page)
    screenshot(page, "dashboard-old")
    page.unroute("**/dashboard")
    page.clock.fast_forward(60_000)
    expect(alert.get_by_text("Sem resposta do servidor")).to_be_hidden()
    expect(page.locator("body")).not_to_have_class(re.compile("is-old"))


def test_an_ended_session_leads_to_the_login(
    page: Page, watch: Watch, client: Person, web_database: LogDatabase
) -> None:
    watch.expected_statuses.add(401)
    add(web_database, data_inicio=today_at(0.5))
    log_in(page, client)
    page.clock.install()
    open_dashboard(page)
    web_database.server.execute(f"DELETE FROM {web_database.name}.sessao WHERE usuario_id = {client.id}")
    page.clock.fast_forward(60_000)
    expect(page.get_by_role("alert")).to_contain_text("Sua sessão terminou.")
    asked = record_reloads(page)
    page.clock.fast_forward(600_000)
    page.wait_for_timeout(300)
    assert asked == []
    page.get_by_role("link", name="Entrar novamente").click()
    expect(page).to_have_url(has_path("/login"))


def test_charts_follow_the_theme(administrators_page: Page, web_database: LogDatabase) -> None:
    add(web_database, data_inicio=today_at(0.5))
    page = administrators_page
    open_dashboard(page)
    assert page.evaluate(COLOUR) == "#b3261e"
    use_theme(page, "dark")
    assert page.evaluate(COLOUR) == "#ff8a80"


def test_a_usual_day(administrators_page: Page, web_database: LogDatabase) -> None:
    fill_a_day(web_database)
    page = administrators_page
    open_dashboard(page)
    expect(page.get_by_text("3 dos 29 servidores precisam de atenção")).to_be_visible()
    servers = page.get_by_role("region", name="Último backup de cada servidor")
    first = servers.last.get_by_role("rowheader").first
    expect(first).to_have_text("bi-producao.interno.example.com.br")
    assert "<img src=x onerror=alert(1)>" in servers.last.inner_text()
    check_accessibility(page)
    screenshot(page, "dashboard")


def test_in_english(page: Page, client: Person, web_database: LogDatabase) -> None:
    add(web_database, data_inicio=today_at(0.5))
    page.goto("/login")
    page.get_by_role("button", name="English").click()
    page.get_by_label("User", exact=True).fill(client.login)
    page.get_by_label("Password", exact=True).fill(client.password)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(has_path("/"))
    assert not re.search(r"[ãçéíúâê]", page.get_by_role("main").inner_text())
