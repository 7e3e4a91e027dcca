"""Mails that wait in the spool until the server accepts them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.spool import Spool
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError
from ansible_collections.vex.backup.plugins.module_utils._notify import mail as mail_module
from tests.integration.log_db import run_module
from tests.integration.mailing import Mailer
from tests.servers.ports import free_port
from tests.servers.smtp import SmtpSink


@pytest.fixture
def mail(smtp: SmtpSink, tmp_path: Path) -> Mailer:
    return Mailer(smtp.port, tmp_path)


def test_refused_mails_are_sent_when_the_server_accepts_them(mail: Mailer, smtp: SmtpSink) -> None:
    smtp.mode = "refuse"
    first = mail(subject="one")
    assert (first["delivered"], first["spooled"], first["kept"]) == (False, True, 1)
    assert "refused every recipient: dba@example.com: 550 5.7.1 this server was told to refuse" in first["error"]
    assert first["warnings"] == [first["error"]]
    assert first["error"] in mail.run_log.read_text()
    assert [path.stat().st_mode & 0o777 for path in (mail.spool / "mails").glob("*")] == [0o600]
    assert mail(subject="two")["kept"] == 2
    assert smtp.messages == []
    smtp.mode = "normal"
    third = mail(subject="three")
    assert third["delivered"]
    assert sorted(third["retried"]) == ["one", "two"]
    assert third["kept"] == 0
    assert smtp.messages[0]["Subject"] == "three"
    assert len(smtp.messages) == 3
    assert mail(subject="four")["retried"] == []
    assert len(smtp.messages) == 4


def test_a_refused_recipient_gets_the_mail_later_and_the_others_once(mail: Mailer, tmp_path: Path) -> None:
    class Picky(SmtpSink):
        refused = "boss@example.com"

        async def handle_RCPT(  # noqa: N802  # the name that aiosmtpd looks for
            self, server: Any, session: Any, envelope: Any, address: str, options: Any
        ) -> str:
            if address == self.refused:
                return "451 4.7.1 not now"
            return await super().handle_RCPT(server, session, envelope, address, options)

    with Picky(tmp_path / "picky") as sink:
        mail.options["smtp_port"] = sink.port
        first = mail(subject="one")
        assert not first["delivered"]
        assert "refused some recipients: boss@example.com: 451 4.7.1 not now" in first["error"]
        (path,) = (mail.spool / "mails").glob("*")
        assert json.loads(path.read_text())["recipients"] == ["boss@example.com"]
        mail(subject="two")
        assert len(mail.kept()) == 2
        # A mail that is kept for two recipients, one of which is still refused: the other one gets it once.
        kept = json.loads(path.read_text())
        kept["recipients"] = ["dba@example.com", "boss@example.com"]
        path.write_text(json.dumps(kept))
        assert mail(subject="three")["retried"] == []
        assert json.loads(path.read_text())["recipients"] == ["boss@example.com"]
        sink.refused = ""
        assert sorted(mail(subject="four")["retried"]) == ["one", "three", "two"]
        assert mail.kept() == []
        assert len(sink.messages) == 8


def test_many_kept_mails_do_not_delay_a_run_when_the_server_hangs(mail: Mailer, smtp: SmtpSink) -> None:
    smtp.mode = "refuse"
    for _ in range(4):
        mail()
    smtp.mode = "hang"
    smtp.asked = 0
    assert mail(timeout=1)["kept"] == 5
    # The new mail, and one of those that were kept.
    assert smtp.asked == 2
    smtp.mode = "normal"
    assert len(mail()["retried"]) == 5


def test_the_spool_limits_the_number_and_age_of_mails(
    mail: Mailer, smtp: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    smtp.mode = "refuse"
    mail(subject="old")
    (path,) = (mail.spool / "mails").glob("*")
    path.rename(path.with_name("20200101000000-x.json"))
    result = mail(subject="new")
    assert "1 undelivered mails were dropped" in result["warnings"][1]
    assert result["kept"] == 1
    monkeypatch.setattr(mail_module, "MAX_KEPT", 2)
    assert mail(subject="newer")["kept"] == 2
    assert mail(subject="newest")["kept"] == 2
    (mail.spool / "mails" / "20990101000000-x.json").write_text('{"subject": "x", "message": "ç"}')
    assert any(".corrupt" in warning for warning in mail()["warnings"])


def test_lost_mails_are_an_error_of_a_successful_delivery(mail: Mailer, smtp: SmtpSink) -> None:
    folder = mail.spool / "mails"
    # A mail that is too old and whose recipient the server would not accept.
    Spool(str(mail.spool), "mails").write(
        "20200101000000-x", {"subject": "x", "sender": "a@b", "recipients": ["é@b"], "message": "x"}
    )
    (folder / "20990101000000-y.json").write_text("{")
    result = mail()
    assert (result["delivered"], result["spooled"], result["kept"]) == (True, False, 0)
    dropped, unreadable = result["warnings"]
    assert "1 undelivered mails were dropped" in dropped
    assert "inspect 20990101000000-y.json.corrupt" in unreadable
    assert result["error"] == f"{dropped}; {unreadable}"
    assert unreadable in mail.run_log.read_text()
    (folder / "20990101000000-y.json.corrupt").unlink()
    assert "error" not in mail()


def test_a_mail_without_server_and_spool_is_an_error(mail: Mailer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "write", full)
    with pytest.raises(BackupError, match=r"could not be reached.*could not be kept in .*No space left"):
        mail(smtp_port=free_port())


def test_a_call_without_a_mail_sends_the_kept_ones(mail: Mailer, smtp: SmtpSink) -> None:
    nothing: dict[str, Any] = {"subject": None, "text": None}
    assert mail(check_mode=False, **nothing)["changed"] is False
    smtp.mode = "refuse"
    mail()
    waits = mail(check_mode=False, **nothing)
    assert (waits["changed"], waits["kept"], waits["delivered"]) == (False, 1, False)
    smtp.mode = "normal"
    went = mail(check_mode=False, **nothing)
    assert (went["changed"], went["kept"], went["retried"]) == (True, 0, [mail.options["subject"]])
    assert [message["Subject"] for message in smtp.messages] == [mail.options["subject"]]
    mail.options.pop("text")
    refused = run_module("backup_mail", mail.options)
    assert "subject, text" in refused["msg"]
