"""Runs whose mail server refuses, hangs, and works again."""

from __future__ import annotations

import stat

from tests.faults.checks import assert_ended, assert_says, check_failure, check_success
from tests.playbook import ATTACHMENTS, Installation, Outcome, attachments_of, text_of


def test_mails_wait_for_a_server_that_refuses_or_hangs(host: Installation) -> None:
    host.sink.mode = "refuse"
    check_undelivered(host, host.backup(upload_enabled=False), ["refused every recipient", "told to refuse"])
    host.sink.mode = "hang"
    hung = host.backup(upload_enabled=False, smtp_timeout=2)
    check_undelivered(host, hung, ["did not take the mail within 2 seconds", "raise timeout"])
    spooled = sorted((host.spool / "mails").iterdir())
    assert [stat.filemode(path.stat().st_mode) for path in spooled] == ["-rw-------"] * 2

    # A kept mail and a kept record that cannot be read are lost, which fails a run without other faults.
    (host.spool / "mails" / "20990101000000-x.json").write_text("{")
    (host.spool / "records" / "torn.json").write_text("{")
    host.sink.mode = "normal"
    outcome = host.backup()
    assert outcome.status != 0
    reasons = ["inspect torn.json.corrupt", "inspect 20990101000000-x.json.corrupt"]
    assert_says(outcome.output, reasons)
    assert_says(outcome.backups[-1]["observacao"], reasons[1:])
    assert outcome.backups[-1]["nome_arquivo"] in outcome.files
    assert_says(text_of(outcome.mails[0]), reasons[:1])
    assert len(outcome.backups) == 3
    corrupt = sorted((host.spool / "mails").iterdir())
    assert [path.name for path in corrupt] == ["20990101000000-x.json.corrupt"]
    # The mail of the run first, then the kept ones, oldest first.
    started = [row["data_inicio"].strftime("%d/%m/%Y %H:%M:%S") for row in outcome.backups]
    assert [mail["Subject"] for mail in outcome.mails] == [
        f"Rotina de backup {host.hostname} {started[number]}" for number in (2, 0, 1)
    ]
    for mail, upload in zip(outcome.mails, ("Sucesso", "desativado", "desativado"), strict=True):
        assert_says(text_of(mail), ["Status Backup: Sucesso", f"Status Upload: {upload}"])
        assert list(attachments_of(mail)) == ATTACHMENTS

    for path in host.spool.glob("*/*.corrupt"):
        path.unlink()
    check_success(host, host.backup())


def test_mail_of_a_failed_backup_waits_too(host: Installation) -> None:
    host.sink.mode = "refuse"
    failed = host.backup(login_password="not it")
    assert failed.status != 0
    assert failed.mails == []
    assert failed.backup["status_backup"] == 3
    reasons = ["refused the login of", "refused every recipient"]
    assert_says(failed.backup["observacao"], reasons)
    assert_says(failed.output, reasons)

    host.sink.mode = "normal"
    outcome = host.backup(upload_enabled=False)
    check_success(host, outcome, uploaded=False)
    assert len(outcome.mails) == 2
    check_failure(host, failed._replace(mails=outcome.mails[1:]), ["refused the login of"])


def check_undelivered(host: Installation, outcome: Outcome, reasons: list[str]) -> None:
    """Check that the backup is whole, and that the run failed because of its mail and reports it."""
    assert outcome.status != 0
    assert outcome.mails == []
    backup = outcome.backups[-1]
    assert backup["status_backup"] == 2
    assert_ended(backup)
    assert backup["nome_arquivo"] in outcome.files
    kept = f"the mail is kept in {host.spool}/mails until the next run"
    assert_says(backup["observacao"], [*reasons, kept])
    assert_says(outcome.output, [*reasons, kept])


def test_a_server_that_accepts_no_large_mail(host: Installation) -> None:
    whole = host.backup(smtp_hostname="db.example.org").mail
    assert host.sink.greeted_by == "db.example.org"
    host.sink.announce(len(whole.as_bytes()) - 1000)
    outcome = host.backup()
    assert outcome.status == 0, outcome.output
    note = [
        "O servidor de e-mail não aceita mensagens maiores",
        f"Os logs completos estão no servidor, em {host.work}/",
    ]
    assert_says(text_of(outcome.mails[1]), note)
