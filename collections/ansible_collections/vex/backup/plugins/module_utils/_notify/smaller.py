# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Smaller forms of a mail, for a server that refuses its size: the ends of its attachments, or none of them."""

from __future__ import annotations

import email
import html
import typing as t
from email.message import EmailMessage

from ansible_collections.vex.backup.plugins.module_utils._common.text import end_of
from ansible_collections.vex.backup.plugins.module_utils._notify.message import POLICY, WIRE, Mail

# Bytes of a mail for a server that refuses a larger one and does not tell its limit.
SMALL = 250_000
# Base64 in lines: 57 bytes become 76 characters and a line break.
ENCODED = 78 / 57
# Bytes that are reserved for the headers of an attachment.
HEADERS = 500
# Bytes of the end of a log, below which it is left out.
LEAST = 1000


def forms_of(mail: Mail, limit: int) -> t.Iterator[Mail]:
    """Yield a mail, then with the ends of its attachments, then without them: each for a server that refuses the last.

    :param limit: the bytes that the server accepts; 0 when it does not tell. A form above it is left out, except the
        last one
    """
    fits = not limit or len(mail.message) <= limit
    if fits:
        yield mail
    if not list(_parse(mail).iter_attachments()):
        if not fits:
            yield mail
        return
    most = SMALL if fits else limit
    if len(mail.message) > most:
        shortened = _with_ends(mail, most)
        if shortened:
            yield shortened
    yield _without_attachments(mail)


def _with_ends(mail: Mail, limit: int) -> t.Optional[Mail]:
    """Return a mail of at most *limit* bytes with the ends of its attachments; ``None`` when these have no room."""
    message = _parse(mail)
    parts = sorted(message.iter_attachments(), key=lambda part: len(part.get_content()))
    left = (limit - len(_without_attachments(mail).message) - HEADERS * len(parts)) / ENCODED
    for number, part in enumerate(parts):
        share = int(left / (len(parts) - number))
        if share < LEAST:
            return None
        content = end_of(part.get_content(), share)
        left -= len(content.encode("utf-8"))
        part.set_content(content, subtype="plain", filename=part.get_filename(), cte="base64")
    return _noted(mail, message)


def _without_attachments(mail: Mail) -> Mail:
    message = _parse(mail)
    message.set_payload([part for part in message.iter_parts() if not part.is_attachment()])
    return _noted(mail, message)


def _noted(mail: Mail, message: EmailMessage) -> Mail:
    """Return *message* as a mail, with its note at the end of the text and of the HTML."""
    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    if plain:
        plain.set_content(f"{plain.get_content().rstrip()}\n\n{mail.size_note}\n")
    if rich:
        body, end, rest = rich.get_content().partition("</body>")
        rich.set_content(f"{body}<p>{html.escape(mail.size_note)}</p>\n{end}{rest}", subtype="html")
    return mail._replace(message=message.as_bytes(policy=WIRE).decode("ascii"))


def _parse(mail: Mail) -> EmailMessage:
    return email.message_from_string(mail.message, policy=POLICY)
