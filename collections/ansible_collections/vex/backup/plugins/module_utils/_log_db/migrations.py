# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The migrations of the log database: their order, their checksums, and their application."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import MigrationError
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import (
    NO_SUCH_TABLE,
    LogDatabase,
    commit,
    explain,
    log_database,
    log_patience,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login

# Without PyMySQL the modules refuse to start: see PYMYSQL_FAILURE in _mysql/connection.py.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

FILE_NAME = re.compile(r"(?P<number>\d{4})_(?P<name>[a-z0-9_]+)\.sql")
CREATED_TABLE = re.compile(r"CREATE\s+TABLE\s+IF\s+NOT\s+EXISTS\s+(\w+)", re.IGNORECASE)
LOCK_SECONDS = 60
# The server's errors for a change that was made before: the column exists, the key exists, there is nothing to drop.
ALREADY_DONE = {1060, 1061, 1091}
# One statement, up to its semicolon; quotes and comments may contain semicolons.
STATEMENT = re.compile(r"(?:'(?:[^'\\]|\\.|'')*'|`[^`]*`|\"(?:[^\"\\]|\\.)*\"|--[^\n]*|/\*.*?\*/|[^;])+", re.DOTALL)
COMMENT = re.compile(r"\s*(?:--[^\n]*(?:\n|$)|/\*.*?\*/)\s*", re.DOTALL)


class Migration(t.NamedTuple):
    """One step of the schema: ``title`` is the name of its file without ``.sql``, ``sha256`` the digest of the file."""

    number: int
    title: str
    sha256: str
    statements: t.Tuple[str, ...]


class Applied(t.NamedTuple):
    """A step that was applied to a database, as ``versao_esquema`` records it."""

    number: int
    title: str
    sha256: str


def read_migrations(folder: str) -> t.List[Migration]:
    """Return the steps in *folder*, in order.

    :raises MigrationError: when the directory cannot be read or is empty, a name is not ``NNNN_name.sql``,
        or a number is missing or used twice
    """
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".sql"))
    except OSError as error:
        raise MigrationError(f"migrations: {folder} cannot be read: {error.strerror}") from None
    if not names:
        raise MigrationError(f"migrations: {folder} holds no .sql file")
    migrations = []
    for expected, name in enumerate(names, start=1):
        match = FILE_NAME.fullmatch(name)
        if match is None:
            raise MigrationError(f"migrations: {name} is not named like 0001_name.sql")
        if int(match["number"]) != expected:
            raise MigrationError(
                f"migrations: {name} comes where number {expected:04d} should: no gap and no number twice"
            )
        with open(os.path.join(folder, name), "rb") as stream:
            content = stream.read()
        statements = tuple(split_statements(content.decode("utf-8")))
        migrations.append(Migration(expected, name[: -len(".sql")], hashlib.sha256(content).hexdigest(), statements))
    return migrations


def split_statements(text: str) -> t.List[str]:
    """Split an SQL script into its statements, without the comments before them. ``DELIMITER`` is not known."""
    statements = []
    for match in STATEMENT.finditer(text):
        statement = match.group()
        while True:
            comment = COMMENT.match(statement)
            if comment is None:
                break
            statement = statement[comment.end() :]
        if statement.strip():
            statements.append(statement.strip())
    return statements


def pending(migrations: t.Sequence[Migration], applied: t.Sequence[Applied]) -> t.List[Migration]:
    """Return the steps that were not applied to a database yet.

    :param migrations: as :func:`read_migrations` returns them
    :param applied: in order
    :raises MigrationError: when an applied step was edited since, a step was skipped, or an applied step is not
        known to this release
    """
    for expected, step in enumerate(applied, start=1):
        if step.number != expected:
            raise MigrationError(
                f"the log database has step {step.title} but not step {expected:04d}: "
                "its table versao_esquema was changed by hand; restore that table"
            )
        if expected > len(migrations):
            raise MigrationError(
                f"the log database has step {step.title}, which this release does not know: "
                "update the vex.backup collection"
            )
        known = migrations[expected - 1]
        if (step.title, step.sha256) != (known.title, known.sha256):
            raise MigrationError(
                f"step {known.title} was edited or renamed after it was applied to the log database (as {step.title}): "
                "restore its file and put the change in a new step"
            )
    return list(migrations[len(applied) :])


@dataclasses.dataclass(frozen=True)
class SchemaRequest:
    """The options of ``backup_log_schema``: ``migrations`` is the directory of the steps, ``patience`` in seconds."""

    login: Login
    login_database: str
    migrations: str
    create_database: bool
    patience: int


def bring_up_to_date(request: SchemaRequest, check_mode: bool) -> t.Dict[str, t.Any]:
    """Apply the steps that were not applied to the log database yet.

    :param check_mode: change nothing, only return what is pending
    :returns: the module's result
    :raises MigrationError: as :func:`read_migrations` and :func:`pending`, when the database has tables of these
        names that may be another program's, or when a step fails
    :raises LogDatabaseUnavailable: when the log database cannot be reached
    """
    migrations = read_migrations(request.migrations)
    database = request.login_database
    # Only the connection is waited for: a change of a table may take long, and is not begun twice.
    patience = log_patience(request.patience)
    with (
        log_database(LogDatabase(request.login, None), statement_timeout=None, patience=patience) as connection,
        _alone(connection, database),
    ):
        exists = _exists(connection, database)
        if not exists and not request.create_database:
            raise MigrationError(
                f"there is no database {database} that this account may use: set create_database, or create it first"
            )
        if not exists and not check_mode:
            _create(connection, database)
        applied = [] if check_mode and not exists else _applied(connection, database, migrations)
        steps = pending(migrations, applied)
        if not check_mode:
            for number, step in enumerate(steps):
                _apply(connection, step, [done.title for done in steps[:number]])
    titles = [step.title for step in steps]
    version = len(applied) if check_mode else len(migrations)
    return {
        "changed": bool(titles) or not exists,
        "created": not exists,
        "applied": [] if check_mode else titles,
        "pending": titles if check_mode else [],
        "version": version,
        "diff": {
            "before": _listing(step.title for step in applied),
            "after": _listing(step.title for step in migrations),
        },
    }


@contextlib.contextmanager
def _alone(connection: Connection[Cursor], database: str) -> t.Iterator[None]:
    """Hold a lock that makes a second call wait; the server releases it when the connection ends."""
    name = "vex_backup_schema_" + hashlib.sha256(database.encode("utf-8")).hexdigest()[:32]
    with connection.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, %s)", (name, LOCK_SECONDS))
        row = cursor.fetchone()
        if row != (1,):
            raise MigrationError(f"another run has been changing the schema of {database} for {LOCK_SECONDS} seconds")
        yield


def _exists(connection: Connection[Cursor], database: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", (database,))
        return cursor.fetchone() is not None


def _create(connection: Connection[Cursor], database: str) -> None:
    quoted = database.replace("`", "``")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{quoted}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci")


def _applied(connection: Connection[Cursor], database: str, migrations: t.Sequence[Migration]) -> t.List[Applied]:
    connection.select_db(database)
    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT numero, nome, sha256 FROM versao_esquema ORDER BY numero")
        except pymysql.err.MySQLError as error:
            if error.args[0] != NO_SUCH_TABLE:
                raise
            # The first step makes this table, so no table of ours can exist without it.
            _refuse_foreign_tables(cursor, database, migrations)
            return []
        return [Applied(*row) for row in cursor.fetchall()]


def _refuse_foreign_tables(cursor: Cursor, database: str, migrations: t.Sequence[Migration]) -> None:
    """Refuse tables of another program, which ``CREATE TABLE IF NOT EXISTS`` would accept as ours."""
    ours = [name for step in migrations for statement in step.statements for name in CREATED_TABLE.findall(statement)]
    cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (database,))
    found = sorted(set(ours) & {str(row[0]) for row in cursor.fetchall()})
    if found:
        raise MigrationError(
            f"the database {database} has no table versao_esquema, but has {', '.join(found)}: they are another "
            "program's, or ours without their version; give login_database another name, or restore versao_esquema"
        )


def _apply(connection: Connection[Cursor], step: Migration, done: t.Sequence[str]) -> None:
    try:
        with connection.cursor() as cursor:
            for statement in step.statements:
                _change(cursor, statement)
            cursor.execute(
                "INSERT INTO versao_esquema (numero, nome, sha256, aplicada_em) VALUES (%s, %s, %s, %s)",
                (step.number, step.title, step.sha256, timestamp(utc_now())),
            )
        commit(connection)
    except pymysql.err.Error as error:
        raise MigrationError(
            f"step {step.title} failed: {explain(error)}; "
            "the steps before it are applied: correct the cause and run again",
            applied=list(done),
        ) from None


def _change(cursor: Cursor, statement: str) -> None:
    """Run one statement of a step.

    ``ALTER TABLE`` commits by itself. A run that died right after it has left the change without its record: the step
    is still pending, and the column or key exists. An ``ALTER TABLE`` with several changes fails with the same error
    when one of them was made by hand, and makes none of the others: a step makes one change.
    """
    try:
        cursor.execute(statement)
    except pymysql.err.MySQLError as error:
        if error.args[0] not in ALREADY_DONE:
            raise


def _listing(titles: t.Iterable[str]) -> str:
    return "".join(f"{title}\n" for title in titles)
