# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mail messages: headers, text, HTML and attachments, as a mail server accepts them."""

from __future__ import annotations

import email.errors
import email.policy
import email.utils
import os
import typing as t
from email.message import EmailMessage

from ansible_collections.vex.backup.plugins.module_utils._common.notes import one_line
from ansible_collections.vex.backup.plugins.module_utils._common.text import clean, excerpt_of
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError

# The wire and the spool get only ASCII, with any content of the texts. Lines end as SMTP requires, except within
# attachments, which must arrive unchanged.
POLICY = email.policy.default.clone(cte_type="7bit")
WIRE = POLICY.clone(linesep="\r\n")
# The errors of the standard library for addresses that it cannot parse.
HEADER_FAILURES = (AttributeError, IndexError, TypeError, ValueError, email.errors.MessageError)


class Mail(t.NamedTuple):
    """A message for a mail server: bare addresses, and the whole message with its headers and parts as ASCII.

    ``size_note`` is a sentence for the text when the server does not accept the attachments in their size.
    """

    subject: str
    sender: str
    recipients: t.List[str]
    message: str
    size_note: str


class Attachment(t.NamedTuple):
    """A text file to attach, under *name*, or its own name without one."""

    name: t.Optional[str]
    path: str


class Draft(t.NamedTuple):
    """The parts of a mail; ``attachment_bytes``: a longer attachment is cut to its head and tail."""

    sender: str
    recipients: t.List[str]
    subject: str
    text: str
    html: t.Optional[str]
    attachments: t.List[Attachment]
    attachment_bytes: int
    size_note: str


class Composed(t.NamedTuple):
    """A mail, and a sentence for each attachment that could not be read."""

    mail: Mail
    warnings: t.List[str]


def compose(draft: Draft) -> Composed:
    """Build a mail; an attachment that cannot be read is replaced by the reason.

    :raises OptionError: when an address is malformed
    """
    sender = _bare_address(draft.sender, "sender")
    recipients = [_bare_address(recipient, "recipients") for recipient in draft.recipients]
    if not recipients:
        raise OptionError("recipients is empty: give at least one address, or disable the mail")
    # A line break in a header would start another header.
    subject = one_line(clean(draft.subject))
    message = EmailMessage(policy=POLICY)
    _add_addresses(message, "From", draft.sender, "sender")
    _add_addresses(message, "To", ", ".join(draft.recipients), "recipients")
    message["Subject"] = subject
    message["Date"] = email.utils.formatdate()
    message["Message-ID"] = email.utils.make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(clean(draft.text))
    if draft.html:
        message.add_alternative(clean(draft.html), subtype="html")
    warnings: t.List[str] = []
    for attachment in draft.attachments:
        try:
            text = excerpt_of(attachment.path, draft.attachment_bytes)
        except OSError as error:
            # Without an attachment, the reader could not tell that one was due.
            text = f"{attachment.path} could not be read: {error.strerror}\n"
            warnings.append(f"attachment {text.rstrip()}")
        name = attachment.name or os.path.basename(attachment.path)
        message.add_attachment(text, subtype="plain", filename=name, cte="base64")
    wire = message.as_bytes(policy=WIRE).decode("ascii")
    return Composed(Mail(subject, sender, recipients, wire, one_line(clean(draft.size_note))), warnings)


def _bare_address(text: str, option: str) -> str:
    address = email.utils.parseaddr(text)[1]
    name, at, domain = address.rpartition("@")
    if not (name and at and domain and address.isascii()) or any(character.isspace() for character in address):
        raise OptionError(f"{option}: {text!r} is not a mail address in ASCII")
    return address


def _add_addresses(message: EmailMessage, name: str, text: str, option: str) -> None:
    try:
        message[name] = one_line(clean(text))
    except HEADER_FAILURES:
        raise OptionError(
            f"{option}: {text!r} cannot be used as a header: write it like Name <name@example.com>"
        ) from None
