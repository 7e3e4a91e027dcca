# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Databases of the server that a backup is restored to: create them, and keep their collation."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import Definition
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier, quoted
from ansible_collections.vex.backup.plugins.module_utils._restore.definitions import Failure
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import converted_errors
from ansible_collections.vex.backup.plugins.module_utils._restore.target import Target

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

_RESET_SECONDS = 60
# Names of the same collations in newer and older servers.
_NEWER, _OLDER = "utf8mb3_", "utf8_"


def create_database(connection: Connection[Cursor], one: DatabaseRestore, create: Definition) -> t.List[Failure]:
    """Create a database unless the server has it; return a failure when it has another collation than the dumped one.

    :param create: the definition in the backup
    """
    if collation_of(connection, one.target) is not None:
        return []
    with converted_errors():
        connection.query(renamed_create(create.texts[0], one))
    found = str(collation_of(connection, one.target))
    if found.replace(_NEWER, _OLDER) == one.collation.replace(_NEWER, _OLDER):
        return []
    return [Failure(f"database {one.target}", f"has the collation {found}, not {one.collation}")]


def renamed_create(statement: bytes, one: DatabaseRestore) -> bytes:
    """Return a ``CREATE DATABASE`` for the target's name, which does nothing when the database exists."""
    renamed = statement.replace(quoted(one.name), quoted(one.target), 1)
    return renamed.replace(b"CREATE DATABASE", b"CREATE DATABASE IF NOT EXISTS", 1)


@contextlib.contextmanager
def source_collations(target: Target, databases: t.Sequence[DatabaseRestore]) -> t.Iterator[None]:
    """Give the databases the collations of the dumped ones during the block: a stored program keeps its database's.

    A database that the server had before then gets its own collation back.
    """
    with contextlib.closing(target.connect_to_load()) as connection:
        before = {one.target: str(collation_of(connection, one.target)) for one in databases}
        for one in databases:
            set_collation(connection, one.target, one.collation)
    try:
        yield
    except BaseException:
        # An error here would hide the error of the restore.
        with contextlib.suppress(BackupError):
            _set_collations(target, before)
        raise
    _set_collations(target, before)


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


def _set_collations(target: Target, collations: t.Mapping[str, str]) -> None:
    # With a limit of its own: the restore's may have passed.
    with contextlib.closing(connect(target.request.login, statement_timeout=_RESET_SECONDS)) as connection:
        with converted_errors(), connection.cursor() as cursor:
            cursor.execute(target.session)
        for database, collation in collations.items():
            set_collation(connection, database, collation)
