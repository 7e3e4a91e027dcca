"""Health check and metrics, and the app while its database does not answer."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette

from scripts.reference import metrics
from tests.playbook import HANGS, LogDatabase
from tests.servers.mariadb import MariaDB
from tests.web.backups import add, add_restore, clear
from tests.web.people import Person, make_person
from tests.web.test_dashboard import expect_of
from tests.web.visitor import Clock, Visitor, text_of
from webstatus.app import create_app
from webstatus.cli import main
from webstatus.settings import load

TOKEN = "a-token-of-the-tests"
HOUR = datetime.timedelta(hours=1)


@pytest.fixture(autouse=True)
def _empty(web_database: LogDatabase) -> Iterator[None]:
    clear(web_database)
    yield
    clear(web_database)
    web_database.server.execute(f"DELETE FROM {web_database.name}.servidor")


@pytest.fixture
def watched(web_settings: dict[str, str], clock: Clock) -> Iterator[Starlette]:
    """Start an app with a token for metrics."""
    made = create_app(load(**web_settings, metrics_token=TOKEN), clock)
    yield made
    made.state.database.close()


def read(app: Starlette) -> dict[tuple[str, str], float]:
    """Return all metrics by name and label."""
    answer = Visitor(app).get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name.removeprefix("vex_backup_"), next(iter(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_metrics_show_the_rows(watched: Starlette, clock: Clock, web_database: LogDatabase) -> None:
    name = 'db "1"\\\n<é🦊>'
    start = clock() - 3 * HOUR
    upload = {"status_upload": 1, "tamanho_arquivo": "2731.44"}
    add(
        web_database,
        hostname=name,
        data_inicio=start,
        data_encerramento=start + HOUR,
        tamanho_arquivo="6210.50",
        alarmes=2,
        upload=upload,
    )
    add(web_database, hostname=name, status_backup=3, data_inicio=clock() - HOUR)
    add(web_database, hostname="db2", status_backup=0, data_inicio=clock())
    expect_of(web_database, "db3", agenda="0 * * * *", tolerancia_minutos="5", data_criacao=str(clock() - 9 * HOUR))
    found = read(watched)
    expected: dict[tuple[str, str], float] = {
        ("last_success_timestamp_seconds", name): (start + HOUR).replace(tzinfo=datetime.UTC).timestamp(),
        ("last_success_duration_seconds", name): 3600,
        ("last_success_dump_bytes", name): 6_210_500_000,
        ("last_success_archive_bytes", name): 2_731_440_000,
        ("last_success_size_alarms", name): 2,
        ("last_status", name): 3,
        ("last_upload_ok", name): 0,
        ("server_safe", name): 0,
        ("server_safe", "db3"): 0,
        ("overdue", "db3"): 1,
        ("runs_today", "running"): 1,
    }
    assert {key: found.get(key) for key in expected} == expected
    assert 7200 <= found["last_success_age_seconds", name] <= 7200 + HANGS
    assert ("last_success_age_seconds", "db3") not in found
    assert ("overdue", name) not in found
    assert ("last_success_size_alarms", "db3") not in found


def test_every_metric_is_documented(watched: Starlette, clock: Clock, web_database: LogDatabase) -> None:
    add(web_database, data_inicio=clock(), alarmes=0, upload={"status_upload": 1, "tamanho_arquivo": "1"})
    add_restore(web_database, None)
    expect_of(web_database, "db-01", agenda="0 * * * *")
    names = {f"`vex_backup_{name}`" for name, _ in read(watched)}
    listed = {line.split("|")[1].strip() for line in metrics().splitlines() if line.startswith("| `vex_backup_")}
    assert listed == names


def test_the_token_is_required(watched: Starlette, administrator: Person) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
        assert Visitor(watched).get("/metrics", headers=headers).status_code == 401
    # When the token is set, a session is not enough.
    assert Visitor(watched).log_in(administrator).get("/metrics").status_code == 401


def test_without_a_token_a_session_is_required(app: Starlette, client: Person) -> None:
    assert Visitor(app).get("/metrics").status_code == 401
    assert Visitor(app).log_in(client).get("/metrics").status_code == 200


def test_a_log_database_that_does_not_answer_for_a_while(fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    database = LogDatabase(fresh_mariadb, tmp_path)
    database.create()
    settings: dict[str, Any] = {
        "secret_key": "x" * 40,
        "plain_http": True,
        "log_db_unix_socket": fresh_mariadb.socket,
        "log_db_name": database.name,
        "log_db_user": database.web[0],
        "log_db_password": database.web[1],
    }
    person = make_person(settings, "Cliente")
    app = create_app(load(**settings))
    with contextlib.closing(app.state.database):
        visitor = Visitor(app).log_in(person)
        assert visitor.get("/healthz").json() == {"status": "ok"}
        fresh_mariadb.stop()
        page, health = visitor.get("/"), visitor.get("/healthz")
        assert (page.status_code, health.status_code) == (503, 503)
        assert "Banco de dados indisponível" in text_of(page)
        assert "Traceback" not in page.text + health.text
        assert page.headers["retry-after"] == "30"
        assert set(health.json()) == {"error", "message"}
        assert visitor.get("/dashboard").status_code == 503
        fresh_mariadb.start()
        assert (visitor.get("/").status_code, visitor.get("/healthz").status_code) == (200, 200)
        # The app reports a missing migration at once, and works after it without a restart.
        fresh_mariadb.execute(f"UPDATE {database.name}.versao_esquema SET numero = numero + 1000 WHERE numero > 13")
        fresh_mariadb.execute(f"DELETE FROM {database.name}.versao_esquema WHERE numero > 1000")
        other = create_app(load(**settings))
        with contextlib.closing(other.state.database):
            assert Visitor(other).get("/healthz").status_code == 503


def test_overdue_servers_as_json(
    web_settings: dict[str, str],
    web_database: LogDatabase,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    add(web_database, hostname="late", data_inicio=clock() - 5 * HOUR)
    add(web_database, hostname="in-time", data_inicio=clock())
    for hostname in ("late", "in-time"):
        expect_of(web_database, hostname, agenda="0 * * * *", tolerancia_minutos="60")
    for name, value in web_settings.items():
        monkeypatch.setenv(f"VEX_WEBSTATUS_{name.upper()}", value)
    assert main(["overdue"]) == 0
    (late,) = json.loads(capsys.readouterr().out)
    assert (late["hostname"], late["tolerance_minutes"]) == ("late", 60)
    assert late["due"].endswith(":00:00")
    assert late["last_backup"] < late["due"]
