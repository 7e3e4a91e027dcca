"""Archives that a run could not upload are uploaded by the next run, or by hand, and their records become a success."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.command import Command
from tests.faults.checks import assert_says
from tests.playbook import Installation

AWAY: dict[str, Any] = {"s3_endpoint_url": "http://127.0.0.1:9", "patience_minutes": 0}


def notes(host: Installation) -> list[str]:
    return sorted(path.name for path in host.work.glob("*.upload.json"))


def test_the_next_run_uploads_them(host: Installation) -> None:
    for _ in range(2):
        failed = host.backup(**AWAY)
        assert failed.status != 0
    assert [row["status_upload"] for row in failed.uploads] == [3, 3]
    waiting = [row["nome_arquivo"] for row in failed.backups]
    assert notes(host) == [f"{name}.upload.json" for name in waiting]
    # Both stay, although keep_failed is 1.
    assert {*waiting} <= {*failed.files}

    outcome = host.backup()
    assert outcome.status == 0, outcome.output
    assert [row["status_upload"] for row in outcome.uploads] == [1, 1, 1]
    assert [row["status_backup"] for row in outcome.backups] == [1, 1, 1]
    assert [row["observacao"] for row in outcome.uploads[:2]] == ["[WARNING] uploaded by a later run"] * 2
    names = [row["nome_arquivo"] for row in outcome.backups]
    assert {Path(key).name for key in outcome.keys} == {
        f"{name}{suffix}" for name in names for suffix in ("", ".manifest.json")
    }
    assert [row["caminho_arquivo"] in outcome.keys for row in outcome.uploads] == [True] * 3
    assert notes(host) == []
    run = names[2].removesuffix(".zip")
    log = (host.work / f"{run}.logs" / "backup_script.log").read_text(encoding="utf-8")
    first, second = (log.index(f"uploading {host.work / name} of an earlier run") for name in waiting)
    assert first < second, "the oldest is not the first"
    assert outcome.unfinished == []


def test_one_that_is_gone_is_named_until_it_is_given_up(host: Installation) -> None:
    lost = host.backup(**AWAY).backup["nome_arquivo"]
    (host.work / lost).unlink()
    outcome = host.backup()
    assert outcome.status != 0
    words = [
        f"Earlier archives: {lost} could not be uploaded: src is not a file",
        f"remove {host.work / lost}.upload.json",
    ]
    assert_says(outcome.output, words)
    assert_says(outcome.backups[1]["observacao"], words)
    assert [row["status_backup"] for row in outcome.backups] == [1, 2]
    (host.work / f"{lost}.upload.json").unlink()
    assert host.backup().status == 0


def test_by_hand(command: Command, capfd: pytest.CaptureFixture[str]) -> None:
    assert command("run", **AWAY) == 1
    capfd.readouterr()
    assert command("upload", **AWAY) == 1
    said = capfd.readouterr()
    assert said.out == ""
    assert "could not be uploaded: http://127.0.0.1:9 could not be reached" in " ".join(said.err.split())
    assert command("upload") == 0
    upload = command.host.observe().upload
    assert capfd.readouterr().out == (
        f"uploaded     {upload['nome_arquivo'][:-4]}  s3://{upload['bucket']}/{upload['caminho_arquivo']}\n"
    )
    assert upload["status_upload"] == 1
    assert command("upload") == 0
    assert capfd.readouterr().out == "There is nothing to upload.\n"
