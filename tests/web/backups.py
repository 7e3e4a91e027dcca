"""Rows of backups and restores for the web tests, and the app in this process with a logged-in user."""

from __future__ import annotations

import contextlib
import datetime
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.testclient import TestClient

from tests.playbook import LogDatabase
from tests.web.people import Person
from webstatus.app import create_app
from webstatus.settings import load

NIGHT = datetime.datetime(2025, 7, 20, 19, 15, 23)
MINUTE = datetime.timedelta(minutes=1)
Row = Mapping[str, Any]


def clear(database: LogDatabase) -> None:
    """Remove every backup."""
    name = database.name
    database.server.execute(
        *(f"DELETE FROM {name}.{table}" for table in ("restauracao_log", "upload_s3_log", "backup_log"))
    )


def add(database: LogDatabase, *, upload: Row | Sequence[Row] | None = None, **columns: Any) -> int:
    """Write a backup, a success of db-01 unless *columns* differ; return its id.

    :param upload: columns of its upload, or of that to each destination, if it has one
    """
    start = columns.get("data_inicio", NIGHT)
    row = {
        "run_uuid": str(uuid.uuid4()),
        "hostname": "db-01",
        "nome_database": "vendas, estoque",
        "nome_arquivo": f"backup_{start:%Y%m%d_%H%M%S}.zip",
        "tamanho_arquivo": 6210,
        "status_backup": 1,
        "data_inicio": start,
        "data_encerramento": None if columns.get("status_backup") == 0 else start + MINUTE,
        **columns,
    }
    with (
        contextlib.closing(database.server.connect(database=database.name)) as connection,
        connection.cursor() as cursor,
    ):
        backup_id = _insert(cursor, "backup_log", row)
        for one in (upload,) if isinstance(upload, Mapping) else upload or ():
            _insert(cursor, "upload_s3_log", {"backup_id": backup_id, "data_inicio": start, **one})
    return backup_id


def add_restore(database: LogDatabase, backup: int | None, **columns: Any) -> int:
    """Write a restore of a backup, a proof with 83 seconds of loading and 60 of comparing; return its id."""
    start = columns.get("data_inicio", NIGHT + 60 * MINUTE)
    row = {
        "run_uuid": str(uuid.uuid4()),
        "backup_id": backup,
        "servidor": "db-01",
        "hostname": "spare-01",
        "tipo": "verificacao",
        "status": 1,
        "tabelas": 12,
        "linhas": 1_250_000,
        "data_inicio": start,
        "restaurado_em": start + datetime.timedelta(seconds=83),
        "data_encerramento": start + datetime.timedelta(seconds=143),
        **columns,
    }
    with (
        contextlib.closing(database.server.connect(database=database.name)) as connection,
        connection.cursor() as cursor,
    ):
        return _insert(cursor, "restauracao_log", row)


def _insert(cursor: Any, table: str, row: Mapping[str, Any]) -> int:
    marks = ", ".join(["%s"] * len(row))
    cursor.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
    return int(cursor.lastrowid)


def signed_in(settings: Mapping[str, Any], person: Person) -> TestClient:
    """Start the app in this process and log *person* in."""
    client = TestClient(create_app(load(**settings)))
    token = re.search(r'name="csrf_token" value="(\w+)"', client.get("/login").text)
    assert token
    fields = {"login": person.login, "senha": person.password, "csrf_token": token[1]}
    answer = client.post("/login", data=fields, follow_redirects=False)
    assert answer.status_code == 303
    return client
