"""Backups with several destinations: the list, the details, the API, the metrics and the dashboard."""

from __future__ import annotations

import datetime
import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from starlette.testclient import TestClient

from tests.playbook import LogDatabase
from tests.web.backups import MINUTE, NIGHT, add, clear, signed_in
from tests.web.browser import check_accessibility, screenshot
from tests.web.people import Person
from webstatus.models import combined_status
from webstatus.queries import fleet
from webstatus.views.machines import Fleet

DIGEST = "ab" * 32


@pytest.fixture(autouse=True)
def _empty(web_database: LogDatabase) -> Iterator[None]:
    clear(web_database)
    yield
    clear(web_database)


@pytest.fixture(scope="module")
def reader(web_settings: dict[str, str], client: Person) -> TestClient:
    return signed_in(web_settings, client)


def upload(destination: str, **columns: Any) -> dict[str, Any]:
    """Return the columns of a good upload to a destination."""
    return {
        "destino": destination,
        "nome_arquivo": "backup_20250720_191523.zip",
        "tamanho_arquivo": 2731.44,
        "caminho_arquivo": "mysql/db-01/2025/07/backup_20250720_191523.zip",
        "bucket": "empresa-backups",
        "sha256": DIGEST,
        "status_upload": 1,
        "data_inicio": NIGHT + MINUTE,
        "data_encerramento": NIGHT + 2 * MINUTE,
        **columns,
    }


def add_to_three(database: LogDatabase, **columns: Any) -> int:
    """Add a backup that one of its three destinations lacks."""
    failed = upload(
        "cofre",
        tipo_destino="gcs",
        bucket="cofre-da-empresa",
        sha256=None,
        status_upload=3,
        observacao="[ERROR] the store is away",
        data_encerramento=NIGHT + 3 * MINUTE,
    )
    disk = upload("disco", tipo_destino="directory", bucket="/mnt/backups", removido_em=NIGHT + 60 * MINUTE)
    return add(database, upload=[upload("s3"), failed, disk], **columns)


def texts(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


@pytest.mark.parametrize(
    ("statuses", "combined"),
    [([], None), ([1], 1), ([3], 3), ([2], 2), ([1, 1], 1), ([3, 3], 3), ([1, 3], 2), ([1, 0], 0), ([3, 0], 0)],
)
def test_the_status_of_several_uploads(statuses: list[int], combined: int | None) -> None:
    assert combined_status(statuses) == combined


def test_the_list_shows_the_uploads_as_one(reader: TestClient, web_database: LogDatabase) -> None:
    number = add_to_three(web_database)
    page = texts(reader.get("/backups").text)
    assert f"{number} db-01 Sucesso 6.21 GB 20/07/2025 16:15:23 20/07/2025 16:16:23 Alerta" in page
    assert "Todos 1 " in page


def test_the_details_show_every_destination(reader: TestClient, web_database: LogDatabase) -> None:
    page = texts(reader.get(f"/backups/{add_to_three(web_database)}").text)
    for expected in (
        "Upload Arquivo backup_20250720_191523.zip Tamanho do arquivo 2.73 GB Data e hora de início 20/07/2025 16:16",
        "Data e hora de conclusão 20/07/2025 16:18:23 Duração 2 minutos Status Upload Alerta Destinos 2 de 3 SHA-256",
        "s3 Sucesso 2.73 GB empresa-backups mysql/db-01/2025/07/backup_20250720_191523.zip 20/07/2025 16:16:23",
        "cofre (gcs) Erro 2.73 GB cofre-da-empresa",
        "disco (directory) Sucesso Removido do bucket em 20/07/2025 17:15:23 2.73 GB /mnt/backups",
        "Erros no backup Erro cofre: the store is away Logs completos",
        "Upload 2 minutos",
    ):
        assert expected in page


def test_an_upload_that_runs_has_no_end(reader: TestClient, web_database: LogDatabase) -> None:
    running = upload("cofre", status_upload=0, data_encerramento=None, sha256=None)
    number = add(web_database, status_backup=0, upload=[upload("s3"), running])
    page = texts(reader.get(f"/backups/{number}").text)
    assert "Status Upload Em andamento Destinos 1 de 2" in page


def test_one_destination_has_no_table(reader: TestClient, web_database: LogDatabase) -> None:
    page = texts(reader.get(f"/backups/{add(web_database, upload=upload('cofre'))}").text)
    assert f"Status Upload Sucesso Destino cofre SHA-256 {DIGEST} Tempo" in page.replace("Tempo de", "Tempo")
    assert "Destinos" not in page


def test_the_api_lists_the_destinations(reader: TestClient, web_database: LogDatabase) -> None:
    number = add_to_three(web_database)
    found = reader.get(f"/api/v1/backups/{number}").json()
    assert found["upload_status"] == "warning"
    listed = [(one["destination"], one["type"], one["status"], one["bucket"]) for one in found["uploads"]]
    assert listed == [
        ("s3", "s3", "success", "empresa-backups"),
        ("cofre", "gcs", "error", "cofre-da-empresa"),
        ("disco", "directory", "success", "/mnt/backups"),
    ]
    assert found["uploads"][2]["removed"] == "2025-07-20T20:15:23Z"
    # Programs that know one upload see all of them as one.
    assert (found["upload"]["status"], found["upload"]["key"]) == ("warning", found["uploads"][0]["key"])
    assert found["problems"] == [{"level": "error", "text": "cofre: the store is away"}]
    (row,) = reader.get("/api/v1/backups").json()["backups"]
    assert row["upload_status"] == "warning"


def test_the_metrics_name_the_destinations(reader: TestClient, web_database: LogDatabase) -> None:
    add_to_three(web_database)
    add(web_database, hostname="db-02")
    with reader.app.state.database.session() as session:  # type: ignore[attr-defined]
        states = fleet.fleet(session)
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for metric in Fleet(states, NIGHT + datetime.timedelta(hours=1), {}).collect()
        for sample in metric.samples
    }
    name = "vex_backup_last_upload_status"
    assert {key[2]: value for key, value in found.items() if key[:2] == (name, "db-01")} == {
        "s3": 1,
        "cofre": 3,
        "disco": 1,
    }
    assert (found["vex_backup_last_upload_ok", "db-01"], found["vex_backup_last_upload_ok", "db-02"]) == (0, 1)
    assert found["vex_backup_last_success_archive_bytes", "db-01"] == 2_731_440_000
    assert [state.condition(NIGHT) for state in states] == [fleet.Condition.UPLOAD_FAILED, fleet.Condition.SAFE]


def test_the_destinations_in_a_browser(clients_page: Page, web_database: LogDatabase) -> None:
    page = clients_page
    page.goto(f"/backups/{add_to_three(web_database)}")
    panel = page.get_by_role("region", name="Destinos")
    expect(panel.get_by_role("row")).to_have_count(4)
    expect(panel.get_by_role("row").nth(2)).to_contain_text("Erro")
    check_accessibility(page)
    screenshot(page, "backup-destinations")
