"""The pages of the history, of one backup and of its logs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from tests.playbook import LogDatabase
from tests.web.backups import MINUTE, NIGHT, add, clear, signed_in
from tests.web.people import Person
from webstatus.queries import backups

HOSTILE = "<script>alert(1)</script>'\"`\N{PILE OF POO}&amp;"
LONG_LINE = "x" * 10_000


@pytest.fixture(autouse=True)
def _empty(web_database: LogDatabase) -> Iterator[None]:
    clear(web_database)
    yield
    clear(web_database)


@pytest.fixture(scope="module")
def reader(web_settings: dict[str, str], client: Person) -> TestClient:
    return signed_in(web_settings, client)


def texts(page: str) -> str:
    """Return the visible text of a page in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def test_the_list_shows_every_column(reader: TestClient, web_database: LogDatabase) -> None:
    number = add(web_database, upload={"status_upload": 3})
    page = reader.get("/backups").text
    assert "Veja mais detalhes sobre seus backups" in page
    columns = "# Hostname Status Tamanho Data de início Data de encerramento Status upload"
    row = f"{number} db-01 Sucesso 6.21 GB 20/07/2025 16:15:23 20/07/2025 16:16:23 Erro"
    assert f"{columns} {row}" in texts(page)
    assert "Todos 1 " in texts(page)
    assert f'href="/backups/{number}"' in page
    assert 'placeholder="Buscar..."' in page


def test_an_empty_history_names_the_playbook(reader: TestClient) -> None:
    page = texts(reader.get("/backups").text)
    assert "Nenhum backup ainda" in page
    assert "playbooks/backup.yml" in page


def test_an_empty_result_links_to_all_backups(reader: TestClient, web_database: LogDatabase) -> None:
    add(web_database)
    page = reader.get("/backups?search=nada").text
    assert "Nenhum backup encontrado" in texts(page)
    assert "Encontrados 0" in texts(page)
    assert '<a class="btn btn-primary" href="/backups">Limpar busca</a>' in page
    assert 'value="nada"' in page


def test_pages_link_to_each_other(reader: TestClient, web_database: LogDatabase) -> None:
    numbers = [add(web_database, data_inicio=NIGHT + index * MINUTE) for index in range(81)]
    seen: list[int] = []
    address = "/backups"
    for number in range(1, 10):
        page = reader.get(address).text
        assert f"Página {number} de 9" in page
        assert "Todos 81" in texts(page)
        seen += shown(page)
        address = link(page, "next") or ""
    assert seen == numbers[::-1]
    assert address == ""
    back: list[int] = shown(page)
    while address := link(page, "prev") or "":
        page = reader.get(address).text
        back = shown(page) + back
    assert back == numbers[::-1]
    assert shown(reader.get("/backups?cursor=last").text) == [numbers[0]]


def shown(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'stretched-link[^>]*href="/backups/(\d+)"', page)]


def link(page: str, rel: str) -> str | None:
    found = re.search(rf'rel="{rel}" href="([^"]*)"', page)
    return html.unescape(found[1]) if found else None


@pytest.mark.parametrize(
    "query",
    [
        "cursor=x",
        "cursor=next.2.20250720161523",
        "cursor=next.2.20251320161523.1",
        "cursor=next.2.00010101000000.1",
        "cursor=next.2.20250720161523.99999999999999999999",
        "cursor=next.2.20250720161523.9999999999999999999",
        "cursor=next.-1.20250720161523.1",
        "cursor=%00",
        "cursor=" + "1" * 5000,
        "status=4",
        "status=sucesso",
        "search=" + "x" * 201,
        "server=" + "x" * 201,
    ],
)
def test_an_invalid_address_is_refused(reader: TestClient, web_database: LogDatabase, query: str) -> None:
    add(web_database)
    answer = reader.get(f"/backups?{query}")
    assert answer.status_code == 400
    assert "Pedido inválido" in answer.text


@pytest.mark.parametrize(
    "cursor",
    [
        "next.999.20250720161523.1",
        "next.0.99991231235959.999999999999999999",
        "next.1.10000101000000.0",
        "previous.999999999.99991231235959.1",
        "previous.0.10000101000000.0",
        "last",
    ],
)
def test_an_invented_cursor_shows_an_existing_page(reader: TestClient, web_database: LogDatabase, cursor: str) -> None:
    for index in range(25):
        add(web_database, data_inicio=NIGHT + index * MINUTE)
    page = reader.get(f"/backups?cursor={cursor}").text
    number = re.search(r"Página (\d+) de 3", page)
    assert number
    assert 1 <= int(number[1]) <= 3
    assert shown(page)


@pytest.mark.parametrize("search", ["%", "_", "'", '"', "\\", "<script>", "%00", "\N{PILE OF POO}", "+" * 150])
def test_any_text_may_be_searched_for(reader: TestClient, web_database: LogDatabase, search: str) -> None:
    add(web_database)
    answer = reader.get("/backups", params={"search": search})
    assert answer.status_code == 200
    assert "Encontrados 0" in texts(answer.text)


def test_the_filters_combine(reader: TestClient, web_database: LogDatabase) -> None:
    wanted = add(web_database, hostname="db-02", status_backup=3)
    for hostname, status in (("db-02", 1), ("db-01", 3), ("db-020", 3)):
        add(web_database, hostname=hostname, status_backup=status)
    page = reader.get("/backups?server=db-02&status=error&search=20/07/2025").text
    assert shown(page) == [wanted]
    assert "<option selected>db-02</option>" in page
    assert '<option value="error" selected>Erro</option>' in page


def test_the_details_of_a_success(reader: TestClient, web_database: LogDatabase) -> None:
    number = add(
        web_database,
        data_encerramento=NIGHT + MINUTE * 83 / 60,
        inicio_dump=NIGHT,
        fim_dump=NIGHT + MINUTE / 2,
        inicio_compactacao=NIGHT + MINUTE / 2,
        fim_compactacao=NIGHT + MINUTE,
        log_execucao="um\n",
        upload={
            "status_upload": 1,
            "nome_arquivo": "backup_20250720_191523.zip",
            "tamanho_arquivo": 2048,
            "caminho_arquivo": "mysql/db-01/2025/07/backup_20250720_191523.zip",
            "bucket": "empresa",
            "data_inicio": NIGHT + MINUTE,
            "data_encerramento": NIGHT + MINUTE * 83 / 60,
        },
    )
    page = texts(reader.get(f"/backups/{number}").text)
    for expected in (
        "Detalhes do Backup",
        "Backup Hostname db-01 Banco de dados vendas, estoque Tamanho 6.21 GB Data e hora de início 20/07/2025 16:15",
        "Data e hora de conclusão 20/07/2025 16:16:46 Duração 1 minuto 23 segundos Status Backup Sucesso",
        "Upload Arquivo backup_20250720_191523.zip Tamanho do arquivo 2.05 GB Caminho do arquivo mysql/db-01/2025/07/",
        "Bucket empresa Data e hora de início 20/07/2025 16:16:23",
        "Duração 23 segundos Status Upload Sucesso",
        "Dump 30 segundos Empacotamento 30 segundos Upload 23 segundos",
        "Erros no backup Nenhum erro ou alerta.",
        "Logs completos backup_script.log Baixar",
    ):
        assert expected in page
    assert "mydumper_log.log" not in page


def test_warnings_and_errors_have_their_levels(reader: TestClient, web_database: LogDatabase) -> None:
    number = add(
        web_database,
        status_backup=3,
        observacao="[WARNING] table definition has changed\n[ERROR] Lost connection\n",
        log_execucao=None,
        log_dump=None,
        upload={"status_upload": 3, "observacao": "[ERROR] no such bucket"},
    )
    page = texts(reader.get(f"/backups/{number}").text)
    expected = "Alerta table definition has changed Erro Lost connection Erro no such bucket"
    assert f"Erros no backup {expected} Logs completos" in page
    assert "[WARNING]" not in page


def test_many_alarms_of_sizes_are_one_line_each(reader: TestClient, web_database: LogDatabase) -> None:
    alarms = [f"table shop.t{number} is no longer in the backup" for number in range(20)]
    notes = "\n".join(f"[WARNING] {alarm}" for alarm in (*alarms, "480 more alarms of sizes, see backup_script.log"))
    number = add(web_database, status_backup=2, observacao=notes, alarmes=500, tabelas="x")
    page = texts(reader.get(f"/backups/{number}").text)
    assert all(f"Alerta {alarm}" in page for alarm in (*alarms, "480 more alarms"))


@pytest.mark.parametrize(("status", "level"), [(2, "Alerta"), (3, "Erro")])
def test_a_note_without_a_level_has_that_of_its_run(
    reader: TestClient, web_database: LogDatabase, status: int, level: str
) -> None:
    number = add(web_database, status_backup=status, observacao="table definition has changed\n[NOTICE] x\n")
    expected = f"{level} table definition has changed {level} [NOTICE] x"
    assert f"Erros no backup {expected} Logs completos" in texts(reader.get(f"/backups/{number}").text)


def test_a_note_of_level_info_is_no_problem(reader: TestClient, web_database: LogDatabase) -> None:
    number = add(web_database, observacao="[INFO] left out by exclude_tables: a.b")
    page = texts(reader.get(f"/backups/{number}").text)
    assert "Erros no backup Nenhum erro ou alerta." in page
    assert "Fora do backup left out by exclude_tables: a.b Tamanho" in page
    old = add(web_database, observacao="a line of an older release")
    assert "Fora do backup" not in reader.get(f"/backups/{old}").text
    assert reader.get(f"/api/v1/backups/{number}").json()["problems"] == []


def test_the_pages_of_a_backup_never_read_its_logs(reader: TestClient, web_database: LogDatabase) -> None:
    number = add(web_database, status_backup=3, observacao="[WARNING] a\n[ERROR] b", log_execucao="x", log_dump="y")
    statements: list[str] = []
    engine = reader.app.state.database.engine  # type: ignore[attr-defined]
    event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    assert "Alerta a Erro b" in texts(reader.get(f"/backups/{number}").text)
    assert reader.get(f"/api/v1/backups/{number}").json()["problems"] == [
        {"level": "warning", "text": "a"},
        {"level": "error", "text": "b"},
    ]
    logs = re.compile(r"backup_log\.tabelas|log_(?:execucao|dump)(?! IS NOT NULL)")
    assert not [statement for statement in statements if logs.search(statement)]


def test_a_name_with_a_comma_is_one_name(reader: TestClient, web_database: LogDatabase) -> None:
    number = add(web_database, nome_database="vendas, 2025, crm", bancos='["vendas, 2025", "crm"]')
    assert "Banco de dados vendas, 2025, crm " in texts(reader.get(f"/backups/{number}").text)
    assert reader.get(f"/api/v1/backups/{number}").json()["databases"] == ["vendas, 2025", "crm"]
    number = add(web_database, nome_database="vendas, 2025, crm", bancos="[]")
    assert reader.get(f"/api/v1/backups/{number}").json()["databases"] == []


def test_a_long_count_is_shown_as_more_than_its_limit(
    reader: TestClient, web_database: LogDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "MOST_COUNTED", 20)
    for index in range(31):
        add(web_database, data_inicio=NIGHT + index * MINUTE)
    page = reader.get("/backups?search=sucesso").text
    assert "Encontrados mais de 20 " in texts(page)
    assert "Página 1 de mais de 2 " in texts(page)
    found = reader.get("/api/v1/backups?search=sucesso").json()
    assert (found["total"], found["total_is_exact"], found["pages"]) == (20, False, 2)
    page = reader.get("/backups?search=sucesso&cursor=last").text
    assert "Encontrados 31 " in texts(page)
    assert "Página 4 de 4 " in texts(page)


def test_a_running_backup_reloads_its_details(reader: TestClient, web_database: LogDatabase) -> None:
    number = add(web_database, status_backup=0, etapa="pack", tamanho_arquivo=None, inicio_dump=NIGHT)
    page = reader.get(f"/backups/{number}").text
    assert f'data-live="/backups/{number}/live"' in page
    assert "Status Backup Em andamento Empacotamento" in texts(page)
    live = reader.get(f"/backups/{number}/live").text
    assert "<html" not in live
    assert 'id="details"' in live


def test_unknown_backups_and_logs_are_not_found(reader: TestClient, web_database: LogDatabase) -> None:
    number = add(web_database, log_execucao=None)
    for path in (
        f"/backups/{number + 1}",
        f"/backups/{number + 1}/live",
        f"/backups/{number}/logs/backup_script.log",
        f"/backups/{number}/logs/nada.log",
        f"/backups/{number}/logs/backup_script.log/file",
        "/backups/-1",
        "/backups/" + "9" * 30,
        "/backups/x",
    ):
        assert reader.get(path).status_code == 404, path


def test_hostile_content_is_text(reader: TestClient, web_database: LogDatabase) -> None:
    log = f"{HOSTILE}\n=cmd|' /C calc'!A0\n{LONG_LINE}\n"
    number = add(
        web_database,
        hostname=HOSTILE,
        nome_database=HOSTILE,
        nome_arquivo=f"../{HOSTILE}"[:64],
        status_backup=3,
        observacao=f"{HOSTILE}\n{LONG_LINE}",
        log_execucao=log,
        upload={"status_upload": 3, "bucket": HOSTILE, "caminho_arquivo": HOSTILE, "observacao": HOSTILE},
    )
    details = f"/backups/{number}"
    for path in ("/backups", "/backups?search=script", details, f"{details}/logs/backup_script.log"):
        page = reader.get(path).text
        assert "<script>alert" not in page, path
        assert HOSTILE in html.unescape(page), path
    answer = reader.get(f"{details}/logs/backup_script.log/file")
    assert answer.text == log
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    name = re.fullmatch(r'attachment; filename="([A-Za-z0-9._-]+)"', answer.headers["content-disposition"])
    assert name
    assert name[1].endswith("backup_script.log")
    assert ".." not in name[1]


def test_a_visitor_without_a_session_sees_nothing(web_settings: dict[str, str], reader: TestClient) -> None:
    with TestClient(reader.app) as stranger:
        for path in ("/backups", "/backups/1", "/backups/1/logs/x", "/backups/1/logs/x/file"):
            answer = stranger.get(path, follow_redirects=False)
            assert (answer.status_code, answer.headers["location"][:6]) == (303, "/login")
        assert stranger.get("/backups/1/live").status_code == 401
