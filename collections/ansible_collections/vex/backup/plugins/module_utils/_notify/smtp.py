# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The SMTP dialogue with a mail server, within a time limit."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import signal
import smtplib
import socket
import ssl
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.failpoint import failpoint
from ansible_collections.vex.backup.plugins.module_utils._common.notes import one_line
from ansible_collections.vex.backup.plugins.module_utils._errors import MailUndelivered
from ansible_collections.vex.backup.plugins.module_utils._notify.message import Mail
from ansible_collections.vex.backup.plugins.module_utils._notify.smaller import forms_of

ACCEPTED = 250
# The second one: it does not know the recipient's server yet, and forwards the mail.
ACCEPTED_RECIPIENT = (250, 251)
CLOSING = 421


@dataclasses.dataclass(frozen=True)
class MailServer:
    """A mail server and its login. ``security`` is ``none``, ``starttls`` or ``tls``; ``timeout`` is in seconds.

    The timeout limits the whole dialogue. ``own_name`` is the name by which this host greets the server, ``None`` for
    its own one. ``ca_cert`` is a file, ``None`` for the certificate authorities of the host.
    """

    host: str
    port: int
    security: str
    user: t.Optional[str]
    password: t.Optional[str] = dataclasses.field(repr=False)
    own_name: t.Optional[str]
    ca_cert: t.Optional[str]
    timeout: int

    @property
    def address(self) -> str:
        """The server's address as messages show it."""
        return f"{self.host}:{self.port}"


class _Connection(smtplib.SMTP):
    """A connection that knows whether it has begun to send a mail's content."""

    #: Afterwards, only a reply tells whether the server has accepted the mail.
    has_begun_content = False

    def data(self, msg: t.Any) -> t.Tuple[int, bytes]:
        """Send the content of a mail, as :meth:`smtplib.SMTP.data` does."""
        self.has_begun_content = True
        return super().data(msg)


class _PlainConnection(_Connection):
    """A connection that is closed when its constructor fails, which smtplib leaves to the garbage collector."""

    def __init__(self, host: str, port: int, local_hostname: str) -> None:
        try:
            super().__init__(host, port, local_hostname)
        except BaseException:
            self.close()
            raise


class _TlsConnection(_Connection, smtplib.SMTP_SSL):
    """The same with TLS from the first byte."""

    def __init__(self, host: str, port: int, local_hostname: str, context: ssl.SSLContext) -> None:
        try:
            super().__init__(host, port, local_hostname, context=context)
        except BaseException:
            self.close()
            raise


def send(server: MailServer, mail: Mail) -> t.Dict[str, str]:
    """Send a mail.

    :returns: the reply for each recipient that the server refused while it accepted others
    :raises MailUndelivered: when it did not accept the mail for anyone; with ``may_pass`` when a repetition may
        succeed and cannot deliver the mail twice
    """
    with _dialogue(server) as connection:
        refused = _send_largest_form(connection, mail)
        # An accepted mail is delivered, even if QUIT fails.
        with contextlib.suppress(OSError, MailUndelivered):
            connection.quit()
    return {recipient: _reply(*answer) for recipient, answer in refused.items()}


def _send_largest_form(connection: smtplib.SMTP, mail: Mail) -> t.Dict[str, t.Tuple[int, bytes]]:
    """Send the largest form of a mail that the server accepts.

    :returns: the reply for each recipient that the server refused
    :raises smtplib.SMTPException: when it refuses every form, or one for another reason than its size
    """
    refusal: t.Optional[smtplib.SMTPException] = None
    for form in forms_of(mail, _size_limit(connection)):
        try:
            with failpoint("mail:send"):
                return connection.sendmail(form.sender, form.recipients, form.message.encode("ascii"))
        except smtplib.SMTPException as error:
            if not _is_about_size(error):
                raise
            refusal = error
    raise t.cast("smtplib.SMTPException", refusal)


def _size_limit(connection: smtplib.SMTP) -> int:
    """Return the size in bytes that the server announced, 0 for none (RFC 1870)."""
    size = connection.esmtp_features.get("size", "").strip()
    return int(size) if size.isdecimal() else 0


def _is_about_size(error: smtplib.SMTPException) -> bool:
    """Return whether a server refused a mail for its size: by reply 552 (RFC 1870), or by status 5.3.4 (RFC 3463)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers: t.List[t.Tuple[int, t.Union[bytes, str]]] = list(error.recipients.values())
    elif isinstance(error, smtplib.SMTPResponseException):
        answers = [(error.smtp_code, error.smtp_error)]
    else:
        return False
    return all(f"{_reply(*answer)} ".startswith(("552 ", f"{answer[0]} 5.3.4 ")) for answer in answers)


def try_dialogue(server: MailServer, mail: t.Optional[Mail]) -> t.Dict[str, str]:
    """Hold the dialogue of a mail up to its content, then reset it, so that nothing is sent.

    :param mail: ``None`` to log in only
    :returns: the reply for each recipient that the server refused while it accepted others
    :raises MailUndelivered: when the server would not accept the mail for anyone
    """
    refused: t.Dict[str, t.Tuple[int, bytes]] = {}
    with _dialogue(server) as connection:
        if mail is not None:
            refused = _try_addresses(connection, mail)
        with contextlib.suppress(OSError, MailUndelivered):
            connection.rset()
            connection.quit()
    return {recipient: _reply(*answer) for recipient, answer in refused.items()}


def _try_addresses(connection: smtplib.SMTP, mail: Mail) -> t.Dict[str, t.Tuple[int, bytes]]:
    code, text = connection.mail(mail.sender)
    if code != ACCEPTED:
        raise smtplib.SMTPSenderRefused(code, text, mail.sender)
    refused: t.Dict[str, t.Tuple[int, bytes]] = {}
    for recipient in mail.recipients:
        code, text = connection.rcpt(recipient)
        if code == CLOSING:
            raise smtplib.SMTPResponseException(code, text)
        if code not in ACCEPTED_RECIPIENT:
            refused[recipient] = (code, text)
    if len(refused) == len(mail.recipients):
        raise smtplib.SMTPRecipientsRefused(refused)
    return refused


def is_temporary(reply: str) -> bool:
    """Return whether a server's reply says that a repetition may succeed (4xx)."""
    return reply.startswith("4")


@contextlib.contextmanager
def _dialogue(server: MailServer) -> t.Iterator[smtplib.SMTP]:
    """Connect and log in; close the connection after the block.

    :raises MailUndelivered: for every failure before the block or within it
    """
    opened: t.List[_Connection] = []
    try:
        with _time_limit(server), contextlib.closing(_connect(server)) as connection:
            opened.append(connection)
            if server.security == "starttls":
                connection.starttls(context=_tls_context(server))
            if server.user:
                _log_in(connection, server.user, server.password or "")
            connection.ehlo_or_helo_if_needed()
            yield connection
    except OSError as error:
        undelivered = MailUndelivered(_explain(server, error))
        undelivered.may_pass = _may_pass(error, is_uncertain=any(one.has_begun_content for one in opened))
        raise undelivered from None
    except MailUndelivered as error:
        # Of the time limit.
        error.may_pass = error.may_pass and not any(one.has_begun_content for one in opened)
        raise
    except ValueError:
        # Without the original message, which may quote the password.
        raise MailUndelivered(
            f"smtp_user or smtp_password is not valid text and cannot be sent to the mail server {server.address}: "
            "check smtp_user and smtp_password"
        ) from None


def _connect(server: MailServer) -> _Connection:
    # Given, because smtplib would otherwise look it up in the DNS, which may take long.
    local_hostname = server.own_name or socket.gethostname()
    if not local_hostname.isascii() or any(character.isspace() for character in local_hostname):
        raise MailUndelivered(
            f"the name {local_hostname!r} cannot greet the mail server {server.address}: set smtp_hostname to another"
        )
    try:
        with failpoint("mail:connect"):
            if server.security == "tls":
                return _TlsConnection(server.host, server.port, local_hostname, _tls_context(server))
            return _PlainConnection(server.host, server.port, local_hostname)
    except OSError:
        # Some of these are a ValueError too.
        raise
    except (ValueError, OverflowError) as error:
        # For example a host name with an empty label, or a port above 65535.
        raise MailUndelivered(
            f"the address {server.address} of the mail server is not valid: check smtp_host and smtp_port ({error})"
        ) from None


def _tls_context(server: MailServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=server.ca_cert)


def _log_in(connection: smtplib.SMTP, user: str, password: str) -> None:
    if user.isascii() and password.isascii():
        connection.login(user, password)
        return
    # The login of smtplib takes ASCII only. PLAIN is the one mechanism that defines its texts as UTF-8 (RFC 4616).
    connection.ehlo_or_helo_if_needed()
    if "PLAIN" not in connection.esmtp_features.get("auth", "").upper().split():
        raise smtplib.SMTPNotSupportedError("AUTH PLAIN, without which smtp_user and smtp_password must be ASCII")
    login = f"\0{user}\0{password}".encode()
    code, reply = connection.docmd("AUTH", "PLAIN " + base64.b64encode(login).decode("ascii"))
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, reply)


@contextlib.contextmanager
def _time_limit(server: MailServer) -> t.Iterator[None]:
    """End the block after the timeout of the server: a socket's own timeout would limit each reply, not all of them."""

    def expire(_number: int, _frame: t.Any) -> None:
        # Not an OSError: smtplib and socket would treat it as the failure of one address and try the next.
        undelivered = MailUndelivered(
            f"the mail server {server.address} did not take the mail within {server.timeout} seconds: "
            "check smtp_host, smtp_port and smtp_security, or raise timeout"
        )
        undelivered.may_pass = True
        raise undelivered

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, server.timeout)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _may_pass(error: OSError, *, is_uncertain: bool) -> bool:
    """Return whether a repetition may succeed.

    :param is_uncertain: the server may have accepted the mail, unless *error* is its reply
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return any(is_temporary(str(code)) for code, _text in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return is_temporary(str(error.smtp_code))
    if isinstance(error, (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError)):
        return False
    return not is_uncertain


def _explain(server: MailServer, error: OSError) -> str:
    """Return what failed and which options to check. The replies of servers never repeat a password."""
    where = f"the mail server {server.address}"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        reply = _reply(error.smtp_code, error.smtp_error)
        return f"{where} refused the login of {server.user}: check smtp_user and smtp_password ({reply})"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        replies = "; ".join(f"{recipient}: {_reply(*answer)}" for recipient, answer in error.recipients.items())
        return f"{where} refused every recipient: {replies}"
    if isinstance(error, smtplib.SMTPResponseException):
        what = "the name of this host, check smtp_hostname" if isinstance(error, smtplib.SMTPHeloError) else "the mail"
        return f"{where} refused {what}: {_reply(error.smtp_code, error.smtp_error)}"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return f"{where} does not support what smtp_security or smtp_user needs: {error}"
    if isinstance(error, ssl.SSLError):
        return f"{where} failed the TLS handshake: check smtp_security and ca_cert ({error})"
    return f"{where} could not be reached: check smtp_host, smtp_port and smtp_security ({error})"


def _reply(code: int, text: t.Union[bytes, str]) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {one_line(words)}"
