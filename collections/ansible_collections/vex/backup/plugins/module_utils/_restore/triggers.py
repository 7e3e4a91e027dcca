# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The text of a trigger: the table that it belongs to, and the names of databases in it.

The server stores a trigger with the names that its ``CREATE`` statement had. Texts are bytes: each is in the character
set of the session that created it.
"""

from __future__ import annotations

import re
import typing as t

# Double quotes are for the SQL mode ANSI_QUOTES; the server takes such a name in no other mode.
_NAME = rb"(?:`(?:[^`]|``)+`|\"(?:[^\"]|\"\")+\"|[\w$\x80-\xff]+)"
_DEFINER = rb"(?:DEFINER\s*=\s*" + _NAME + rb"(?:@" + _NAME + rb")?\s+)?"
_TRIGGER = re.compile(
    rb"\A(?P<head>\s*CREATE\s+(?:OR\s+REPLACE\s+)?"
    + _DEFINER
    + rb"TRIGGER\s+(?:IF\s+NOT\s+EXISTS\s+)?)(?:(?P<database>"
    + _NAME
    + rb")\s*\.\s*)?(?P<name>"
    + _NAME
    + rb")(?P<event>\s+(?:BEFORE|AFTER)\s+\w+(?:\s+OR\s+\w+)*(?:\s+OF\s+.*?)?\s+ON\s+)(?:(?P<schema>"
    + _NAME
    + rb")\s*\.\s*)?(?P<table>"
    + _NAME
    + rb")",
    re.IGNORECASE | re.DOTALL,
)


class UnreadTrigger(Exception):
    """The text of a trigger does not show clearly which table it belongs to."""


def belongs_to(statement: bytes, table: str) -> bool:
    """Return whether a trigger belongs to a table.

    :raises UnreadTrigger: when its text does not show that
    """
    found = _read(statement)
    if _unquoted(found["table"]) == table.encode("utf-8", "surrogateescape"):
        return True
    # The name is in the character set of the session that created the trigger.
    if table.isascii() or found["table"].isascii():
        return False
    raise UnreadTrigger


def without_database(statement: bytes) -> bytes:
    """Return a trigger's statement without names of databases, for the database in use.

    :raises UnreadTrigger: when its text does not show them
    """
    found = _read(statement)
    head: bytes = found["head"] + found["name"] + found["event"] + found["table"]
    return head + statement[found.end() :]


def _read(statement: bytes) -> t.Match[bytes]:
    found = _TRIGGER.match(statement)
    if found is None:
        raise UnreadTrigger
    return found


def _unquoted(name: bytes) -> bytes:
    quote = name[:1]
    return name[1:-1].replace(quote * 2, quote) if quote in (b"`", b'"') else name
