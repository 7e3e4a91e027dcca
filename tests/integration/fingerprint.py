"""The definitions and checksums of a database, as comparable values."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from tests.integration.odd_databases import quoted

if TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

# MySQL shows the character set beside the collation only if the statement had it; the collation implies it.
_IMPLIED = re.compile(r" CHARACTER SET \w+(?= COLLATE )")
_PROGRAMS = {
    "routine": """
        SELECT ROUTINE_NAME, ROUTINE_TYPE, ROUTINE_DEFINITION, DTD_IDENTIFIER, SQL_MODE, DEFINER, SECURITY_TYPE,
               IS_DETERMINISTIC, ROUTINE_COMMENT, DATABASE_COLLATION
          FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s""",
    "parameter": """
        SELECT SPECIFIC_NAME, ORDINAL_POSITION, PARAMETER_MODE, PARAMETER_NAME, DTD_IDENTIFIER
          FROM information_schema.PARAMETERS WHERE SPECIFIC_SCHEMA = %s""",
    "trigger": """
        SELECT TRIGGER_NAME, EVENT_MANIPULATION, EVENT_OBJECT_TABLE, ACTION_TIMING, ACTION_STATEMENT, SQL_MODE, DEFINER
          FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s""",
    "event": """
        SELECT EVENT_NAME, EVENT_DEFINITION, SQL_MODE, DEFINER, STATUS, STARTS, INTERVAL_VALUE, INTERVAL_FIELD,
               EVENT_COMMENT, TIME_ZONE
          FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s""",
    "view": """
        SELECT TABLE_NAME, VIEW_DEFINITION, DEFINER, SECURITY_TYPE, CHECK_OPTION
          FROM information_schema.VIEWS WHERE TABLE_SCHEMA = %s""",
    "schema": """
        SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME
          FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s""",
}


def fingerprint(connection: Connection[Cursor], database: str) -> dict[tuple[str, str], Any]:
    """Return the definitions and checksums of a database by kind and name."""
    found: dict[tuple[str, str], Any] = {}
    with contextlib.closing(connection.cursor()) as cursor:
        for kind, query in _PROGRAMS.items():
            cursor.execute(query, (database,))
            for row in cursor.fetchall():
                if kind == "view":
                    # The order of creation decides if the server names the database in the definition.
                    row = (row[0], row[1].replace(f"{quoted(database)}.", ""), *row[2:])  # noqa: PLW2901
                found[kind, f"{row[0]} {row[1]}" if kind == "parameter" else str(row[0])] = row
        cursor.execute(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_TYPE <> 'VIEW'",
            (database,),
        )
        for (table,) in cursor.fetchall():
            name = f"{quoted(database)}.{quoted(table)}"
            cursor.execute(f"SHOW CREATE TABLE {name}")
            definition = cursor.fetchone()
            cursor.execute(f"CHECKSUM TABLE {name} EXTENDED")
            checksum = cursor.fetchone()
            assert definition is not None
            assert checksum is not None
            found["table", table] = (_IMPLIED.sub("", definition[1]), checksum[1])
    return found
