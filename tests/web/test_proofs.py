"""Proofs of restore: on the dashboard, in the details, in the API, in the metrics."""

from __future__ import annotations

import datetime
import html
import json
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


def in_english(reader: TestClient) -> None:
    """Choose English."""
    settings = reader.app.state.settings  # type: ignore[attr-defined]
    reader.cookies.set(cookies.cookie_name(settings, cookies.LANGUAGE), "en")


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
    assert reader.get(f"/api/v1/backups/{backup}").json()["proof"] == {
        "end": end,
        "recovery_seconds": 83,
        "compared": None,
    }
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


def compared(columns: int, definitions: int, sampled_rows: int) -> str:
    """Return what the writer records of a comparison."""
    numbers = {"columns": columns, "definitions": definitions, "sampled_rows": sampled_rows, "tables_sampled": 1}
    return json.dumps(numbers)


@pytest.mark.parametrize(
    ("comparado", "rows", "portuguese", "english"),
    [
        (
            compared(1120, 34, 1000),
            52_300,
            "Comparado: 1.120 colunas, 34 definições, 1.000 de 52.300 linhas por amostra",
            "Compared: 1,120 columns, 34 definitions, 1,000 of 52,300 rows sampled",
        ),
        (
            compared(1, 1, 1),
            1,
            "Comparado: 1 coluna, 1 definição, 1 de 1 linha por amostra",
            "Compared: 1 column, 1 definition, 1 of 1 row sampled",
        ),
        (
            compared(0, 34, 0),
            52_300,
            "Comparado: 0 coluna, 34 definições, linhas não amostradas",
            "Compared: 0 columns, 34 definitions, rows not sampled",
        ),
        (
            compared(2, 2, 0),
            0,
            "Comparado: 2 colunas, 2 definições",
            "Compared: 2 columns, 2 definitions",
        ),
    ],
)
def test_a_restore_shows_what_it_compared(
    reader: TestClient, web_database: LogDatabase, comparado: str, rows: int, portuguese: str, english: str
) -> None:
    backup = add(web_database)
    add_restore(web_database, backup, comparado=comparado, linhas=rows, observacao="[WARNING] a user is missing")
    assert panel(reader, backup).endswith(f" linhas {portuguese} Alerta a user is missing")
    in_english(reader)
    assert panel(reader, backup).endswith(f" rows {english} Warning a user is missing")
    expected = {**json.loads(comparado), "rows": rows}
    del expected["tables_sampled"]
    assert reader.get(f"/api/v1/backups/{backup}").json()["proof"]["compared"] == expected


@pytest.mark.parametrize("comparado", [None, "[7]", '{"columns": 1}', compared(1, 1, 1).replace("1,", '"<b>",', 1)])
def test_a_comparison_that_the_record_does_not_tell_is_not_shown(
    reader: TestClient, web_database: LogDatabase, comparado: str | None
) -> None:
    backup = add(web_database)
    add_restore(web_database, backup, comparado=comparado)
    assert panel(reader, backup).endswith("12 tabelas · 1.250.000 linhas")
    assert reader.get(f"/api/v1/backups/{backup}").json()["proof"]["compared"] is None


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
    in_english(reader)
    page = reader.get(f"/backups/{backup}").text
    assert "Proven on 20/07/2025 17:17:46, in 1 minute 23 seconds" in words(page)
    assert "Restore · 20/07/2025 17:15:23 · spare-01 · 1 table · 1,250,000 rows" in words(page)
