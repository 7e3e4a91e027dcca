# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SQL scripts as they must be to restore less than all of them, or under another name of the database.

Everything is bytes: a stored program's text is in the character set of who made it.
"""

from __future__ import annotations

import re
import typing as t

# In double quotes under the SQL mode ANSI_QUOTES; nowhere else would the server take such a name.
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
_IS_TRIGGER = re.compile(
    rb"\s*CREATE(?:(?!\s(?:PROCEDURE|FUNCTION|EVENT|PACKAGE)\s).)*?\sTRIGGER\s", re.IGNORECASE | re.DOTALL
)
# The delimiter is nowhere in the text that it ends.
_BLOCK = re.compile(
    rb"^DELIMITER (?P<delimiter>;;+)\n(?P<text>.*?)(?P=delimiter)\nDELIMITER ;\n", re.MULTILINE | re.DOTALL
)
_OTHER = (b"-- Temporary ", b"-- Final view ", b"-- Table structure for ", b"-- Sequence structure for ")


def quoted(name: str) -> bytes:
    """A name as SQL takes it, in UTF-8."""
    return b"`" + name.encode("utf-8", "surrogateescape").replace(b"`", b"``") + b"`"


def renamed_create(statement: bytes, source: str, target: str) -> bytes:
    """A ``CREATE DATABASE`` for another name, and for one that may be there."""
    statement = statement.replace(quoted(source), quoted(target), 1)
    if b"IF NOT EXISTS" in statement:
        return statement
    return statement.replace(b"CREATE DATABASE", b"CREATE DATABASE IF NOT EXISTS", 1)


def renamed_script(lines: t.Iterable[bytes], source: str, target: str) -> t.Iterator[bytes]:
    """A script by mysqldump, for another name of its database: no value nor text begins a line like these."""
    use, create = b"USE %s;" % quoted(source), b"CREATE DATABASE "
    for line in lines:
        if line.rstrip(b"\n") == use or line.startswith(create):
            yield line.replace(quoted(source), quoted(target), 1)
        else:
            yield line


def table_of_script(lines: t.Iterable[bytes], table: str) -> t.Iterator[bytes]:
    """Of a script by mysqldump, the settings at its head and its end, and one table."""
    wanted = (b"-- Table structure for table %s\n" % quoted(table), b"-- Dumping data for table %s\n" % quoted(table))
    passing = True
    for line in lines:
        if line.startswith((*_OTHER, b"-- Dumping data for ")):
            passing = line in wanted
        elif line.startswith(b"/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE"):
            passing = True
        if passing:
            yield line


class ProgramsScript(t.NamedTuple):
    """``programs.sql`` as it must be, and the triggers in it that could not be read: they are left out."""

    text: bytes
    unread: int


def programs_script(text: bytes, source: str, target: str, table: t.Optional[str] = None) -> ProgramsScript:
    """Adapt the script of ``_dump/stored_programs.py`` to another database name, or to the triggers of one table."""
    parts: t.List[bytes] = []
    unread = position = 0
    for block in _BLOCK.finditer(text):
        parts.append(_altered(text[position : block.start()], source, target))
        position = block.end()
        program = _program(block["text"], renamed=source != target, table=table)
        if program is None:
            unread += 1
        elif program:
            parts.append(b"DELIMITER %s\n%s%s\nDELIMITER ;\n" % (block["delimiter"], program, block["delimiter"]))
    parts.append(_altered(text[position:], source, target))
    return ProgramsScript(b"".join(parts), unread)


def _program(statement: bytes, *, renamed: bool, table: t.Optional[str]) -> t.Optional[bytes]:
    """The statement as it must be; empty when it is not wanted, ``None`` when that cannot be told."""
    found = _TRIGGER.match(statement)
    if found is None:
        if not _IS_TRIGGER.match(statement):
            return b"" if table is not None else statement
        return None if renamed or table is not None else statement
    if table is not None and _plain(found["table"]) != table.encode("utf-8", "surrogateescape"):
        # The name is in the character set of who made the trigger.
        return b"" if table.isascii() or found["table"].isascii() else None
    return _unqualified(found, statement) if renamed else statement


def _altered(settings: bytes, source: str, target: str) -> bytes:
    alter = b"ALTER DATABASE %s COLLATE"
    return settings.replace(alter % quoted(source), alter % quoted(target))


def _unqualified(found: t.Match[bytes], statement: bytes) -> bytes:
    """A trigger's statement, for the database that is in use: triggers keep the names that they were made with."""
    head = found["head"] + found["name"] + found["event"] + found["table"]
    return head + statement[found.end() :]


def _plain(name: bytes) -> bytes:
    quote = name[:1]
    return name[1:-1].replace(quote * 2, quote) if quote in (b"`", b'"') else name
