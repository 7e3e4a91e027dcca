# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the options of backup_log_record to columns."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._log_db.records import describe, describe_restore

NOW = datetime.datetime(2025, 7, 20, 16, 15, 23)
RUN = "0b7a9f5e-8a55-4d7b-9a3e-1c2d3e4f5a6b"


def options(**changed: t.Any) -> t.Dict[str, t.Any]:
    """The module's options."""
    return {"hostname": "db1", "run_uuid": RUN, **changed}


def test_without_an_identity_a_run_opens() -> None:
    state = describe(options(run_uuid=None, stage="dump"), NOW)
    assert len(state.run_uuid) == 36
    assert state.backup == {
        "hostname": "db1",
        "status_backup": 0,
        "data_inicio": "2025-07-20 16:15:23",
        "etapa": "dump",
    }
    assert state.upload == {}
    assert describe(options(run_uuid=None), NOW).run_uuid != state.run_uuid


def test_only_what_is_given_is_spoken_of() -> None:
    assert describe(options(), NOW) == (RUN, {"hostname": "db1"}, {}, {})
    assert describe(options(backup={"archive_name": ""}, upload={"started": ""}), NOW) == (
        RUN,
        {"hostname": "db1"},
        {},
        {},
    )
    assert describe(options(status=0), NOW).backup["status_backup"] == 0
    assert "data_encerramento" not in describe(options(status=0), NOW).backup


def test_every_option_has_its_column() -> None:
    backup = {
        "databases": ["a", "b c"],
        "archive_name": "backup.zip",
        "dump_bytes": 1234567,
        "server_version": "10.11",
        "tool_version": "mydumper 0.10",
        "notes": ["one", "two"],
        "dump_started": "2025-07-20 16:15:24",
        "dump_finished": "2025-07-20 16:15:25",
        "pack_started": "2025-07-20 16:15:26",
        "pack_finished": "2025-07-20 16:15:27",
        "binlog_coordinates": "binlog.1:4",
    }
    upload = {
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
    state = describe(options(status=2, stage="mail", backup=backup, upload=upload), NOW)
    assert state.backup == {
        "hostname": "db1",
        "status_backup": 2,
        "data_encerramento": "2025-07-20 16:15:23",
        "etapa": "mail",
        "nome_database": "a, b c",
        "nome_arquivo": "backup.zip",
        "tamanho_arquivo": "1.23",
        "versao_servidor": "10.11",
        "ferramenta": "mydumper 0.10",
        "observacao": "one\ntwo",
        "inicio_dump": "2025-07-20 16:15:24",
        "fim_dump": "2025-07-20 16:15:25",
        "inicio_compactacao": "2025-07-20 16:15:26",
        "fim_compactacao": "2025-07-20 16:15:27",
        "coordenadas_binlog": "binlog.1:4",
    }
    assert state.upload == {
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


def test_an_upload_that_ends_without_saying_when_ends_now() -> None:
    assert describe(options(upload={"status": 3}), NOW).upload == {
        "status_upload": 3,
        "data_encerramento": "2025-07-20 16:15:23",
    }


def test_texts_are_cut_to_their_columns() -> None:
    state = describe(
        options(
            hostname="h" * 101,
            backup={"notes": ["é" * 40000], "databases": ["d" * 70000], "server_version": "v" * 51},
            upload={"key": "😀" * 1025},
        ),
        NOW,
    )
    assert state.backup["hostname"] == "h" * 99 + "…"
    assert state.backup["versao_servidor"] == "v" * 49 + "…"
    assert state.upload["caminho_arquivo"] == "😀" * 1023 + "…"
    for column in ("observacao", "nome_database"):
        assert 65530 <= len(state.backup[column].encode()) <= 65535
        assert state.backup[column].endswith("…")


def test_logs_are_read_and_absent_ones_are_not_set(tmp_path: Path) -> None:
    (tmp_path / "run.log").write_bytes(b"a\xff\n")
    state = describe(options(run_log_file=str(tmp_path / "run.log"), dump_log_file=str(tmp_path / "none")), NOW)
    assert state.backup["log_execucao"] == "a\ufffd\n"
    assert "log_dump" not in state.backup


def test_a_log_that_cannot_be_read_does_not_stop_the_record(tmp_path: Path) -> None:
    state = describe(options(dump_log_file=str(tmp_path)), NOW)
    assert state.backup["log_dump"] == f"{tmp_path} could not be read: Is a directory"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"run_uuid": "../../etc/passwd"}, "run_uuid '../../etc/passwd' is not a UUID"),
        ({"backup": {"dump_started": "yesterday"}}, "backup.dump_started 'yesterday' is not a time"),
        ({"upload": {"finished": "2025-13-01 00:00:00"}}, "upload.finished '2025-13-01 00:00:00' is not a time"),
    ],
)
def test_malformed_options_are_named(changed: t.Dict[str, t.Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        describe(options(**changed), NOW)


def test_a_restores_options_have_their_columns() -> None:
    given = {"kind": "verify", "server": "db1", "status": 2, "tables": 3, "rows": 0, "bytes": 5, "notes": ["a", "b"]}
    given["restored"] = "2025-07-20 16:15:20"
    state = describe_restore(options(hostname="spare", backup_run_uuid=RUN, **given), NOW)
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
            "restaurado_em": "2025-07-20 16:15:20",
            "observacao": "a\nb",
            "backup_run_uuid": RUN,
            "data_encerramento": "2025-07-20 16:15:23",
        },
    )
    opened = describe_restore({"hostname": "spare", "server": "x" * 101, "kind": "restore"}, NOW)
    assert opened.run_uuid != RUN
    assert opened.restore == {
        "hostname": "spare",
        "servidor": "x" * 99 + "…",
        "tipo": "restauracao",
        "status": 0,
        "data_inicio": "2025-07-20 16:15:23",
    }
