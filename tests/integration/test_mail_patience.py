"""Mail servers that are away or refuse for now, and then accept: each recipient gets the mail once."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common import patience as patience_module
from tests.integration.certificates import Certificates
from tests.integration.mailing import Mailer, scripted
from tests.playbook import HANGS
from tests.servers.smtp import SmtpSink


@pytest.fixture
def mail(smtp: SmtpSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mailer:
    monkeypatch.setattr(patience_module, "LONGEST_PAUSE", 0.1)
    made = Mailer(smtp.port, tmp_path)
    made.options["patience"] = 60
    return made


class Busy(SmtpSink):
    """A server that answers 451 to the first recipients; ``received`` are the recipients of each mail."""

    refusals = 3

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.received: list[list[str]] = []

    async def handle_RCPT(  # noqa: N802  # the names that aiosmtpd looks for
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.refusals:
            self.refusals -= 1
            return "451 4.7.1 not now"
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.received.append(envelope.rcpt_tos)
        return await super().handle_DATA(server, session, envelope)


class Conversation:
    """A scripted server.

    :param answers: what it does with each content, in their order: the reply, or ``None`` to close the connection
    """

    def __init__(self, *answers: bytes | None) -> None:
        self.taken = 0
        self._answers = list(answers)

    def __call__(self, client: socket.socket) -> None:
        stream = client.makefile("rwb")

        def say(line: bytes) -> None:
            stream.write(line + b"\r\n")
            stream.flush()

        say(b"220 hi")
        for line in stream:
            reply: bytes | None = b"250 ok"
            if line.lower() == b"data\r\n":
                say(b"354 go on")
                while stream.readline() != b".\r\n":
                    pass
                self.taken += 1
                reply = self._answers.pop(0)
            if reply is None:
                return
            say(reply)


def test_a_server_that_is_busy(mail: Mailer, tmp_path: Path) -> None:
    with Busy(tmp_path / "busy") as sink:
        result = mail(smtp_port=sink.port)
        assert (result["delivered"], result["kept"]) == (True, 0)
        # The first attempt has no recipient, the second one, and the third the other.
        assert sink.received == [["boss@example.com"], ["dba@example.com"]]
    log = mail.run_log.read_text()
    assert f"the mail server 127.0.0.1:{sink.port} does not answer (" in log
    assert "451 4.7.1 not now" in log
    assert "answers again after" in log


def test_a_content_that_is_refused_for_now_is_sent_again(mail: Mailer) -> None:
    conversation = Conversation(b"451 not now", b"421 restarting", b"250 ok")
    with scripted(conversation) as port:
        result = mail(smtp_port=port)
    assert (result["delivered"], result["kept"], conversation.taken) == (True, 0, 3)


@pytest.mark.parametrize("reply", [None, b"554 never"])
def test_a_content_that_may_have_been_accepted_is_not_sent_again(mail: Mailer, reply: bytes | None) -> None:
    conversation = Conversation(reply)
    with scripted(conversation) as port:
        result = mail(smtp_port=port)
    assert (result["delivered"], result["spooled"], conversation.taken) == (False, True, 1)
    assert len(mail.kept()) == 1


def test_a_content_whose_reply_takes_too_long_is_not_sent_again(mail: Mailer) -> None:
    ended = threading.Event()

    class Slow(Conversation):
        def __call__(self, client: socket.socket) -> None:
            super().__call__(client)
            ended.wait(HANGS)

    conversation = Slow(None)
    with scripted(conversation) as port:
        result = mail(smtp_port=port, timeout=1)
        ended.set()
    assert (result["spooled"], conversation.taken) == (True, 1)
    assert "did not take the mail within 1 seconds" in result["error"]


def test_a_server_that_hangs_before_the_content_is_tried_again(mail: Mailer, smtp: SmtpSink) -> None:
    smtp.mode = "hang"
    patience = patience_module.Patience._begin_wait

    def come_back(self: patience_module.Patience, error: Any) -> None:
        smtp.mode = "normal"
        patience(self, error)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patience_module.Patience, "_begin_wait", come_back)
        assert mail(timeout=4)["delivered"]
    assert len(smtp.messages) == 1


def test_a_mail_that_waits_is_in_the_spool(mail: Mailer, smtp: SmtpSink) -> None:
    smtp.stop()
    kept: list[list[str]] = []
    patience = patience_module.Patience._begin_wait

    def come_back(self: patience_module.Patience, error: Any) -> None:
        kept.append(mail.kept())
        patience(self, error)
        smtp.start()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patience_module.Patience, "_begin_wait", come_back)
        assert mail()["delivered"]
    assert [len(names) for names in kept] == [1]
    assert mail.kept() == []
    assert len(smtp.messages) == 1


@pytest.mark.parametrize("mode", ["recipients", "certificate", "extension"])
def test_what_does_not_pass_is_tried_once(mail: Mailer, smtp: SmtpSink, tmp_path: Path, mode: str) -> None:
    if mode == "recipients":
        smtp.mode = "refuse"
        result = mail()
    elif mode == "extension":
        result = mail(smtp_security="starttls")
    else:
        certificates = Certificates(tmp_path / "certificates")
        with SmtpSink(tmp_path / "tls", tls=certificates.server_context()) as sink:
            result = mail(smtp_port=sink.port, smtp_security="starttls")
        assert "failed the TLS handshake" in result["error"]
    assert result["spooled"]
    assert "tried" not in result["error"]
    assert "does not answer" not in mail.run_log.read_text()
