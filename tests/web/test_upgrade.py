"""A log database of an older release, brought up to date by ``playbooks/schema.yml``."""

from __future__ import annotations

import html
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from ansible_collections.vex.backup.plugins.module_utils._log_db.migrations import SchemaRequest, bring_up_to_date
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import resolve_login
from tests.integration.log_db import MIGRATIONS, run_module
from tests.playbook import LogDatabase
from tests.servers.mariadb import MariaDB
from tests.web.backups import MINUTE, NIGHT, add, add_restore, signed_in
from tests.web.people import make_person
from webstatus.formats import NOTHING

# The newest migration of the release before.
BEFORE = 25


@pytest.fixture(scope="module")
def upgraded(log_mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> LogDatabase:
    """Make the database of the older release, fill it and bring it up to date."""
    folder = tmp_path_factory.mktemp("upgrade")
    older = Path(shutil.copytree(MIGRATIONS, folder / "migrations"))
    for path in older.glob("*.sql"):
        if int(path.name[:4]) > BEFORE:
            path.unlink()
    database = LogDatabase(log_mariadb, folder)
    root = resolve_login({"login_unix_socket": log_mariadb.socket, "login_user": "root"})
    bring_up_to_date(SchemaRequest(root, database.name, str(older), create_database=True, patience=0), check_mode=False)
    fill(database)
    database.create()
    return database


def fill(database: LogDatabase) -> None:
    """Write rows as the older release did: no levels in the notes, and the databases' names in one text."""
    add(database, hostname="db-01", nome_database="vendas, estoque", upload={"status_upload": 1})
    add(
        database,
        hostname="db-02",
        status_backup=2,
        data_inicio=NIGHT + MINUTE,
        observacao="table definition has changed",
        upload={"status_upload": 3, "observacao": "no such bucket\nthe archive stays on the host"},
    )
    failed = add(
        database,
        hostname="db-03",
        status_backup=3,
        data_inicio=NIGHT + 2 * MINUTE,
        tamanho_arquivo=512,
        observacao="Lost connection to server during query\nno schema was dumped",
        log_dump="** (mydumper:7): CRITICAL **: 01:02:03.005: Lost connection to server during query\n",
    )
    running = {"nome_database": None, "tamanho_arquivo": None}
    add(database, hostname="db-04", status_backup=0, etapa="dump", data_inicio=NIGHT + 3 * MINUTE, **running)
    add_restore(database, failed - 2)


@pytest.fixture(scope="module")
def reader(upgraded: LogDatabase, web_settings: dict[str, str]) -> Iterator[TestClient]:
    """Start the app on that database and log a user in."""
    user, password = upgraded.web
    settings = {**web_settings, "log_db_name": upgraded.name, "log_db_user": user, "log_db_password": password}
    with signed_in(settings, make_person(settings, "Cliente")) as client:
        yield client


def texts(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def found(reader: TestClient, **params: str) -> list[dict[str, Any]]:
    answer = reader.get("/api/v1/backups", params=params)
    assert answer.status_code == 200, answer.text
    backups: list[dict[str, Any]] = answer.json()["backups"]
    return backups


def details(reader: TestClient, server: str) -> str:
    (backup,) = found(reader, server=server)
    return texts(reader.get(f"/backups/{backup['id']}").text)


def test_every_step_was_applied_once(upgraded: LogDatabase) -> None:
    rows = upgraded.rows("SELECT numero FROM versao_esquema ORDER BY numero")
    assert [row["numero"] for row in rows] == list(range(1, len(list(MIGRATIONS.glob("*.sql"))) + 1))
    assert "changed=0" in upgraded.apply_schema()


def test_the_pages_show_the_old_rows(reader: TestClient) -> None:
    page = texts(reader.get("/backups").text)
    assert "Todos 4 " in page
    assert "db-03 Erro 512.00 MB 20/07/2025 16:17:23 20/07/2025 16:18:23" in page
    assert "db-01" in texts(reader.get("/").text)
    success = details(reader, "db-01")
    assert "Banco de dados vendas, estoque Tamanho 6.21 GB" in success
    assert "Comprovado em" in success
    assert "Erros no backup Nenhum erro ou alerta." in success
    warned = "Alerta table definition has changed Erro no such bucket Erro the archive stays on the host"
    assert f"Erros no backup {warned} Logs completos" in details(reader, "db-02")
    errors = "Erro Lost connection to server during query Erro no schema was dumped"
    assert f"Erros no backup {errors} Logs completos" in details(reader, "db-03")
    assert f"Banco de dados {NOTHING} Tamanho {NOTHING} " in details(reader, "db-04")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("db-0", ["db-04", "db-03", "db-02", "db-01"]),
        ("Em andamento", ["db-04"]),
        ("alerta", ["db-02"]),
        ("512.00 MB", ["db-03"]),
        ("6.21 GB db-01", ["db-01"]),
        ("20/07/2025 16:15", ["db-01"]),
        ("20/07/2025 16:16", ["db-02", "db-01"]),
        ("2024", []),
    ],
)
def test_the_search_finds_the_old_rows(reader: TestClient, text: str, expected: list[str]) -> None:
    assert [backup["server"] for backup in found(reader, search=text)] == expected


def test_a_new_run_is_recorded_beside_them(reader: TestClient, upgraded: LogDatabase, tmp_path: Path) -> None:
    user, password = upgraded.writer
    login = {"login_unix_socket": upgraded.server.socket, "login_user": user, "login_password": password}
    run = {"run_uuid": str(uuid.uuid4()), "hostname": "db-05", "spool_dir": str(tmp_path / "spool")}
    options = {**login, "login_database": upgraded.name, **run}
    opened = run_module("backup_log_record", {**options, "stage": "dump"})
    assert opened.get("spooled") is False, opened
    facts = {"databases": ["vendas, 2025", "crm"], "dump_bytes": 42_000_000, "notes": ["[WARNING] a", "[ERROR] b"]}
    closed = run_module("backup_log_record", {**options, "status": 3, "backup": facts})
    assert closed.get("spooled") is False, closed
    (row,) = found(reader, search="db-05 erro")
    assert (row["status"], row["size_mb"]) == ("error", 42.0)
    backup = reader.get(row["address"]).json()
    assert backup["databases"] == ["vendas, 2025", "crm"]
    assert backup["problems"] == [{"level": "warning", "text": "a"}, {"level": "error", "text": "b"}]
