"""A mail server that refuses, that hangs, and that comes back."""

from __future__ import annotations

import stat

from tests.faults.checks import assert_ended, assert_says, check_failure, check_success
from tests.playbook import ATTACHMENTS, Installation, Outcome, attachments_of, text_of


def test_refuses_hangs_and_comes_back(host: Installation) -> None:
    host.sink.mode = "refuse"
    check_undelivered(host, host.backup(), ["refused every recipient", "told to refuse"])
    host.sink.mode = "hang"
    check_undelivered(host, host.backup(smtp_timeout=2), ["did not take the mail within 2 seconds", "raise timeout"])
    spooled = sorted((host.spool / "mails").iterdir())
    assert [stat.filemode(path.stat().st_mode) for path in spooled] == ["-rw-------"] * 2

    host.sink.mode = "normal"
    outcome = host.backup()
    check_success(host, outcome)
    assert len(outcome.backups) == 3
    assert not list((host.spool / "mails").iterdir())
    # The run's own mail first, then those that waited, oldest first.
    started = [row["data_inicio"].strftime("%d/%m/%Y %H:%M:%S") for row in outcome.backups]
    assert [mail["Subject"] for mail in outcome.mails] == [
        f"Rotina de backup {host.hostname} {started[number]}" for number in (2, 0, 1)
    ]
    for mail in outcome.mails:
        assert_says(text_of(mail), ["Status Backup: Sucesso", "Status Upload: Sucesso"])
        assert list(attachments_of(mail)) == ATTACHMENTS


def test_backup_fails_and_its_mail_too(host: Installation) -> None:
    host.sink.mode = "refuse"
    failed = host.backup(login_password="not it")
    assert failed.status != 0
    assert failed.mails == []
    assert failed.backup["status_backup"] == 3
    why = ["refused the login of", "refused every recipient"]
    assert_says(failed.backup["observacao"], why)
    assert_says(failed.output, why)

    host.sink.mode = "normal"
    outcome = host.backup(mail_enabled=True)
    mails = outcome.mails
    assert len(mails) == 2
    check_success(host, outcome._replace(backups=outcome.backups[1:]))
    left = failed._replace(mails=mails[1:], files=[name for name in failed.files if "zip" not in name])
    check_failure(host, left, ["refused the login of"])


def check_undelivered(host: Installation, outcome: Outcome, why: list[str]) -> None:
    """The backup is whole and in the bucket, the run failed for its mail, and says so."""
    assert outcome.status != 0
    assert outcome.mails == []
    backup, upload = outcome.backups[-1], outcome.uploads[-1]
    assert (backup["status_backup"], upload["status_upload"]) == (2, 1)
    assert_ended(backup)
    assert upload["caminho_arquivo"] in outcome.keys
    kept = f"the mail is kept in {host.spool}/mails until the next run"
    assert_says(backup["observacao"], [*why, kept])
    assert_says(outcome.output, [*why, kept])
