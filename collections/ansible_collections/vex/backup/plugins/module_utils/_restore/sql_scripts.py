# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SQL scripts of a dump, adapted to restore a database under another name, or one table of it.

Everything is bytes: the text of a stored program is in the character set of the session that created it.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import quoted

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
_IS_TRIGGER = re.compile(
    rb"\s*CREATE(?:(?!\s(?:PROCEDURE|FUNCTION|EVENT|PACKAGE)\s).)*?\sTRIGGER\s", re.IGNORECASE | re.DOTALL
)
# The dump chooses a delimiter that the program's text does not contain.
_BLOCK = re.compile(
    rb"^DELIMITER (?P<delimiter>;;+)\n(?P<text>.*?)(?P=delimiter)\nDELIMITER ;\n", re.MULTILINE | re.DOTALL
)
_OTHER = (b"-- Temporary ", b"-- Final view ", b"-- Table structure for ", b"-- Sequence structure for ")


def renamed_create(statement: bytes, source: str, target: str) -> bytes:
    """Return a ``CREATE DATABASE`` for another name, which does nothing when the database exists."""
    statement = statement.replace(quoted(source), quoted(target), 1)
    if b"IF NOT EXISTS" in statement:
        return statement
    return statement.replace(b"CREATE DATABASE", b"CREATE DATABASE IF NOT EXISTS", 1)


def renamed_script(lines: t.Iterable[bytes], source: str, target: str) -> t.Iterator[bytes]:
    """Change the name of the database in a script by mysqldump.

    No value and no text in such a script begins a line with these words.
    """
    use, create = b"USE %s;" % quoted(source), b"CREATE DATABASE "
    for line in lines:
        if line.rstrip(b"\n") == use or line.startswith(create):
            yield line.replace(quoted(source), quoted(target), 1)
        else:
            yield line


def table_of_script(lines: t.Iterable[bytes], table: str) -> t.Iterator[bytes]:
    """Return the lines of a script by mysqldump that are settings at its head or end, or belong to one table."""
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
    """The adapted ``programs.sql``, and how many triggers it lacks because their text could not be read."""

    text: bytes
    unread: int


def programs_script(text: bytes, source: str, target: str, table: t.Optional[str] = None) -> ProgramsScript:
    """Adapt the script of ``_dump/stored_programs.py`` to another database name, or to the triggers of one table."""
    parts: t.List[bytes] = []
    unread = position = 0
    for block in _BLOCK.finditer(text):
        parts.append(_renamed_alter(text[position : block.start()], source, target))
        position = block.end()
        program = _adapted(block["text"], renamed=source != target, table=table)
        if program is None:
            unread += 1
        elif program:
            parts.append(b"DELIMITER %s\n%s%s\nDELIMITER ;\n" % (block["delimiter"], program, block["delimiter"]))
    parts.append(_renamed_alter(text[position:], source, target))
    return ProgramsScript(b"".join(parts), unread)


def _adapted(statement: bytes, *, renamed: bool, table: t.Optional[str]) -> t.Optional[bytes]:
    """Return the adapted statement, empty when it is not wanted, ``None`` when its text cannot be read."""
    found = _TRIGGER.match(statement)
    if found is None:
        if not _IS_TRIGGER.match(statement):
            return b"" if table is not None else statement
        return None if renamed or table is not None else statement
    if table is not None and _unquoted(found["table"]) != table.encode("utf-8", "surrogateescape"):
        # The name is in the character set of the session that created the trigger.
        return b"" if table.isascii() or found["table"].isascii() else None
    return _without_database(found, statement) if renamed else statement


def _renamed_alter(settings: bytes, source: str, target: str) -> bytes:
    alter = b"ALTER DATABASE %s COLLATE"
    return settings.replace(alter % quoted(source), alter % quoted(target))


def _without_database(found: t.Match[bytes], statement: bytes) -> bytes:
    """Return a trigger's statement without database names, for the database in use.

    The server stores a trigger with the names that its ``CREATE`` statement had.
    """
    head = found["head"] + found["name"] + found["event"] + found["table"]
    return head + statement[found.end() :]


def _unquoted(name: bytes) -> bytes:
    quote = name[:1]
    return name[1:-1].replace(quote * 2, quote) if quote in (b"`", b'"') else name
