# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Databases of the server that a backup is restored to: create them, and keep their collation."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_scripts import renamed_create
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import converted_errors

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


def create_database(connection: Connection[Cursor], one: DatabaseRestore, statement: t.Optional[bytes]) -> None:
    """Create a database unless the server has it.

    :param statement: the dump's ``CREATE DATABASE``, for the database's name in the backup; ``None`` when it has none
    """
    create = renamed_create(statement, one.name, one.target) if statement else None
    text = create.decode("utf-8", "surrogateescape").rstrip().rstrip(";") if create else ""
    with converted_errors(), connection.cursor() as cursor:
        cursor.execute(text or f"CREATE DATABASE IF NOT EXISTS {quote_identifier(one.target)}")


def collation_of(connection: Connection[Cursor], database: str) -> t.Optional[str]:
    """Return the default collation of a database, ``None`` when the server does not have the database."""
    with converted_errors(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", (database,)
        )
        row = cursor.fetchone()
    return str(row[0]) if row else None


def set_collation(connection: Connection[Cursor], database: str, collation: str) -> None:
    """Set the default collation of a database, unless it is that already."""
    if collation_of(connection, database) == collation:
        return
    with converted_errors(), connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {quote_identifier(database)} COLLATE {collation}")
