# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The delivery of mails; a mail that cannot be sent is kept in the spool for the next run."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.patience import Patience
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.spool import Spool
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, MailUndelivered
from ansible_collections.vex.backup.plugins.module_utils._notify.kept import drop_old, new_name
from ansible_collections.vex.backup.plugins.module_utils._notify.message import (
    Attachment,
    Composed,
    Draft,
    Mail,
    compose,
)
from ansible_collections.vex.backup.plugins.module_utils._notify.smtp import (
    MailServer,
    is_temporary,
    send,
    try_dialogue,
)

DEFAULT_PORTS = {"none": 25, "starttls": 587, "tls": 465}
MAX_KEPT = 50


@dataclasses.dataclass(frozen=True)
class MailRequest:
    """The options of ``backup_mail``; without ``subject`` there is no new mail, and only kept mails are sent."""

    smtp_host: str
    smtp_port: t.Optional[int]
    smtp_security: str
    smtp_user: t.Optional[str]
    smtp_password: t.Optional[str] = dataclasses.field(repr=False)
    smtp_hostname: t.Optional[str]
    ca_cert: t.Optional[str]
    timeout: int
    patience: int
    sender: str
    recipients: t.List[str]
    subject: t.Optional[str]
    text: t.Optional[str]
    html: t.Optional[str]
    attachments: t.List[Attachment]
    max_attachment_bytes: int
    size_note: str
    spool_dir: str


class _Delivery(t.NamedTuple):
    """A delivery: why the new mail was kept, the subjects of kept mails that were sent, and sentences on trouble."""

    undelivered: t.Optional[str]
    retried: t.List[str]
    problems: t.List[str]


def deliver(request: MailRequest, log: RunLog, check_mode: bool) -> t.Dict[str, t.Any]:
    """Send a mail, then the mails that earlier runs kept; keep what cannot be sent for the next run.

    :param check_mode: send and keep nothing, but hold the dialogue up to the content of the new mail
    :returns: the module's result
    :raises OptionError: when an address is malformed
    :raises BackupError: when the mail could be neither sent nor kept
    """
    server = _server(request)
    composed = _compose(request)
    mail = composed.mail if composed else None
    spool = Spool(request.spool_dir, "mails")
    if check_mode:
        delivery = _preview(server, mail, spool)
    else:
        delivery = _deliver(server, mail, spool, Patience(request.patience, f"the mail server {server.address}", log))
        if mail and delivery.undelivered is None:
            log.info(f"mail delivered to {', '.join(mail.recipients)} by {server.address}")
        for problem in delivery.problems:
            log.warning(problem)
    result: t.Dict[str, t.Any] = {
        "changed": bool(mail or delivery.retried),
        "delivered": mail is not None and delivery.undelivered is None and not check_mode,
        "spooled": delivery.undelivered is not None,
        "retried": delivery.retried,
        "kept": len(spool.names()),
    }
    if delivery.problems:
        result["error"] = "; ".join(delivery.problems)
    # In check mode the logs to attach do not exist, because no stage wrote them.
    unread = composed.warnings if composed and not check_mode else []
    warnings = [*unread, *spool.warnings, *delivery.problems]
    if warnings:
        result["warnings"] = warnings
    return result


def _server(request: MailRequest) -> MailServer:
    return MailServer(
        host=request.smtp_host,
        port=request.smtp_port or DEFAULT_PORTS[request.smtp_security],
        security=request.smtp_security,
        user=request.smtp_user,
        password=request.smtp_password,
        own_name=request.smtp_hostname,
        ca_cert=request.ca_cert,
        timeout=request.timeout,
    )


def _compose(request: MailRequest) -> t.Optional[Composed]:
    if request.subject is None:
        return None
    draft = Draft(
        sender=request.sender,
        recipients=request.recipients,
        subject=request.subject,
        text=request.text or "",
        html=request.html,
        attachments=request.attachments,
        attachment_bytes=request.max_attachment_bytes,
        size_note=request.size_note,
    )
    return compose(draft)


def _preview(server: MailServer, mail: t.Optional[Mail], spool: Spool) -> _Delivery:
    """Check that the server would accept a mail, for each of its recipients."""
    try:
        refused = try_dialogue(server, mail)
        if refused:
            raise _refused_some(server, refused)
    except MailUndelivered as error:
        return _Delivery(None, [], [f"{error}; the mail would be kept in {spool}"])
    return _Delivery(None, [], [])


def _deliver(server: MailServer, mail: t.Optional[Mail], spool: Spool, patience: Patience) -> _Delivery:
    # Also while the new mail waits: it is in the spool then, and another process would send it too.
    with spool.lock():
        waiting = spool.names()
        undelivered = _send_or_keep(server, mail, spool, patience) if mail else None
        retried = _retry(server, spool, waiting)
        problems = [*([undelivered] if undelivered else []), *drop_old(spool, "mails", MAX_KEPT), *spool.unreadable()]
    return _Delivery(undelivered, retried, problems)


def _send_or_keep(server: MailServer, mail: Mail, spool: Spool, patience: Patience) -> t.Optional[str]:
    """Send a new mail, or keep it for the recipients who did not get it and return why.

    :raises BackupError: when it could be neither sent nor kept
    """
    sending = _Sending(server, mail, spool)
    try:
        patience.attempt(sending.attempt)
    except MailUndelivered as error:
        try:
            sending.keep()
        except OSError as trouble:
            raise BackupError(f"{error}; and the mail could not be kept in {spool}: {trouble}") from None
        return f"{error}; the mail is kept in {spool} until the next run"
    spool.remove(sending.name)
    return None


class _Sending:
    """The attempts to send a new mail; ``name`` is its name in the spool."""

    def __init__(self, server: MailServer, mail: Mail, spool: Spool) -> None:
        self.name = new_name()
        self._server = server
        self._mail = mail
        self._spool = spool
        # Those who have not got it yet.
        self._recipients = mail.recipients

    def attempt(self) -> None:
        """Send the mail to those who have not got it yet.

        :raises MailUndelivered: when it did not reach all of them; it is in the spool then, if that is possible
        """
        try:
            refused = send(self._server, self._rest())
            if refused:
                self._recipients = list(refused)
                raise _refused_some(self._server, refused)
        except MailUndelivered:
            # Before the wait: the process may be killed during it.
            with contextlib.suppress(OSError):
                self.keep()
            raise

    def keep(self) -> None:
        """Write the mail to the spool, for those who have not got it yet.

        :raises OSError: when that is not possible
        """
        self._spool.write(self.name, self._rest()._asdict())

    def _rest(self) -> Mail:
        return self._mail._replace(recipients=self._recipients)


def _refused_some(server: MailServer, refused: t.Mapping[str, str]) -> MailUndelivered:
    """Return the error for a mail that some recipients did not get.

    :param refused: the server's reply for each of them
    """
    replies = "; ".join(f"{recipient}: {reply}" for recipient, reply in refused.items())
    error = MailUndelivered(f"the mail server {server.address} refused some recipients: {replies}; check recipients")
    error.may_pass = any(is_temporary(reply) for reply in refused.values())
    return error


def _retry(server: MailServer, spool: Spool, names: t.Sequence[str]) -> t.List[str]:
    """Try each kept mail once, oldest first; return the subjects of the sent mails.

    The attempts stop after the time that one mail may take: a server that hangs must not delay the run.
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


def _parse(content: t.Any) -> Mail:
    message = str(content["message"])
    message.encode("ascii")
    recipients = [str(to) for to in content["recipients"]]
    return Mail(str(content["subject"]), str(content["sender"]), recipients, message, str(content.get("size_note", "")))
