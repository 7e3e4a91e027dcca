"""``backup_mail`` with real SMTP dialogues."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from tests.integration.certificates import Certificates
from tests.integration.log_db import run_module
from tests.integration.mailing import Mailer, attachment, scripted
from tests.playbook import HANGS
from tests.servers.ports import free_port
from tests.servers.smtp import SmtpSink

LOGIN = ("backup", "canary-secret")


@pytest.fixture
def mail(smtp: SmtpSink, tmp_path: Path) -> Mailer:
    return Mailer(smtp.port, tmp_path)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def test_mail_with_html_and_attachments(mail: Mailer, smtp: SmtpSink, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("olá 😀\n" * 3)
    attachments = [{"name": "mydumper_log.log", "path": str(tmp_path / "a.log")}, {"path": str(tmp_path / "a.log")}]
    result = mail(html="<p>Terminou com <b>sucesso</b> 😀</p>", attachments=attachments)
    assert result == {"changed": True, "delivered": True, "spooled": False, "retried": [], "kept": 0}
    (message,) = smtp.messages
    assert message["Subject"] == "Rotina de backup db1 20/07/2025 16:15:23"
    assert message["From"] == "Cópia <backup@example.com>"
    assert message["To"] == "dba@example.com, Chefe <boss@example.com>"
    assert message["Date"]
    assert message["Message-ID"].endswith("@example.com>")
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().splitlines() == ["Terminou com sucesso: 😀"]
    assert html.get_content().splitlines() == ["<p>Terminou com <b>sucesso</b> 😀</p>"]
    assert attachment(message) == ("mydumper_log.log", "olá 😀\n" * 3)
    assert attachment(message, 1)[0] == "a.log"
    assert "mail delivered to dba@example.com, boss@example.com" in mail.run_log.read_text()


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_encrypted_and_with_a_login(tmp_path: Path, certificates: Certificates, security: str) -> None:
    with SmtpSink(
        tmp_path / "mail", tls=certificates.server_context(), implicit=security == "tls", login=LOGIN
    ) as sink:
        mail = Mailer(sink.port, tmp_path)
        right: dict[str, Any] = {
            "smtp_security": security,
            "ca_cert": str(certificates.authority),
            "smtp_user": LOGIN[0],
            "smtp_password": LOGIN[1],
        }
        assert mail(**right)["delivered"]
        assert len(sink.messages) == 1
        wrong = mail(**{**right, "smtp_password": "canary-wrong"})
        assert "refused the login of backup: check smtp_user and smtp_password (535" in wrong["error"]
        nobody = mail(**{**right, "smtp_user": None})
        assert "refused the mail: 530" in nobody["error"]
        unknown = mail(**{**right, "ca_cert": None})
        assert "failed the TLS handshake: check smtp_security and ca_cert" in unknown["error"]
        assert not any("canary" in json.dumps(result) for result in (wrong, nobody, unknown))
        assert "canary" not in mail.run_log.read_text()
        # The last call also sent the kept mails, so none of the four is lost.
        assert mail(**right)["kept"] == 0
        assert len(sink.messages) == 5


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_login_that_is_not_ascii(tmp_path: Path, certificates: Certificates) -> None:
    login = ("cópia", "canary-sénha-😀")
    with SmtpSink(tmp_path / "mail", tls=certificates.server_context(), login=login) as sink:
        mail = Mailer(sink.port, tmp_path)
        mail.options.update(smtp_security="starttls", ca_cert=str(certificates.authority), smtp_user=login[0])
        assert mail(smtp_password=login[1])["delivered"]
        results = [mail(smtp_password=password) for password in ("canary-é", "canary-\udcff", "canary-\ud800")]
        assert "refused the login of cópia: check smtp_user and smtp_password (535" in results[0]["error"]
        for result in results[1:]:
            assert "is not valid text and cannot be sent to the mail server" in result["error"]
        assert all(result["spooled"] for result in results)
        assert "canary" not in json.dumps(results) + mail.run_log.read_text()
        assert mail(smtp_password=login[1])["kept"] == 0
        assert len(sink.messages) == 5


@pytest.mark.parametrize(
    "server", [{"smtp_host": "mail..example.com"}, {"smtp_host": "é" * 64 + ".org"}, {"smtp_port": 99999}]
)
def test_an_impossible_server_is_named_and_the_mail_is_kept(mail: Mailer, server: dict[str, Any]) -> None:
    result = mail(**server)
    assert result["spooled"]
    assert "check smtp_host" in result["error"]
    assert mail()["kept"] == 0


def test_a_name_that_the_certificate_does_not_have(tmp_path: Path, certificates: Certificates) -> None:
    with SmtpSink(tmp_path / "mail", tls=certificates.server_context()) as sink:
        mail = Mailer(sink.port, tmp_path)
        result = mail(smtp_host="localhost", smtp_security="starttls", ca_cert=str(certificates.authority))
        assert "failed the TLS handshake" in result["error"]


def test_a_server_without_the_needed_extension(mail: Mailer) -> None:
    assert "does not support what smtp_security or smtp_user needs" in mail(smtp_security="starttls")["error"]
    assert (
        "does not support what smtp_security or smtp_user needs" in mail(smtp_user="u", smtp_password="canary")["error"]
    )
    assert "needs: AUTH PLAIN" in mail(smtp_user="ü", smtp_password="canary")["error"]
    assert mail.kept() != []


def test_an_unreachable_server_is_named(mail: Mailer) -> None:
    result = mail(smtp_port=free_port())
    assert "could not be reached: check smtp_host, smtp_port and smtp_security" in result["error"]
    assert mail()["retried"] == [mail.options["subject"]]


def test_a_server_that_accepts_and_never_answers(mail: Mailer, smtp: SmtpSink) -> None:
    silent = threading.Event()
    with scripted(lambda _client: (silent.wait(HANGS), None)[1]) as port:
        start = time.monotonic()
        result = mail(smtp_port=port, timeout=1)
        silent.set()
    assert time.monotonic() - start > 0.9
    assert "did not take the mail within 1 seconds" in result["error"]
    smtp.mode = "hang"
    assert "did not take the mail within 1 seconds" in mail(timeout=1)["error"]
    smtp.mode = "normal"
    assert len(mail()["retried"]) == 2


def test_a_slow_server_cannot_exceed_the_timeout(mail: Mailer) -> None:
    def drip(client: socket.socket) -> None:
        while True:
            client.sendall(b"220-wait\r\n")
            time.sleep(0.05)

    with scripted(drip) as port:
        assert "did not take the mail within 1 seconds" in mail(smtp_port=port, timeout=1)["error"]


def test_a_failed_quit_is_no_failure(mail: Mailer) -> None:
    taken = []

    def converse(client: socket.socket) -> None:
        stream = client.makefile("rwb")

        def say(line: bytes) -> None:
            stream.write(line + b"\r\n")
            stream.flush()

        say(b"220 hi")
        for line in stream:
            if line.lower() == b"data\r\n":
                say(b"354 go on")
                while stream.readline() != b".\r\n":
                    pass
                taken.append(1)
            if line.lower() == b"quit\r\n":
                return
            say(b"250 ok")

    with scripted(converse) as port:
        result = mail(smtp_port=port)
    assert result["delivered"], result.get("error")
    assert taken == [1]
    assert mail.kept() == []


def test_a_long_attachment_is_cut_and_a_missing_one_explained(mail: Mailer, smtp: SmtpSink, tmp_path: Path) -> None:
    (tmp_path / "big.log").write_bytes(b"h" * 4_000_000 + b"t" * 4_000_000)
    attachments = [{"path": str(tmp_path / "big.log")}, {"path": str(tmp_path / "none.log")}, {"path": str(tmp_path)}]
    result = mail(attachments=attachments)
    assert result["delivered"]
    assert [warning.rpartition(": ")[2] for warning in result["warnings"]] == [
        "No such file or directory",
        "Is a directory",
    ]
    (message,) = smtp.messages
    assert attachment(message, 1) == (
        "none.log",
        f"{tmp_path / 'none.log'} could not be read: No such file or directory\n",
    )
    name, text = attachment(message)
    assert name == "big.log"
    assert "\n[... 3000000 bytes left out ...]\n" in text
    assert len(text) < 5_000_100


def test_check_mode_sends_and_keeps_nothing(mail: Mailer, smtp: SmtpSink) -> None:
    assert mail(check_mode=True) == {
        "changed": True,
        "delivered": False,
        "spooled": False,
        "retried": [],
        "kept": 0,
    }
    smtp.mode = "refuse"
    mail()
    smtp.mode = "normal"
    assert mail(check_mode=True)["kept"] == 1
    assert smtp.messages == []
    assert len(mail.kept()) == 1
    away = mail(check_mode=True, smtp_port=free_port())
    assert (away["spooled"], away["kept"]) == (False, 1)
    assert "could not be reached" in away["error"]
    assert "the mail would be kept in" in away["error"]


def test_check_mode_tries_each_recipient(mail: Mailer, smtp: SmtpSink) -> None:
    where, reply = f"the mail server 127.0.0.1:{smtp.port}", "550 5.7.1 this server was told to refuse"
    kept = f"; the mail would be kept in {mail.spool}/mails"
    smtp.refused_recipients = {"boss@example.com"}
    some = f"{where} refused some recipients: boss@example.com: {reply}; check recipients"
    assert mail(check_mode=True)["error"].startswith(some + kept[:30])
    smtp.refused_recipients.add("dba@example.com")
    every = f"{where} refused every recipient: dba@example.com: {reply}; boss@example.com: {reply}"
    assert mail(check_mode=True)["error"].startswith(every + kept[:30])
    assert (smtp.messages, mail.kept()) == ([], [])


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({}, None),
        ({b"MAIL": b"553 5.1.8 who are you"}, "refused the mail: 553 5.1.8 who are you"),
        ({b"RCPT": b"421 4.7.0 too many"}, "refused the mail: 421 4.7.0 too many"),
        ({b"RCPT": b"251 elsewhere", b"QUIT": b""}, None),
    ],
)
def test_check_mode_resets_the_dialogue(mail: Mailer, answers: dict[bytes, bytes], words: str | None) -> None:
    """Only a server with a script shows every command."""
    commands: list[bytes] = []

    def answer(client: socket.socket) -> None:
        client.sendall(b"220 hello\r\n")
        for line in client.makefile("rb"):
            commands.append(line.split()[0].upper())
            client.sendall(answers.get(commands[-1], b"250 fine") + b"\r\n")

    with scripted(answer) as port:
        result = mail(check_mode=True, smtp_port=port)
    if words is None:
        assert commands == [b"EHLO", b"MAIL", b"RCPT", b"RCPT", b"RSET", b"QUIT"]
        assert "error" not in result
    else:
        assert not {b"DATA", b"RSET"}.intersection(commands)
        assert words in result["error"]


def test_check_mode_without_a_new_mail_only_logs_in(mail: Mailer, smtp: SmtpSink) -> None:
    smtp.mode = "refuse"
    assert "error" not in mail(check_mode=True, subject=None, text=None)
    assert "could not be reached" in mail(check_mode=True, subject=None, text=None, smtp_port=free_port())["error"]


def test_text_cannot_add_a_header(mail: Mailer, smtp: SmtpSink) -> None:
    assert mail(subject="a\r\nBcc: x@example.com\n\udcff", text="x\udcff")["delivered"]
    (message,) = smtp.messages
    assert message["Subject"] == "a Bcc: x@example.com \ufffd"
    assert message["Bcc"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipients": []}, "recipients is empty"),
        ({"recipients": ["dba"]}, "recipients: 'dba' is not a mail address"),
        ({"sender": "ção@example.com"}, "sender: 'ção@example.com' is not a mail address in ASCII"),
        ({"recipients": ["a b@example.com\nRCPT"]}, "is not a mail address"),
        ({"sender": ". <a@example.com>"}, r"sender: '\. <a@example.com>' cannot be used as a header"),
        ({"recipients": [":  :; <a@example.com>"]}, "recipients: .* cannot be used as a header"),
    ],
)
def test_malformed_addresses_are_named(mail: Mailer, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        mail(**options)


def test_the_module_reports_as_ansible_expects(mail: Mailer, smtp: SmtpSink) -> None:
    assert run_module("backup_mail", mail.options)["delivered"]
    smtp.mode = "refuse"
    result = run_module("backup_mail", {**mail.options, "smtp_user": None, "run_log": str(mail.run_log)})
    assert not result.get("failed")
    assert result["spooled"]
    assert "550 5.7.1" in json.dumps(result["warnings"])
    assert not result.get("deprecations")
    failed = run_module("backup_mail", {**mail.options, "sender": "x"})
    assert failed["failed"]
    assert "sender: 'x'" in failed["msg"]


def test_the_name_of_the_host(mail: Mailer, smtp: SmtpSink) -> None:
    assert mail(smtp_hostname="backup.example.com")["delivered"]
    assert smtp.greeted_by == "backup.example.com"


@pytest.mark.parametrize("name", ["a b", "máquina", "a\r\nMAIL"])
def test_a_name_of_the_host_that_is_none(mail: Mailer, smtp: SmtpSink, name: str) -> None:
    result = mail(smtp_hostname=name)
    assert "cannot greet the mail server" in result["error"]
    assert (result["spooled"], smtp.messages) == (True, [])


def test_a_server_that_refuses_the_name_of_the_host(mail: Mailer) -> None:
    def refuse(client: socket.socket) -> None:
        client.sendall(b"220 ready\r\n")
        while client.recv(1000):
            client.sendall(b"501 5.5.4 invalid name\r\n")

    with scripted(refuse) as port:
        result = mail(smtp_port=port)
    assert "refused the name of this host, check smtp_hostname: 501 5.5.4 invalid name" in result["error"]
