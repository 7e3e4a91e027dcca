"""Mails above the size that a server accepts: they go with the ends of their attachments, or without them."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.integration.mailing import NOTE, Mailer, attachment
from tests.playbook import text_of
from tests.servers.smtp import SmtpSink

LIMIT = 300_000


@pytest.fixture
def mail(smtp: SmtpSink, tmp_path: Path) -> Mailer:
    """Return a mail with HTML and two logs, 3 MB and 20 kB, to a server without a limit."""
    made = Mailer(smtp.port, tmp_path)
    paths = [tmp_path / "long.log", tmp_path / "short.log"]
    for path, lines in zip(paths, (300_000, 2_000), strict=True):
        path.write_text("".join(f"linha {number:05}\n" for number in range(lines)), encoding="utf-8")
    # Sending 3 MB takes long where many tests run.
    made.options.update(timeout=60, html="<body><p>Fim</p></body>", attachments=[{"path": str(path)} for path in paths])
    return made


def only(sink: SmtpSink) -> EmailMessage:
    """Return the only message that a server accepted."""
    (message,) = sink.messages
    return message


def html_of(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def check_ends(message: EmailMessage) -> None:
    """Check that the long log has its end, the short one all of it, and that both texts tell so."""
    name, text = attachment(message)
    assert name == "long.log"
    heading, _line_break, rest = text.partition("\n")
    assert heading.endswith("bytes left out ...]")
    assert rest.endswith("linha 299998\nlinha 299999\n")
    assert attachment(message, 1)[1].startswith("linha 00000\n")
    assert text_of(message).splitlines() == ["Terminou com sucesso: 😀", "", NOTE]
    assert html_of(message).splitlines() == [
        "<body><p>Fim</p><p>Os anexos foram encurtados &amp; omitidos.</p>",
        "</body>",
    ]


def test_a_limit_that_the_server_announces_is_used(mail: Mailer, smtp: SmtpSink) -> None:
    smtp.announce(LIMIT)
    result = mail()
    assert (result["delivered"], result["kept"]) == (True, 0)
    message = only(smtp)
    check_ends(message)
    assert 0.9 * LIMIT < len(message.as_bytes()) <= LIMIT
    assert message["From"] == "Cópia <backup@example.com>"


def test_a_limit_that_shows_only_by_the_refusal(mail: Mailer, smtp: SmtpSink) -> None:
    smtp.largest = LIMIT
    assert mail()["delivered"]
    check_ends(only(smtp))


@pytest.mark.parametrize("announced", [True, False])
def test_no_room_for_attachments(mail: Mailer, smtp: SmtpSink, announced: bool) -> None:
    if announced:
        smtp.announce(3_000)
    else:
        smtp.largest = 3_000
    assert mail()["delivered"]
    message = only(smtp)
    assert list(message.iter_attachments()) == []
    assert text_of(message).splitlines() == ["Terminou com sucesso: 😀", "", NOTE]
    assert NOTE.replace("&", "&amp;") in html_of(message)


def test_a_mail_that_is_refused_without_attachments_is_kept(mail: Mailer, smtp: SmtpSink) -> None:
    smtp.largest = 100
    for result in (mail(), mail(attachments=[])):
        assert "refused the mail: 552 5.3.4 Message size exceeds fixed limit" in result["error"]
    assert len(mail.kept()) == 2
    smtp.largest = None
    # What is kept is the whole mail.
    assert mail(attachments=[])["retried"] == [mail.options["subject"]] * 2
    assert sorted(len(list(message.iter_attachments())) for message in smtp.messages) == [0, 0, 2]
    assert max(len(message.as_bytes()) for message in smtp.messages) > 4_000_000


def test_a_kept_mail_is_shortened_too(mail: Mailer, smtp: SmtpSink) -> None:
    smtp.mode = "refuse"
    assert mail()["spooled"]
    smtp.mode = "normal"
    smtp.announce(LIMIT)
    result = mail(subject=None, text=None)
    assert (result["retried"], result["kept"]) == ([mail.options["subject"]], 0)
    check_ends(only(smtp))


def test_a_mail_within_the_limit_stays_as_it_is(mail: Mailer, smtp: SmtpSink, tmp_path: Path) -> None:
    smtp.announce(LIMIT)
    assert mail(attachments=[{"path": str(tmp_path / "short.log")}])["delivered"]
    assert NOTE not in text_of(only(smtp))


def test_other_refusals_are_not_about_the_size(mail: Mailer, smtp: SmtpSink) -> None:
    smtp.mode = "refuse"
    assert "550 5.7.1 this server was told to refuse" in mail()["error"]
    assert smtp.messages == []
