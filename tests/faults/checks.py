"""Checks of the rows, mails, files and objects of a run, after a failure and after a success."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tests.playbook import ATTACHMENTS, Installation, Outcome, Row, attachments_of, text_of

FINAL_NAME = re.compile(r"backup_\d{8}_\d{6}(|\.zip|\.7z|\.(zip|7z)\.manifest\.json)")


def check_failure(host: Installation, outcome: Outcome, what: Iterable[str], remedy: Iterable[str] = ()) -> None:
    """Check a run without a backup: one row with status 3, one mail, nothing under a final name.

    :param what: words of the message and of the row's notes, which name the failure and its place
    :param remedy: words of the message only, which name the remedy
    """
    words = [*what, *remedy]
    assert outcome.status != 0, outcome.output
    assert outcome.backup["status_backup"] == 3
    assert_ended(outcome.backup)
    assert outcome.uploads == []
    assert_says(outcome.backup["observacao"], what)
    assert_says(outcome.output, words)
    check_mail(host, outcome, ["Status Backup: Erro", "Status Upload: não realizado", *words])
    assert_nothing_final(outcome)


def check_failed_upload(host: Installation, outcome: Outcome, words: Iterable[str]) -> None:
    """Check a run whose backup is whole and stays on the host, but is not in the bucket."""
    words = list(words)
    assert outcome.status != 0, outcome.output
    assert outcome.backup["status_backup"] == 1
    assert_ended(outcome.backup)
    assert outcome.upload["status_upload"] == 3
    assert_ended(outcome.upload)
    assert_says(outcome.upload["observacao"], words)
    assert_says(outcome.output, words)
    check_mail(host, outcome, ["Status Backup: Sucesso", "Status Upload: Erro", *words])
    name = outcome.backup["nome_arquivo"]
    assert final_names(outcome) == [name, f"{name}.manifest.json"]
    assert (outcome.keys, outcome.unfinished) == ([], [])


def check_success(host: Installation, outcome: Outcome, *, uploaded: bool = True) -> None:
    """Check that the newest run of a host succeeded in every part.

    :param uploaded: the configuration asks for an upload
    """
    assert outcome.status == 0, outcome.output
    backup = outcome.backups[-1]
    assert backup["status_backup"] == 1, outcome.output
    assert_ended(backup)
    assert outcome.unfinished == []
    if uploaded:
        upload = outcome.uploads[-1]
        assert (upload["backup_id"], upload["status_upload"]) == (backup["id"], 1), outcome.output
        assert_ended(upload)
        key = upload["caminho_arquivo"]
        assert {key, f"{key}.manifest.json"} <= set(outcome.keys)


def check_mail(host: Installation, outcome: Outcome, words: Iterable[str]) -> None:
    """Check the one mail: its subject, both of its forms, both logs."""
    mail = outcome.mail
    started = outcome.backup["data_inicio"].strftime("%d/%m/%Y %H:%M:%S")
    assert mail["Subject"] == f"Rotina de backup {host.hostname} {started}"
    words = list(words)
    assert_says(text_of(mail), words)
    html = mail.get_body(("html",))
    assert html is not None
    assert mail.get_content_type() == "multipart/mixed"
    assert list(attachments_of(mail)) == ATTACHMENTS


def assert_ended(row: Row) -> None:
    """Check that the run or upload of a row has ended, and not before it began."""
    assert row["data_encerramento"] >= row["data_inicio"]


def assert_says(text: str, words: Iterable[str]) -> None:
    """Check that *text* contains all *words*; a line break in it counts as a space."""
    one_line = " ".join(text.split())
    missing = [word for word in words if word not in one_line]
    assert not missing, f"{missing} not in:\n{text}"


def final_names(outcome: Outcome) -> list[str]:
    """Return the final names in the work directory, which promise whole, verified data."""
    return [name for name in outcome.files if FINAL_NAME.fullmatch(name)]


def assert_nothing_final(outcome: Outcome) -> None:
    """Check that nothing has a final name, on disk or in the bucket, and that no upload is unfinished."""
    assert final_names(outcome) == []
    assert (outcome.keys, outcome.unfinished) == ([], [])
