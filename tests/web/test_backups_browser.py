"""The list of backups, its search and the details of a backup, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.playbook import LogDatabase
from tests.web.backups import MINUTE, NIGHT, add, add_restore, clear
from tests.web.browser import Watch, check_accessibility, has_path, screenshot

DUMP_LOG = "".join(
    f"2025-07-20 19:15:2{second} [{level}] - {text}\n"
    for second, level, text in [
        (5, "INFO", "Thread 1: connected using MySQL connection ID 118"),
        (6, "INFO", "Thread 2: dumping data for `vendas`.`itens`"),
        (7, "WARNING", "Could not read data from `vendas`.`itens`: table definition has changed"),
        (8, "CRITICAL", "Lost connection to server during query"),
    ]
)
RUN_LOG = "2025-07-20 19:15:23 [INFO] - run: opened\n2025-07-20 19:15:24 [INFO] - dump: 3 databases, 4 threads\n"
KEY = "mysql/{host}/2025/07/backup_20250720_191523.zip"


@pytest.fixture(autouse=True)
def _empty(web_database: LogDatabase) -> Iterator[None]:
    clear(web_database)
    yield
    clear(web_database)


def add_complete(database: LogDatabase, hostname: str, **columns: object) -> int:
    """Add a backup that has completed every stage."""
    return add(
        database,
        hostname=hostname,
        upload={
            "status_upload": 1,
            "nome_arquivo": "backup_20250720_191523.zip",
            "tamanho_arquivo": 2731.44,
            "caminho_arquivo": KEY.format(host=hostname),
            "bucket": "empresa-backups",
            "data_inicio": NIGHT + MINUTE * 1.2,
            "data_encerramento": NIGHT + MINUTE * 1.35,
        },
        **{
            "etapa": "mail",
            "versao_servidor": "8.4.6",
            "ferramenta": "mydumper 0.20.2-2",
            "inicio_dump": NIGHT,
            "fim_dump": NIGHT + MINUTE * 0.8,
            "inicio_compactacao": NIGHT + MINUTE * 0.8,
            "fim_compactacao": NIGHT + MINUTE * 1.2,
            "data_encerramento": NIGHT + MINUTE * 83 / 60,
            "log_execucao": RUN_LOG,
            "log_dump": DUMP_LOG,
            **columns,
        },
    )


def add_night(database: LogDatabase) -> dict[str, int]:
    """Add at least one backup of each status. Return their ids by host name."""
    found = {}
    for n in range(3, 12):
        found[f"loja-{n:02}"] = add_complete(database, f"loja-{n:02}", data_inicio=NIGHT - MINUTE * 60 * n)
    found["db-01"] = add_complete(database, "db-01")
    found["db-02"] = add_complete(database, "db-02", status_backup=2, observacao="table definition has changed")
    found["erp-01"] = add(
        database,
        hostname="erp-01",
        status_backup=3,
        tamanho_arquivo=512,
        data_inicio=NIGHT + MINUTE * 60,
        observacao="[WARNING] Could not read data from `vendas`.`itens`: table definition has changed\n"
        "[ERROR] Lost connection to server during query\n[ERROR] " + "x" * 10_000,
        inicio_dump=NIGHT + MINUTE * 60,
        log_execucao=RUN_LOG,
        log_dump=DUMP_LOG + "y" * 10_000,
    )
    found["crm-01"] = add(
        database,
        hostname="crm-01",
        status_backup=0,
        etapa="dump",
        tamanho_arquivo=None,
        data_inicio=NIGHT + MINUTE * 1440 * 3,
        inicio_dump=NIGHT + MINUTE * 1440 * 3,
    )
    return found


def hosts(page: Page) -> list[str]:
    return page.get_by_role("row").get_by_role("link").all_inner_texts()


def search(page: Page, text: str) -> None:
    page.get_by_role("searchbox", name="Buscar...").fill(text)
    page.get_by_role("searchbox", name="Buscar...").press("Enter")
    page.wait_for_load_state()


def fact(page: Page, panel: str, name: str) -> Locator:
    region = page.get_by_role("region", name=panel, exact=True)
    return region.locator("dt", has_text=name).first.locator("xpath=following-sibling::dd[1]")


def test_an_empty_history(clients_page: Page) -> None:
    clients_page.goto("/backups")
    expect(clients_page.get_by_role("heading", name="Veja mais detalhes sobre seus backups")).to_be_visible()
    expect(clients_page.get_by_text("Nenhum backup ainda")).to_be_visible()
    check_accessibility(clients_page)
    screenshot(clients_page, "backups-empty")


def test_the_list_and_its_search(clients_page: Page, web_database: LogDatabase) -> None:
    page = clients_page
    add_night(web_database)
    page.goto("/backups")
    expect(page.get_by_text("Todos 13")).to_be_visible()
    assert page.get_by_role("columnheader").all_inner_texts() == [
        "#",
        "Hostname",
        "Status",
        "Tamanho",
        "Data de início",
        "Data de encerramento",
        "Status upload",
    ]
    assert hosts(page)[:2] == ["crm-01", "erp-01"]
    check_accessibility(page)
    screenshot(page, "backups")
    for text, expected in {
        "db-0": ["db-02", "db-01"],
        "Alerta": ["db-02"],
        "erro": ["erp-01"],
        "Em andamento": ["crm-01"],
        "512.00 MB": ["erp-01"],
        "6.21 GB db": ["db-02", "db-01"],
        "20/07/2025 17:15": ["erp-01"],
        "20/07/2025 16:16:46 db": ["db-02", "db-01"],
        "23/07/2025": ["crm-01"],
    }.items():
        search(page, text)
        assert hosts(page) == expected, text
        expect(page.get_by_text(f"Encontrados {len(expected)}")).to_be_visible()
        expect(page.get_by_role("searchbox")).to_have_value(text)
    search(page, "nada")
    expect(page.get_by_text("Nenhum backup encontrado")).to_be_visible()
    check_accessibility(page)
    screenshot(page, "backups-not-found")
    page.get_by_role("link", name="Limpar busca").last.click()
    expect(page.get_by_text("Todos 13")).to_be_visible()
    page.get_by_label("Status", exact=True).select_option("Sucesso")
    page.get_by_label("Hostname", exact=True).select_option("db-01")
    page.get_by_role("button", name="Buscar").click()
    page.wait_for_load_state()
    assert hosts(page) == ["db-01"]


def test_pages(clients_page: Page, web_database: LogDatabase) -> None:
    page = clients_page
    for index in range(81):
        add(web_database, hostname=f"db-{index:02}", data_inicio=NIGHT + index * MINUTE)
    page.goto("/backups")
    expect(page.get_by_text("Todos 81")).to_be_visible()
    expect(page.get_by_text("Página 1 de 9")).to_be_visible()
    expect(page.get_by_text("Anterior")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("link", name="Próximo").click()
    expect(page.get_by_text("Página 2 de 9")).to_be_visible()
    assert hosts(page)[0] == "db-70"
    page.get_by_role("link", name="Última página").click()
    expect(page.get_by_text("Página 9 de 9")).to_be_visible()
    assert hosts(page) == ["db-00"]
    expect(page.get_by_text("Próximo")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("link", name="Anterior").click()
    expect(page.get_by_text("Página 8 de 9")).to_be_visible()
    screenshot(page, "backups-page")
    page.get_by_role("link", name="Primeira página").click()
    expect(page.get_by_text("Página 1 de 9")).to_be_visible()


def test_a_row_leads_to_the_details_of_a_success(clients_page: Page, web_database: LogDatabase) -> None:
    page = clients_page
    number = add_complete(web_database, "db-01")
    compared = {"columns": 120, "definitions": 34, "sampled_rows": 1000, "tables_sampled": 12}
    add_restore(web_database, number, linhas=52_300, comparado=json.dumps(compared))
    page.goto("/backups")
    page.get_by_role("cell", name="6.21 GB").click(force=True)  # The link covers the row.
    expect(page).to_have_url(has_path(f"/backups/{number}"))
    expect(page.get_by_role("heading", name="Detalhes do Backup")).to_be_visible()
    for panel, name, value in (
        ("Backup", "Hostname", "db-01"),
        ("Backup", "Banco de dados", "vendas, estoque"),
        ("Backup", "Tamanho", "6.21 GB"),
        ("Backup", "Data e hora de início", "20/07/2025 16:15:23"),
        ("Backup", "Data e hora de conclusão", "20/07/2025 16:16:46"),
        ("Backup", "Duração", "1 minuto 23 segundos"),
        ("Backup", "Status Backup", "Sucesso"),
        ("Upload", "Arquivo", "backup_20250720_191523.zip"),
        ("Upload", "Tamanho do arquivo", "2.73 GB"),
        ("Upload", "Caminho do arquivo", KEY.format(host="db-01")),
        ("Upload", "Bucket", "empresa-backups"),
        ("Upload", "Duração", "9 segundos"),
        ("Upload", "Status Upload", "Sucesso"),
    ):
        expect(fact(page, panel, name)).to_have_text(value)
    expect(page.get_by_text("Nenhum erro ou alerta.")).to_be_visible()
    expect(page.get_by_role("img", name="Tempo de cada etapa")).to_be_visible()
    expect(page.get_by_role("region", name="Prova de restauração")).to_contain_text(
        "Comparado: 120 colunas, 34 definições, 1.000 de 52.300 linhas por amostra"
    )
    check_accessibility(page)
    screenshot(page, "backup-success")
    page.get_by_role("link", name="mydumper_log.log", exact=True).click()
    expect(page.get_by_text("Lost connection to server during query")).to_be_visible()
    check_accessibility(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Baixar").click()
    assert download.value.suggested_filename == "db-01_backup_20250720_191523_mydumper_log.log"
    assert download.value.path().read_text(encoding="utf-8") == DUMP_LOG


def test_a_warning(clients_page: Page, web_database: LogDatabase) -> None:
    number = add_complete(web_database, "db-02", status_backup=2, observacao="table definition has changed")
    clients_page.goto(f"/backups/{number}")
    expect(fact(clients_page, "Backup", "Status Backup")).to_have_text("Alerta")
    problems = clients_page.get_by_role("region", name="Erros no backup").get_by_role("listitem")
    expect(problems).to_have_text(["Alertatable definition has changed"])


def test_an_error_with_long_lines(clients_page: Page, web_database: LogDatabase) -> None:
    page, number = clients_page, add_night(web_database)["erp-01"]
    page.goto(f"/backups/{number}")
    expect(fact(page, "Backup", "Status Backup")).to_have_text("Erro")
    expect(page.get_by_text("O upload não foi feito")).to_be_visible()
    problems = page.get_by_role("region", name="Erros no backup").get_by_role("listitem")
    expect(problems).to_have_count(3)
    expect(problems.nth(0)).to_contain_text("Alerta")
    expect(problems.nth(1)).to_contain_text("Erro")
    check_accessibility(page)
    screenshot(page, "backup-error")
    page.goto(f"/backups/{number}/logs/mydumper_log.log")
    screenshot(page, "backup-log")


def test_a_running_backup_refreshes_itself_until_it_ends(clients_page: Page, web_database: LogDatabase) -> None:
    page, number = clients_page, add_night(web_database)["crm-01"]
    page.goto(f"/backups/{number}")
    expect(fact(page, "Backup", "Status Backup")).to_contain_text("Em andamento")
    expect(page.get_by_text("O upload ainda não começou")).to_be_visible()
    check_accessibility(page)
    screenshot(page, "backup-running")
    web_database.server.execute(
        f"UPDATE {web_database.name}.backup_log SET status_backup = 1, tamanho_arquivo = 42,"
        f" data_encerramento = data_inicio + INTERVAL 90 SECOND, fim_dump = inicio_dump + INTERVAL 80 SECOND"
        f" WHERE id = {number}"
    )
    expect(fact(page, "Backup", "Status Backup")).to_have_text("Sucesso")
    expect(fact(page, "Backup", "Tamanho")).to_have_text("42.00 MB")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(6000)
    assert not asked


def test_hostile_content_is_shown_as_text(clients_page: Page, watch: Watch, web_database: LogDatabase) -> None:
    page = clients_page
    hostile = "<script>alert(1)</script>'\"><img src=x onerror=alert(1)>\N{PILE OF POO}"
    number = add(
        web_database,
        hostname=hostile,
        nome_database=f"{hostile}\n{'z' * 10_000}",
        status_backup=3,
        observacao=hostile,
        log_execucao=f"{hostile}\n",
        upload={"status_upload": 3, "caminho_arquivo": hostile * 10, "bucket": "b" * 500, "observacao": hostile},
    )
    page.on("dialog", lambda dialog: watch.problems.append(f"dialog: {dialog.message}"))
    for path in ("/backups", f"/backups/{number}", f"/backups/{number}/logs/backup_script.log"):
        page.goto(path)
        expect(page.get_by_text(hostile).first).to_be_attached()
    page.goto(f"/backups/{number}")
    screenshot(page, "backup-hostile")
    page.goto("/backups")
    screenshot(page, "backups-hostile")


def test_a_forged_cursor_is_refused(clients_page: Page) -> None:
    clients_page.goto("/backups?cursor=x")
    expect(clients_page.get_by_role("heading", name="Pedido inválido")).to_be_visible()
