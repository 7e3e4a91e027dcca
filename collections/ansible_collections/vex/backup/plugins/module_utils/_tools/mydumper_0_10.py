# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""MyDumper 0.10 only: its arguments, its file names, its metadata, and the repair of the files that it writes.

Pure functions. Every statement about its behaviour was observed with 0.10.1 unless another source is given.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.server import BinlogPosition, TableNames

# MyDumper 0.10 searches the whole path of a file for this text to recognise the first chunk of a table.
FIRST_CHUNK = ".00001.sql"
# MyDumper writes strings as the session's SQL mode reads them. Under NO_BACKSLASH_ESCAPES it leaves quotes in strings
# as they are, and the dump cannot be loaded; under ANSI_QUOTES it quotes names like strings.
FIRST_STATEMENT = "SET SESSION sql_mode = ''"
# The lines that every data file begins with, the last chunk of a table possibly excepted.
DATA_HEADER = (
    b"/*!40101 SET NAMES binary*/;\n/*!40014 SET FOREIGN_KEY_CHECKS=0*/;\n/*!40103 SET TIME_ZONE='+00:00' */;\n"
)

# The next file begins when one is full, so each row is read once, as without this option.
_CHUNK_MIB = 64
# Other releases of 0.10 were not tested with chunks. Debian's 0.10.1 reports 0.10.0.
_TESTED_WITH_CHUNKS = ("0.10.0", "0.10.1")
_CHUNK = re.compile(r"(?P<stem>.+\.)(?P<number>\d{5,})\.sql", re.DOTALL)
# A GTID set of MySQL goes over several lines, as the server returns it.
_BINLOG_POSITION = re.compile(
    r"^SHOW MASTER STATUS:\n\s*Log: (?P<file>.+)\n\s*Pos: (?P<position>.+)(?:\n\s*GTID:(?P<gtid>.*(?:\n.+)*))?",
    re.MULTILINE,
)


def arguments(version_text: str) -> t.List[str]:
    """Return the arguments that only MyDumper 0.10 gets.

    :param version_text: its version, ``0.10.1``
    """
    # Without --complete-insert, the statement of a table's last row may name no columns although the table has
    # generated ones, and such a statement cannot be loaded.
    chunks = [f"--chunk-filesize={_CHUNK_MIB}"] if splits_tables(version_text) else []
    return ["--complete-insert", *chunks]


def splits_tables(version_text: str) -> bool:
    """Return whether this MyDumper writes large tables in chunks, which are compressed during the dump."""
    return version_text in _TESTED_WITH_CHUNKS


def finished_chunks(names: t.Iterable[str]) -> t.List[str]:
    """Return the data files among *names* that are complete and have their final names.

    MyDumper 0.10 closes a chunk before it opens the next one, and removes the number from a table's only chunk after
    it has closed it (from the system calls of 0.10.1). So a chunk is complete when the next one exists.
    """
    present = set(names)
    chunks = [found for found in map(_CHUNK.fullmatch, present) if found]
    return [found[0] for found in chunks if f"{found['stem']}{int(found['number']) + 1:05d}.sql" in present]


def is_later_chunk(name: str) -> bool:
    """Return whether a file is a chunk of a table, and not the first one.

    Such a file needs :data:`DATA_HEADER` when it begins with ``INSERT``. MyDumper leaves the header out of a table's
    last chunk if that holds only the last row; without it, the row's times would be read in the session's time zone.
    """
    found = _CHUNK.fullmatch(name)
    return found is not None and int(found["number"]) > 1


def repair_schema(content: bytes) -> bytes:
    """Return a table's schema file, changed so that restoring it creates the same table.

    The file has ``SET NAMES binary``. MariaDB then reads the table that a foreign key refers to as latin1: ``ação``
    becomes ``aÃ§Ã£o`` (observed with MariaDB 10.11). The text is UTF-8.
    """
    return content.replace(b"SET NAMES binary", b"SET NAMES utf8mb4", 1)


def parse_binlog_position(metadata: str) -> t.Optional[BinlogPosition]:
    """Read the server's own binlog position from ``metadata``, ``None`` if it has none in the form of 0.10."""
    found = _BINLOG_POSITION.search(metadata)
    if not found:
        return None
    gtid = "".join((found["gtid"] or "").split())
    return BinlogPosition(found["file"].strip(), found["position"].strip(), "" if gtid == "(null)" else gtid)


def missing_schemas(expected: t.Mapping[str, TableNames], files: t.AbstractSet[str]) -> t.List[str]:
    """Return the tables and views without a schema file, as ``database.name``.

    MyDumper 0.10 names files after the table, with no encoding. A view has a table's schema file too.

    :param expected: tables and views by database
    :param files: names in the output directory
    """
    missing = []
    for database, names in expected.items():
        absent = [name for name in (*names.tables, *names.views) if f"{database}.{name}-schema.sql" not in files]
        absent += [name for name in names.views if f"{database}.{name}-schema-view.sql" not in files]
        missing += [f"{database}.{name}" for name in dict.fromkeys(absent)]
    return missing
