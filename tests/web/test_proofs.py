"""Proofs of restore: on the dashboard, in the details, in the API, in the metrics."""

from __future__ import annotations

import datetime
import html
import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.playbook import LogDatabase
from tests.web.backups import MINUTE, NIGHT, add, add_restore, clear, signed_in
from tests.web.people import Person
from webstatus.security import cookies

HOSTILE = "<script>alert(1)</script>'\"`\N{PILE OF POO}&amp;"
PROVEN = "Comprovado em 20/07/2025 17:17:46, em 1 minuto 23 segundos"
# The proof of the tests begins an hour after the night's backup and takes 143 seconds.
ENDED = NIGHT + 60 * MINUTE + datetime.timedelta(seconds=143)


@pytest.fixture(autouse=True)
def _empty(web_database: LogDatabase) -> Iterator[None]:
    clear(web_database)
    yield
    clear(web_database)


@pytest.fixture
def reader(web_settings: dict[str, str], client: Person) -> TestClient:
    """Start an app for each test, because the app caches the dashboard for all users."""
    return signed_in(web_settings, client)


def words(page: str) -> str:
    """Return the text of a page in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def panel(reader: TestClient, backup: int) -> str:
    """Return the text of the proofs in the details; empty when there are none."""
    page = reader.get(f"/backups/{backup}").text
    found = re.search(r'<section [^>]*"proof-panel">(.*?)</section>', page, re.DOTALL)
    return words(found[1]) if found else ""


def metrics(reader: TestClient) -> dict[str, float]:
    """Return the metrics of proofs by server."""
    lines = re.findall(
        r'^vex_backup_last_proof_(\w+\{server="[^"]*"\}) (\S+)$', reader.get("/metrics").text, re.MULTILINE
    )
    return {name: float(value) for name, value in lines}


def test_a_proof_is_shown_wherever_the_backup_is(reader: TestClient, web_database: LogDatabase) -> None:
    backup = add(web_database)
    add_restore(web_database, backup)
    assert PROVEN in words(reader.get("/").text)
    found = panel(reader, backup)
    assert found.startswith(f"Prova de restauração {PROVEN} Sucesso Verificação · 20/07/2025 17:15:23 · spare-01")
    assert found.endswith("12 tabelas · 1.250.000 linhas")
    end = ENDED.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert reader.get(f"/api/v1/backups/{backup}").json()["proof"] == {"end": end, "recovery_seconds": 83}
    shown = metrics(reader)
    assert shown['timestamp_seconds{server="db-01"}'] == ENDED.replace(tzinfo=datetime.UTC).timestamp()
    assert shown['recovery_seconds{server="db-01"}'] == 83
    assert shown['age_seconds{server="db-01"}'] > 0


@pytest.mark.parametrize(
    "restore",
    [
        None,
        {"status": 3, "observacao": "table shop.t has 1 rows, 2 expected"},
        {"status": 0, "data_encerramento": None},
        {"tipo": "restauracao"},
    ],
)
def test_a_restore_that_proves_nothing_is_not_shown_as_a_proof(
    reader: TestClient, web_database: LogDatabase, restore: dict[str, object] | None
) -> None:
    backup = add(web_database)
    if restore is not None:
        add_restore(web_database, backup, **restore)
    assert "Não comprovado" in words(reader.get("/").text)
    found = panel(reader, backup)
    assert found.startswith("Prova de restauração Não comprovado Nenhuma restauração comprovou este backup")
    if restore and "observacao" in restore:
        assert found.endswith(str(restore["observacao"]))
    assert reader.get(f"/api/v1/backups/{backup}").json()["proof"] is None
    assert metrics(reader) == {}


def test_notes_of_restores_are_shown_at_their_levels(reader: TestClient, web_database: LogDatabase) -> None:
    backup = add(web_database)
    notes = "[INFO] everything into db1:3306\n[ERROR] Load the backup: it differs\n[WARNING] 2 users are missing"
    add_restore(web_database, backup, status=3, tipo="restauracao", observacao=notes)
    page = panel(reader, backup)
    assert page.endswith("everything into db1:3306 Erro Load the backup: it differs Alerta 2 users are missing")
    assert not re.search(r"\[[A-Z]+\]|(Sucesso|Alerta|Erro) everything", page)


def test_a_note_of_a_good_restore_without_a_level_is_plain_text(reader: TestClient, web_database: LogDatabase) -> None:
    backup = add(web_database)
    add_restore(web_database, backup, observacao="everything into db1:3306")
    assert panel(reader, backup).endswith("1.250.000 linhas everything into db1:3306")


def test_the_newest_proof_counts_and_a_later_failure_is_listed(reader: TestClient, web_database: LogDatabase) -> None:
    backup, other = add(web_database), add(web_database, hostname="db-02")
    day = datetime.timedelta(days=1)
    for later in (2 * day, 0 * day, day):
        end = ENDED + later
        add_restore(
            web_database, backup, data_inicio=end - 5 * MINUTE, restaurado_em=end - MINUTE, data_encerramento=end
        )
    add_restore(web_database, backup, status=2, servidor="DB-01", data_encerramento=ENDED + day)
    add_restore(web_database, backup, status=3, data_inicio=ENDED + 3 * day, data_encerramento=ENDED + 3 * day)
    newest = "Comprovado em 22/07/2025 17:17:46, em 4 minutos"
    board = words(reader.get("/").text)
    assert newest in board
    assert "Não comprovado" in board
    found = panel(reader, backup)
    assert found.startswith(f"Prova de restauração {newest} Erro Verificação · 23/07/2025")
    assert "Não comprovado" in panel(reader, other)


def test_a_proof_whose_backup_the_log_database_lost_counts_for_its_server(
    reader: TestClient, web_database: LogDatabase
) -> None:
    backup = add(web_database)
    add_restore(web_database, None, restaurado_em=None)
    assert "Comprovado em 20/07/2025 17:17:46, em 2 minutos 23 segundos" in words(reader.get("/").text)
    assert "Não comprovado" in panel(reader, backup)


def test_a_failed_backup_has_nothing_to_prove(reader: TestClient, web_database: LogDatabase) -> None:
    assert panel(reader, add(web_database, status_backup=3)) == ""


def test_hostile_content_is_text(reader: TestClient, web_database: LogDatabase) -> None:
    backup = add(web_database)
    add_restore(web_database, backup, status=3, observacao=HOSTILE, hostname=HOSTILE, tipo=HOSTILE[:20])
    add_restore(web_database, backup, servidor=HOSTILE)
    page = reader.get(f"/backups/{backup}").text
    assert html.unescape(page).count(HOSTILE) >= 2
    for answer in (page, reader.get("/").text):
        assert "<script>alert" not in answer


def test_in_english(reader: TestClient, web_database: LogDatabase) -> None:
    backup = add(web_database)
    add_restore(web_database, backup)
    add_restore(web_database, backup, tipo="restauracao", tabelas=1)
    settings = reader.app.state.settings  # type: ignore[attr-defined]
    reader.cookies.set(cookies.cookie_name(settings, cookies.LANGUAGE), "en")
    page = reader.get(f"/backups/{backup}").text
    assert "Proven on 20/07/2025 17:17:46, in 1 minute 23 seconds" in words(page)
    assert "Restore · 20/07/2025 17:15:23 · spare-01 · 1 table · 1,250,000 rows" in words(page)
