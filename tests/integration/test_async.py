"""Long stages in the background: their results are recorded, as over a connection that cannot be lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.playbook import Installation


@pytest.fixture(autouse=True)
def _in_the_background(backup_setup: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_CONNECTION_PLUGINS", str(Path(__file__).parent))
    backup_setup.variables.update(ansible_connection="beside", vex_backup_poll_seconds=1)


def test_backup_in_the_background_is_recorded(backup_setup: Installation, sample_databases: tuple[str, ...]) -> None:
    outcome = backup_setup.backup()
    assert outcome.status == 0, outcome.output
    assert (outcome.backup["status_backup"], outcome.upload["status_upload"]) == (1, 1)
    assert outcome.backup["nome_database"].split(", ") == sorted(sample_databases)
    for column in ("inicio_dump", "fim_dump", "inicio_compactacao", "fim_compactacao", "data_encerramento"):
        assert outcome.backup[column] is not None, column
    assert outcome.upload["data_inicio"] <= outcome.upload["data_encerramento"]


def test_failure_in_the_background_is_recorded(backup_setup: Installation, sample_databases: tuple[str, ...]) -> None:
    assert sample_databases
    outcome = backup_setup.backup(s3_bucket="nowhere")
    assert outcome.status != 0
    assert (outcome.backup["status_backup"], outcome.upload["status_upload"]) == (1, 3)
    assert "nowhere" in outcome.upload["observacao"]
