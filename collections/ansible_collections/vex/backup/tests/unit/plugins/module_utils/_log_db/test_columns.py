# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the columns that options become."""

from __future__ import annotations

import datetime
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._log_db.columns import (
    BackupFacts,
    RestoreFacts,
    RunFacts,
    UploadFacts,
    restore_state,
    run_state,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.merge import State

NOW = datetime.datetime(2025, 7, 20, 16, 15, 23)
RUN = "0b7a9f5e-8a55-4d7b-9a3e-1c2d3e4f5a6b"


def described(**changed: t.Any) -> State:
    """Return the state of a run with these options."""
    return run_state(RunFacts(**{"hostname": "db1", "run_uuid": RUN, **changed}), NOW)


def test_without_an_identity_a_run_opens() -> None:
    state = described(run_uuid=None, stage="dump")
    assert len(state.run_uuid) == 36
    assert state.backup == {
        "hostname": "db1",
        "status_backup": 0,
        "data_inicio": "2025-07-20 16:15:23",
        "etapa": "dump",
    }
    assert state.uploads == {}
    assert described(run_uuid=None).run_uuid != state.run_uuid


def test_only_given_options_are_in_the_state() -> None:
    assert described() == (RUN, {"hostname": "db1"}, {}, {})
    assert described(backup=BackupFacts(archive_name=""), uploads=[UploadFacts(started="")]) == (
        RUN,
        {"hostname": "db1"},
        {},
        {},
    )
    assert described(status=0).backup["status_backup"] == 0
    assert "data_encerramento" not in described(status=0).backup


def test_every_option_has_its_column() -> None:
    backup: t.Dict[str, t.Any] = {
        "databases": ["a, b", "ç"],
        "archive_name": "backup.zip",
        "dump_bytes": 1234567,
        "server_version": "10.11",
        "tool_version": "mydumper 0.10",
        "notes": ["[WARNING] one", "[ERROR] two\n more"],
        "dump_started": "2025-07-20 16:15:24",
        "dump_finished": "2025-07-20 16:15:25",
        "pack_started": "2025-07-20 16:15:26",
        "pack_finished": "2025-07-20 16:15:27",
        "binlog_coordinates": "binlog.1:4",
    }
    upload: t.Dict[str, t.Any] = {
        "destination": "vault",
        "type": "gcs",
        "status": 1,
        "archive_name": "backup.zip",
        "archive_bytes": 5100,
        "key": "p/k",
        "bucket": "b",
        "sha256": "0" * 64,
        "notes": [],
        "started": "2025-07-20 16:15:28",
        "finished": "2025-07-20 16:15:29",
    }
    state = described(status=2, stage="mail", backup=BackupFacts(**backup), uploads=[UploadFacts(**upload)])
    assert state.backup == {
        "hostname": "db1",
        "status_backup": 2,
        "data_encerramento": "2025-07-20 16:15:23",
        "etapa": "mail",
        "nome_database": "a, b, ç",
        "bancos": '["a, b", "ç"]',
        "nome_arquivo": "backup.zip",
        "tamanho_arquivo": "1.23",
        "versao_servidor": "10.11",
        "ferramenta": "mydumper 0.10",
        "observacao": "[WARNING] one\n[ERROR] two more",
        "inicio_dump": "2025-07-20 16:15:24",
        "fim_dump": "2025-07-20 16:15:25",
        "inicio_compactacao": "2025-07-20 16:15:26",
        "fim_compactacao": "2025-07-20 16:15:27",
        "coordenadas_binlog": "binlog.1:4",
    }
    assert list(state.uploads) == ["vault"]
    assert state.uploads["vault"] == {
        "tipo_destino": "gcs",
        "status_upload": 1,
        "nome_arquivo": "backup.zip",
        "tamanho_arquivo": "0.01",
        "caminho_arquivo": "p/k",
        "bucket": "b",
        "sha256": "0" * 64,
        "observacao": "",
        "data_inicio": "2025-07-20 16:15:28",
        "data_encerramento": "2025-07-20 16:15:29",
    }


def test_an_upload_without_an_end_time_ends_now() -> None:
    assert described(uploads=[UploadFacts(status=3)]).uploads["s3"] == {
        "status_upload": 3,
        "data_encerramento": "2025-07-20 16:15:23",
    }


def test_texts_are_cut_to_their_columns() -> None:
    state = described(
        hostname="h" * 101,
        backup=BackupFacts(notes=["é" * 40000], databases=["d" * 70000], server_version="v" * 51),
        uploads=[UploadFacts(destination="n" * 65, key="😀" * 1025)],
    )
    assert json.loads(state.backup["bancos"]) == ["d" * 70000]
    assert state.backup["hostname"] == "h" * 99 + "…"
    assert state.backup["versao_servidor"] == "v" * 49 + "…"
    assert state.uploads["n" * 63 + "…"]["caminho_arquivo"] == "😀" * 1023 + "…"
    for column in ("observacao", "nome_database"):
        assert 65530 <= len(state.backup[column].encode()) <= 65535
        assert state.backup[column].endswith("…")


def test_logs_are_read_and_absent_ones_are_not_set(tmp_path: Path) -> None:
    (tmp_path / "run.log").write_bytes(b"a\xff\n")
    state = described(run_log_file=str(tmp_path / "run.log"), dump_log_file=str(tmp_path / "none"))
    assert state.backup["log_execucao"] == "a\ufffd\n"
    assert "log_dump" not in state.backup


def test_a_log_that_cannot_be_read_does_not_stop_the_record(tmp_path: Path) -> None:
    state = described(dump_log_file=str(tmp_path))
    assert state.backup["log_dump"] == f"{tmp_path} could not be read: Is a directory"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"run_uuid": "../../etc/passwd"}, "run_uuid '../../etc/passwd' is not a UUID"),
        ({"backup": BackupFacts(dump_started="yesterday")}, "backup.dump_started 'yesterday' is not a time"),
        (
            {"uploads": [UploadFacts(finished="2025-13-01 00:00:00")]},
            "upload.finished '2025-13-01 .* is not a time",
        ),
        ({"uploads": [UploadFacts(status=1), UploadFacts()]}, "uploads names the destination 's3' twice"),
    ],
)
def test_malformed_options_are_named(changed: t.Dict[str, t.Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        described(**changed)


def test_options_of_a_restore_have_their_columns() -> None:
    facts = RestoreFacts(
        kind="verify",
        hostname="spare",
        server="db1",
        run_uuid=RUN,
        backup_run_uuid=RUN,
        status=2,
        restored="2025-07-20 16:15:20",
        tables=3,
        rows=0,
        bytes=5,
        compared={"sampled_rows": 7, "columns": 4},
        notes=["[ERROR] a", "b"],
    )
    state = restore_state(facts, NOW)
    assert state == (
        RUN,
        {},
        {},
        {
            "hostname": "spare",
            "servidor": "db1",
            "tipo": "verificacao",
            "status": 2,
            "tabelas": 3,
            "linhas": 0,
            "bytes": 5,
            "comparado": '{"columns": 4, "sampled_rows": 7}',
            "restaurado_em": "2025-07-20 16:15:20",
            "observacao": "[ERROR] a\nb",
            "backup_run_uuid": RUN,
            "data_encerramento": "2025-07-20 16:15:23",
        },
    )
    opened = restore_state(RestoreFacts("restore", "spare", "x" * 101), NOW)
    assert opened.run_uuid != RUN
    assert opened.restore == {
        "hostname": "spare",
        "servidor": "x" * 99 + "…",
        "tipo": "restauracao",
        "status": 0,
        "data_inicio": "2025-07-20 16:15:23",
    }
