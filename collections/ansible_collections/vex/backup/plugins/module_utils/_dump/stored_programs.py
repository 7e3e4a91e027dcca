# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stored programs of a database, as SQL that creates them again without any change.

MyDumper 0.10.1 drops their SQL mode and changes their line ends, and its loader fails on some of its own files;
mysqldump fails on databases with a quote in their name. So this collection writes them itself, in the form of
mysqldump: each with the SQL mode, the character sets and the time zone that it was created with.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Program, server_errors

# connection.py keeps the reason of a failed import, and every module reports it before it calls this code.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

# No such routine, trigger, event. An event that runs once drops itself after that.
_DROPPED = (1305, 1360, 1539)

_HEAD = b"""SET @vex_sql_mode = @@sql_mode, @vex_time_zone = @@time_zone;
SET @vex_client = @@character_set_client, @vex_results = @@character_set_results;
SET @vex_collation = @@collation_connection;
"""
_TAIL = b"""SET sql_mode = @vex_sql_mode, time_zone = @vex_time_zone;
SET character_set_client = @vex_client, character_set_results = @vex_results;
SET collation_connection = @vex_collation;
"""


def write_programs(connection: Connection[Cursor], database: str, programs: t.Sequence[Program], path: str) -> None:
    """Write the statements that create *programs*, for a client whose current database is *database*.

    A program that was dropped since it was listed is left out, as a table would be.

    :param connection: opened with ``raw``: a program's text is in the character set of its creator
    :param path: a file that does not exist yet
    :raises DumpFailed: for a program whose text the account must not see
    :raises ServerUnavailable: when the server stops answering
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with server_errors(), open(descriptor, "wb") as stream, connection.cursor() as cursor:
        cursor.execute("SET SESSION character_set_results = binary")
        cursor.execute(
            "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", (database,)
        )
        row = cursor.fetchone()
        collation = row[0] if row else b""
        stream.write(_HEAD)
        stream.writelines(_statements(cursor, database, collation, program) for program in programs)
        stream.write(_TAIL)


def _statements(cursor: Cursor, database: str, collation: bytes, program: Program) -> bytes:
    try:
        cursor.execute(f"SHOW CREATE {program.kind} {quote_identifier(database)}.{quote_identifier(program.name)}")
    except pymysql.err.MySQLError as error:
        if error.args[0] in _DROPPED:
            return b""
        raise
    row = cursor.fetchone()
    columns = [column[0] for column in cursor.description]
    found: t.Dict[str, t.Any] = dict(zip((name.lower() for name in columns), row or ()))
    text = found.get("sql original statement") or found.get(f"create {program.kind.lower()}")
    if not text:
        raise DumpFailed(
            f"{database}: the account must not see the text of {program.kind} {program.name}; "
            "GRANT it SELECT ON *.* (MySQL: also SHOW_ROUTINE)"
        )
    lines = [
        b"SET character_set_client = %s;" % found["character_set_client"],
        b"SET character_set_results = %s;" % found["character_set_client"],
        b"SET collation_connection = %s;" % found["collation_connection"],
        b"SET sql_mode = '%s';" % found["sql_mode"],
    ]
    if "time_zone" in found:
        lines.append(b"SET time_zone = '%s';" % found["time_zone"])
    own = found["database collation"]
    # A program keeps the collation that its database had when the program was created.
    alter = b"ALTER DATABASE %s COLLATE %%s;" % quote_identifier(database).encode()
    if own != collation:
        lines.append(alter % own)
    delimiter = b";;"
    while delimiter in text:
        delimiter += b";"
    lines += [b"DELIMITER " + delimiter, text + delimiter, b"DELIMITER ;"]
    if own != collation:
        lines.append(alter % collation)
    return b"\n".join(lines) + b"\n"
