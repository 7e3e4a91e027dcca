"""``backup_mail`` with real SMTP dialogues."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.spool import Spool
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, OptionError
from ansible_collections.vex.backup.plugins.module_utils._notify import mail as mail_module
from ansible_collections.vex.backup.plugins.module_utils._notify.mail import MailRequest, deliver
from ansible_collections.vex.backup.plugins.module_utils._notify.message import Attachment
from tests.integration.certificates import Certificates
from tests.integration.log_db import run_module
from tests.servers.ports import free_port
from tests.servers.smtp import SmtpSink

LOGIN = ("backup", "canary-secret")


class Mailer:
    """The calls of the module for one server and one spool."""

    def __init__(self, port: int, folder: Path) -> None:
        self.run_log = folder / "backup_script.log"
        self.spool = folder / "spool"
        self.options: dict[str, Any] = {
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "smtp_security": "none",
            "smtp_user": None,
            "smtp_password": None,
            "ca_cert": None,
            "timeout": 5,
            "sender": "Cópia <backup@example.com>",
            "recipients": ["dba@example.com", "Chefe <boss@example.com>"],
            "subject": "Rotina de backup db1 20/07/2025 16:15:23",
            "text": "Terminou com sucesso: 😀\n",
            "html": None,
            "attachments": [],
            "max_attachment_bytes": 5_000_000,
            "spool_dir": str(self.spool),
        }

    def __call__(self, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        given = {**self.options, **options}
        attachments = [Attachment(one.get("name"), one["path"]) for one in given.pop("attachments")]
        return deliver(MailRequest(**given, attachments=attachments), RunLog(str(self.run_log)), check_mode)

    def kept(self) -> list[str]:
        return sorted(path.name for path in (self.spool / "mails").glob("*"))


@pytest.fixture
def mail(smtp: SmtpSink, tmp_path: Path) -> Mailer:
    return Mailer(smtp.port, tmp_path)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@contextlib.contextmanager
def scripted(conversation: Callable[[socket.socket], None]) -> Iterator[int]:
    """Run a server that holds one conversation with each client; yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _address = listener.accept()
                    with client, contextlib.suppress(OSError):
                        conversation(client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def attachment(message: EmailMessage, number: int = 0) -> tuple[str | None, str]:
    part = list(message.iter_attachments())[number]
    return part.get_filename(), part.get_content()


def test_plain(mail: Mailer, smtp: SmtpSink, tmp_path: Path) -> None:
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
        # The last call also sent the kept mails: none of the four is lost.
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
def test_a_server_that_cannot_exist_is_named_and_the_mail_kept(mail: Mailer, server: dict[str, Any]) -> None:
    result = mail(**server)
    assert result["spooled"]
    assert "check smtp_host" in result["error"]
    assert mail()["kept"] == 0


def test_a_name_that_the_certificate_does_not_have(tmp_path: Path, certificates: Certificates) -> None:
    with SmtpSink(tmp_path / "mail", tls=certificates.server_context()) as sink:
        mail = Mailer(sink.port, tmp_path)
        result = mail(smtp_host="localhost", smtp_security="starttls", ca_cert=str(certificates.authority))
        assert "failed the TLS handshake" in result["error"]


def test_a_server_without_what_is_asked_for(mail: Mailer) -> None:
    assert "does not support what smtp_security or smtp_user needs" in mail(smtp_security="starttls")["error"]
    assert (
        "does not support what smtp_security or smtp_user needs" in mail(smtp_user="u", smtp_password="canary")["error"]
    )
    assert "needs: AUTH PLAIN" in mail(smtp_user="ü", smtp_password="canary")["error"]
    assert mail.kept() != []


def test_a_server_that_refuses_and_comes_round(mail: Mailer, smtp: SmtpSink) -> None:
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


def test_a_recipient_that_is_refused_gets_it_later_and_the_others_once(mail: Mailer, tmp_path: Path) -> None:
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


def test_nothing_listens(mail: Mailer) -> None:
    result = mail(smtp_port=free_port())
    assert "could not be reached: check smtp_host, smtp_port and smtp_security" in result["error"]
    assert mail()["retried"] == [mail.options["subject"]]


def test_a_server_that_accepts_and_never_answers(mail: Mailer, smtp: SmtpSink) -> None:
    silent = threading.Event()
    with scripted(lambda _client: (silent.wait(30), None)[1]) as port:
        start = time.monotonic()
        result = mail(smtp_port=port, timeout=1)
        silent.set()
    assert 0.9 < time.monotonic() - start < 3
    assert "did not take the mail within 1 seconds" in result["error"]
    smtp.mode = "hang"
    assert "did not take the mail within 1 seconds" in mail(timeout=1)["error"]
    smtp.mode = "normal"
    assert len(mail()["retried"]) == 2


def test_a_server_that_drips_cannot_hold_us_longer(mail: Mailer) -> None:
    def drip(client: socket.socket) -> None:
        while True:
            client.sendall(b"220-wait\r\n")
            time.sleep(0.05)

    with scripted(drip) as port:
        start = time.monotonic()
        assert "did not take the mail within 1 seconds" in mail(smtp_port=port, timeout=1)["error"]
        assert time.monotonic() - start < 3


def test_many_kept_mails_do_not_hold_up_a_run_when_the_server_hangs(mail: Mailer, smtp: SmtpSink) -> None:
    smtp.mode = "refuse"
    for _ in range(4):
        mail()
    smtp.mode = "hang"
    start = time.monotonic()
    assert mail(timeout=1)["kept"] == 5
    assert time.monotonic() - start < 4
    smtp.mode = "normal"
    assert len(mail()["retried"]) == 5


def test_a_goodbye_that_goes_wrong_is_no_failure(mail: Mailer) -> None:
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


def test_nothing_in_a_text_can_make_a_header(mail: Mailer, smtp: SmtpSink) -> None:
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


def test_a_spool_keeps_so_many_for_so_long(mail: Mailer, smtp: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_kept_mails_that_are_lost_are_an_error_though_this_one_went(mail: Mailer, smtp: SmtpSink) -> None:
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
    assert "look at 20990101000000-y.json.corrupt" in unreadable
    assert result["error"] == f"{dropped}; {unreadable}"
    assert unreadable in mail.run_log.read_text()
    (folder / "20990101000000-y.json.corrupt").unlink()
    assert "error" not in mail()


def test_neither_server_nor_spool(mail: Mailer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "write", full)
    with pytest.raises(BackupError, match=r"could not be reached.*could not be kept in .*No space left"):
        mail(smtp_port=free_port())


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


def test_without_a_mail_of_its_own_it_tries_those_that_are_kept(mail: Mailer, smtp: SmtpSink) -> None:
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
