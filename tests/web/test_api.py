"""The history as JSON: filters, cursors and errors."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.playbook import LogDatabase
from tests.web.backups import MINUTE, NIGHT, add, clear, signed_in
from tests.web.people import Person


@pytest.fixture(autouse=True)
def _empty(web_database: LogDatabase) -> Iterator[None]:
    clear(web_database)
    yield
    clear(web_database)


@pytest.fixture(scope="module")
def reader(web_settings: dict[str, str], client: Person) -> TestClient:
    return signed_in(web_settings, client)


def get(reader: TestClient, address: str, **params: str) -> dict[str, Any]:
    answer = reader.get(address, params=params or None)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_backup_in_the_list(reader: TestClient, web_database: LogDatabase) -> None:
    number = add(web_database, etapa="mail", upload={"status_upload": 1})
    assert get(reader, "/api/v1/backups") == {
        "total": 1,
        "total_is_exact": True,
        "page": 1,
        "pages": 1,
        "previous": None,
        "next": None,
        "backups": [
            {
                "id": number,
                "address": f"/api/v1/backups/{number}",
                "server": "db-01",
                "status": "success",
                "stage": "mail",
                "size_mb": 6210.0,
                "start": "2025-07-20T19:15:23Z",
                "end": "2025-07-20T19:16:23Z",
                "upload_status": "success",
            }
        ],
    }


def test_one_backup(reader: TestClient, web_database: LogDatabase) -> None:
    number = add(
        web_database,
        status_backup=2,
        observacao="<b>\n",
        inicio_dump=NIGHT,
        fim_dump=NIGHT + MINUTE,
        upload={"status_upload": 0, "bucket": "b"},
    )
    found = get(reader, f"/api/v1/backups/{number}")
    assert found["databases"] == ["vendas", "estoque"]
    assert (found["status"], found["size_mb"]) == ("warning", 6210.0)
    assert found["dump"] == {"start": "2025-07-20T19:15:23Z", "end": "2025-07-20T19:16:23Z"}
    assert found["pack"] == {"start": None, "end": None}
    assert (found["upload"]["status"], found["upload"]["bucket"], found["upload"]["end"]) == ("running", "b", None)
    assert found["problems"] == [{"level": "warning", "text": "<b>"}]


def test_a_running_backup_without_upload(reader: TestClient, web_database: LogDatabase) -> None:
    number = add(web_database, status_backup=0, tamanho_arquivo=None, nome_database=None)
    found = get(reader, f"/api/v1/backups/{number}")
    assert (found["status"], found["size_mb"], found["end"], found["upload"]) == ("running", None, None, None)
    assert (found["upload_status"], found["uploads"]) == (None, [])
    assert found["databases"] == []


def test_cursors_link_all_pages(reader: TestClient, web_database: LogDatabase) -> None:
    numbers = [add(web_database, data_inicio=NIGHT + index // 3 * MINUTE) for index in range(35)]
    add(web_database, hostname="other", data_inicio=NIGHT + datetime.timedelta(days=1))
    page = get(reader, "/api/v1/backups", search="db-01")
    seen = [backup["id"] for backup in page["backups"]]
    while page["next"]:
        page = get(reader, page["next"])
        seen += [backup["id"] for backup in page["backups"]]
    assert seen == numbers[::-1]
    assert (page["total"], page["page"], page["pages"]) == (35, 4, 4)
    while page["previous"]:
        page = get(reader, page["previous"])
    assert [backup["id"] for backup in page["backups"]] == numbers[:-11:-1]


def test_filters(reader: TestClient, web_database: LogDatabase) -> None:
    wanted = add(web_database, hostname="db-02", status_backup=3)
    add(web_database, hostname="db-02")
    add(web_database, status_backup=3)
    found = get(reader, "/api/v1/backups", search="20/07/2025", status="error", server="db-02")
    assert [backup["id"] for backup in found["backups"]] == [wanted]


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/api/v1/backups?cursor=x", 400, "Bad Request"),
        ("/api/v1/backups?status=erro", 400, "Bad Request"),
        ("/api/v1/backups/1", 404, "Not Found"),
        ("/api/v1/backups/x", 404, "Not Found"),
    ],
)
def test_errors_are_json(reader: TestClient, path: str, status: int, error: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert answer.json()["message"]


def test_a_request_without_a_login_is_refused(reader: TestClient) -> None:
    with TestClient(reader.app) as stranger:
        for headers in ({}, {"Authorization": "Bearer made-up"}):
            answer = stranger.get("/api/v1/backups", headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
