# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mails: built, sent within a deadline, and kept for the next run when they could not be."""

from __future__ import annotations

import base64
import contextlib
import datetime
import email.errors
import email.policy
import email.utils
import os
import signal
import smtplib
import socket
import ssl
import time
import typing as t
import uuid
from email.message import EmailMessage

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.spool import Spool
from ansible_collections.vex.backup.plugins.module_utils._common.text import clean, excerpt_of
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, MailUndelivered, OptionError

DEFAULT_PORTS = {"none": 25, "starttls": 587, "tls": 465}
MAX_KEPT = 50
MAX_KEPT_DAYS = 7
NAME_FORMAT = "%Y%m%d%H%M%S"

# Only ASCII on the wire and in the spool, whatever the texts hold; line ends as the wire wants them, but not within
# attachments, which are to come out as they went in.
POLICY = email.policy.default.clone(cte_type="7bit")
WIRE = POLICY.clone(linesep="\r\n")
# What the standard library fails with on addresses that it cannot make sense of.
HEADER_FAILURES = (AttributeError, IndexError, TypeError, ValueError, email.errors.MessageError)


class Mail(t.NamedTuple):
    """A message as the mail server takes it: bare addresses, and headers, parts and all as ASCII."""

    subject: str
    sender: str
    recipients: t.List[str]
    message: str


class MailServer(t.NamedTuple):
    """Where mails go. ``timeout`` is the seconds that the whole dialogue may take."""

    host: str
    port: int
    security: str
    user: t.Optional[str]
    password: t.Optional[str]
    ca_cert: t.Optional[str]
    timeout: int

    @property
    def address(self) -> str:
        """The server's address as messages show it."""
        return f"{self.host}:{self.port}"


def deliver(params: t.Mapping[str, t.Any], log: RunLog, check_mode: bool) -> t.Dict[str, t.Any]:
    """Send a mail, then those that earlier runs could not; what cannot be sent is kept for the next run.

    :param params: the options of ``backup_mail``; without a subject there is no mail but those that are kept
    :param check_mode: send and keep nothing, but see whether the server takes the login
    :returns: the module's result
    :raises OptionError: when an address is malformed
    :raises BackupError: when the mail could be neither sent nor kept
    """
    server = _server(params)
    warnings: t.List[str] = []
    mail = None if params.get("subject") is None else compose(params, warnings)
    if check_mode:
        # The logs that it would have attached were not written either.
        warnings.clear()
    spool = Spool(params["spool_dir"], "mails")
    undelivered = None
    retried: t.List[str] = []
    problems: t.List[str] = []
    if check_mode:
        try:
            log_in(server)
        except MailUndelivered as error:
            problems.append(f"{error}; the mail would be kept in {spool}")
    else:
        with spool.lock():
            waiting = spool.names()
            undelivered = _attempt(server, mail, spool) if mail else None
            retried = _retry(server, spool, waiting)
            problems = [undelivered] if undelivered else []
            problems += _prune(spool) + spool.unreadable()
        if mail and undelivered is None:
            log.info(f"mail delivered to {', '.join(mail.recipients)} by {server.address}")
        for problem in problems:
            log.warning(problem)
    warnings += spool.warnings + problems
    result: t.Dict[str, t.Any] = {
        "changed": bool(mail or retried),
        "delivered": mail is not None and undelivered is None and not check_mode,
        "spooled": undelivered is not None,
        "retried": retried,
        "kept": len(spool.names()),
    }
    if problems:
        result["error"] = "; ".join(problems)
    if warnings:
        result["warnings"] = warnings
    return result


def compose(params: t.Mapping[str, t.Any], warnings: t.List[str]) -> Mail:
    """The mail that a module's options describe.

    :param warnings: gets a sentence for each attachment that cannot be read: the mail has the sentence in its place
    :raises OptionError: when an address is malformed
    """
    sender = _bare(params["sender"], "sender")
    recipients = [_bare(recipient, "recipients") for recipient in params["recipients"]]
    if not recipients:
        raise OptionError("recipients is empty: name at least one, or switch mail off")
    # A line end in a header would start another header.
    subject = _one_line(params["subject"])
    message = EmailMessage(policy=POLICY)
    _address_header(message, "From", params["sender"], "sender")
    _address_header(message, "To", ", ".join(params["recipients"]), "recipients")
    message["Subject"] = subject
    message["Date"] = email.utils.formatdate()
    message["Message-ID"] = email.utils.make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(clean(params["text"]))
    if params.get("html"):
        message.add_alternative(clean(params["html"]), subtype="html")
    for attachment in params.get("attachments") or []:
        try:
            text = excerpt_of(attachment["path"], params["max_attachment_bytes"])
        except OSError as error:
            # A reader who finds no attachment cannot tell whether it was forgotten.
            text = f"{attachment['path']} could not be read: {error.strerror}\n"
            warnings.append(f"attachment {text.rstrip()}")
        name = attachment.get("name") or os.path.basename(attachment["path"])
        message.add_attachment(text, subtype="plain", filename=name, cte="base64")
    return Mail(subject, sender, recipients, message.as_bytes(policy=WIRE).decode("ascii"))


def send(server: MailServer, mail: Mail) -> t.Dict[str, str]:
    """Hand a mail to the server, all within ``server.timeout`` seconds.

    :returns: the reason for each recipient that the server refused while it accepted others
    :raises MailUndelivered: when it did not accept the mail for anyone
    """
    with _dialogue(server) as connection:
        refused = connection.sendmail(mail.sender, mail.recipients, mail.message.encode("ascii"))
        # Accepted is delivered, however badly the goodbye goes.
        with contextlib.suppress(OSError, MailUndelivered):
            connection.quit()
    return {recipient: _reply(*answer) for recipient, answer in refused.items()}


def log_in(server: MailServer) -> None:
    """Connect and log in as for a mail, and leave again.

    :raises MailUndelivered: when the server would not take one
    """
    with _dialogue(server) as connection, contextlib.suppress(OSError):
        connection.quit()


@contextlib.contextmanager
def _dialogue(server: MailServer) -> t.Iterator[smtplib.SMTP]:
    """A connection that is logged in, all within ``server.timeout`` seconds.

    :raises MailUndelivered: for whatever fails before it or within the block
    """
    try:
        with _deadline(server):
            connection = _open(server)
            try:
                yield connection
            finally:
                connection.close()
    except OSError as error:
        raise MailUndelivered(_why_not(server, error)) from None
    except ValueError:
        # Not in its own words, which may quote the password.
        raise MailUndelivered(
            f"the mail server {server.address} cannot be told what is no valid text: check smtp_user and smtp_password"
        ) from None


def _server(params: t.Mapping[str, t.Any]) -> MailServer:
    security = params["smtp_security"]
    return MailServer(
        host=params["smtp_host"],
        port=params.get("smtp_port") or DEFAULT_PORTS[security],
        security=security,
        user=params.get("smtp_user"),
        password=params.get("smtp_password"),
        ca_cert=params.get("ca_cert"),
        timeout=params["timeout"],
    )


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())


def _bare(text: str, option: str) -> str:
    address = email.utils.parseaddr(text)[1]
    name, at, domain = address.rpartition("@")
    if not (name and at and domain and address.isascii()) or any(character.isspace() for character in address):
        raise OptionError(f"{option}: {text!r} is not a mail address in ASCII")
    return address


def _address_header(message: EmailMessage, name: str, text: str, option: str) -> None:
    try:
        message[name] = _one_line(text)
    except HEADER_FAILURES:
        raise OptionError(
            f"{option}: {text!r} cannot be made a header: write it like Name <name@example.com>"
        ) from None


def _open(server: MailServer) -> smtplib.SMTP:
    # Named, since smtplib would otherwise ask the DNS, which may take long to say nothing.
    name = socket.gethostname()
    context = None if server.security == "none" else ssl.create_default_context(cafile=server.ca_cert)
    if server.security == "tls":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(local_hostname=name, context=context)
    else:
        connection = smtplib.SMTP(local_hostname=name)
    # What smtplib checks the certificate against. Its constructor would set it, but connect at once, and leave the
    # socket open when that fails.
    connection._host = server.host  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        _connect(connection, server)
        if server.security == "starttls":
            connection.starttls(context=context)
        if server.user:
            _log_in(connection, server.user, server.password or "")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(connection: smtplib.SMTP, server: MailServer) -> None:
    try:
        connection.connect(server.host, server.port)
    except OSError:
        # Some of those are a ValueError too.
        raise
    except (ValueError, OverflowError) as error:
        # Such as a label without letters, or a port above 65535.
        raise MailUndelivered(
            f"the mail server {server.address} cannot exist: check smtp_host and smtp_port ({error})"
        ) from None


def _log_in(connection: smtplib.SMTP, user: str, password: str) -> None:
    if user.isascii() and password.isascii():
        connection.login(user, password)
        return
    # smtplib's own login is for ASCII only; PLAIN is the one mechanism whose texts are UTF-8 by its definition.
    connection.ehlo_or_helo_if_needed()
    if "PLAIN" not in connection.esmtp_features.get("auth", "").upper().split():
        raise smtplib.SMTPNotSupportedError("AUTH PLAIN, without which smtp_user and smtp_password must be ASCII")
    login = f"\0{user}\0{password}".encode()
    code, reply = connection.docmd("AUTH", "PLAIN " + base64.b64encode(login).decode("ascii"))
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, reply)


@contextlib.contextmanager
def _deadline(server: MailServer) -> t.Iterator[None]:
    """End the block after the server's timeout. A socket's own timeout would bound each answer, not the dialogue."""

    def expire(_number: int, _frame: t.Any) -> None:
        # Not an OSError, which smtplib and socket would take for one address's failure, and try the next.
        raise MailUndelivered(
            f"the mail server {server.address} did not take the mail within {server.timeout} seconds: "
            "check smtp_host, smtp_port and smtp_security, or raise timeout"
        )

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, server.timeout)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _why_not(server: MailServer, error: OSError) -> str:
    """What failed and which option to look at; servers' answers never repeat a password."""
    where = f"the mail server {server.address}"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        reply = _reply(error.smtp_code, error.smtp_error)
        return f"{where} refused the login of {server.user}: check smtp_user and smtp_password ({reply})"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"{where} refused every recipient: {_refusals(error.recipients)}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{where} refused the mail: {_reply(error.smtp_code, error.smtp_error)}"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return f"{where} lacks what smtp_security or smtp_user asks for: {error}"
    if isinstance(error, ssl.SSLError):
        return f"{where} failed the TLS handshake: check smtp_security and ca_cert ({error})"
    return f"{where} could not be reached: check smtp_host, smtp_port and smtp_security ({error})"


def _reply(code: int, text: t.Union[bytes, str]) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(words.split())}"


def _refusals(recipients: t.Mapping[str, t.Tuple[int, bytes]]) -> str:
    return "; ".join(f"{recipient}: {_reply(*answer)}" for recipient, answer in recipients.items())


def _attempt(server: MailServer, mail: Mail, spool: Spool) -> t.Optional[str]:
    """Send a new mail, or keep it; returns why it was kept."""
    try:
        refused = send(server, mail)
    except MailUndelivered as error:
        reason, missing = str(error), mail
    else:
        if not refused:
            return None
        reasons = "; ".join(f"{recipient}: {reply}" for recipient, reply in refused.items())
        reason = f"the mail server {server.address} refused some recipients: {reasons}"
        missing = mail._replace(recipients=list(refused))
    try:
        spool.write(f"{utc_now().strftime(NAME_FORMAT)}-{uuid.uuid4().hex}", missing._asdict())
    except OSError as trouble:
        raise BackupError(f"{reason}; and the mail could not be kept in {spool}: {trouble}") from None
    return f"{reason}; the mail is kept in {spool} until the next run"


def _retry(server: MailServer, spool: Spool, names: t.Sequence[str]) -> t.List[str]:
    """Try each mail that waits once, oldest first; returns the subjects of those that went.

    No new attempt starts once they have taken as long as one mail may: a server that hangs must not hold up a run.
    """
    retried = []
    start = time.monotonic()
    for name in names:
        if time.monotonic() - start >= server.timeout:
            break
        mail = spool.read(name, _parse)
        if mail is None:
            continue
        try:
            refused = send(server, mail)
        except MailUndelivered:
            continue
        if refused:
            spool.write(name, mail._replace(recipients=list(refused))._asdict())
            continue
        spool.remove(name)
        retried.append(mail.subject)
    return retried


def _prune(spool: Spool) -> t.List[str]:
    """Give up on mails that have waited too long or are too many, oldest first."""
    oldest = (utc_now() - datetime.timedelta(days=MAX_KEPT_DAYS)).strftime(NAME_FORMAT)
    names = spool.names()
    dropped = [name for number, name in enumerate(names) if name < oldest or number < len(names) - MAX_KEPT]
    for name in dropped:
        spool.remove(name)
    if not dropped:
        return []
    return [
        f"{len(dropped)} undelivered mails were dropped from {spool}: it keeps {MAX_KEPT}, for {MAX_KEPT_DAYS} days"
    ]


def _parse(content: t.Any) -> Mail:
    message = str(content["message"])
    message.encode("ascii")
    return Mail(str(content["subject"]), str(content["sender"]), [str(to) for to in content["recipients"]], message)
