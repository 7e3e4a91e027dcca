# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server that a backup is restored to: what it holds already, and what it holds afterwards."""

from __future__ import annotations

import contextlib
import threading
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, RestoreFailed, ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Program, list_objects
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore, RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_scripts import quoted, renamed_create

# connection.py keeps the reason of a failure; every module that comes here reports that first.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

Connect = t.Callable[[], "Connection[Cursor]"]

_DEFINERS = """
SELECT DEFINER, CONCAT('view ', TABLE_NAME) FROM information_schema.VIEWS WHERE TABLE_SCHEMA = %(database)s
UNION ALL
SELECT DEFINER, CONCAT(LOWER(ROUTINE_TYPE), ' ', ROUTINE_NAME) FROM information_schema.ROUTINES
 WHERE ROUTINE_SCHEMA = %(database)s
UNION ALL
SELECT DEFINER, CONCAT('trigger ', TRIGGER_NAME) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %(database)s
UNION ALL
SELECT DEFINER, CONCAT('event ', EVENT_NAME) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %(database)s
"""
_NAMES_OF_BEFORE = """
SELECT CONCAT('view ', TABLE_NAME) FROM information_schema.VIEWS
 WHERE TABLE_SCHEMA = %(target)s AND LOCATE(%(name)s, VIEW_DEFINITION) > 0
UNION ALL
SELECT CONCAT(LOWER(ROUTINE_TYPE), ' ', ROUTINE_NAME) FROM information_schema.ROUTINES
 WHERE ROUTINE_SCHEMA = %(target)s AND LOCATE(%(name)s, REPLACE(ROUTINE_DEFINITION, '`', '')) > 0
UNION ALL
SELECT CONCAT('trigger ', TRIGGER_NAME) FROM information_schema.TRIGGERS
 WHERE TRIGGER_SCHEMA = %(target)s AND LOCATE(%(name)s, REPLACE(ACTION_STATEMENT, '`', '')) > 0
UNION ALL
SELECT CONCAT('event ', EVENT_NAME) FROM information_schema.EVENTS
 WHERE EVENT_SCHEMA = %(target)s AND LOCATE(%(name)s, REPLACE(EVENT_DEFINITION, '`', '')) > 0
"""
_SHOWN = 10
NO_SUCH_TABLE = 1146
# What the client library says when nobody answers any more.
_GONE = range(2000, 3000)


class Existing(t.NamedTuple):
    """What a database of the server holds of what is to be restored into it."""

    tables: t.Sequence[str]
    views: t.Sequence[str]
    programs: t.Sequence[Program]

    def __bool__(self) -> bool:
        return bool(self.tables or self.views or self.programs)

    def __str__(self) -> str:
        programs = [f"{program.kind.lower()} {program.name}" for program in self.programs]
        return shortened([*self.tables, *self.views, *programs])


@contextlib.contextmanager
def statements() -> t.Iterator[None]:
    """:raises ServerUnavailable, RestoreFailed: instead of the client library's errors"""
    try:
        yield
    except (pymysql.err.MySQLError, OSError) as error:
        number, reason = error.args if len(error.args) == 2 else (0, error)
        if isinstance(error, (OSError, pymysql.err.InterfaceError)) or number in _GONE:
            raise ServerUnavailable(f"the server stopped answering: {reason}") from None
        raise RestoreFailed(
            f"the server refused what the restore needs: {reason}; the account must be allowed to make and drop what "
            "is restored"
        ) from None


def existing(connection: Connection[Cursor], one: DatabaseRestore) -> Existing:
    """What restoring *one* would write over."""
    now = list_objects(connection, one.target)
    key = _key(connection)
    names = {key(name) for name in (*one.tables, *one.views)}
    return Existing(
        [name for name in now.tables if key(name) in names],
        [name for name in now.views if key(name) in names],
        # Of one table only the triggers come along, and they go with it.
        [program for program in now.programs if program in set(one.programs)] if one.table is None else [],
    )


def make_room(connection: Connection[Cursor], one: DatabaseRestore, found: Existing) -> None:
    """Drop what is to be written over."""
    with statements(), connection.cursor() as cursor:
        cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
        for program in found.programs:
            cursor.execute(f"DROP {program.kind} IF EXISTS {_name(one.target, program.name)}")
        for kind, names in (("VIEW", found.views), ("TABLE", found.tables)):
            for name in names:
                cursor.execute(f"DROP {kind} IF EXISTS {_name(one.target, name)}")


def make_database(connection: Connection[Cursor], one: DatabaseRestore, statement: t.Optional[bytes]) -> None:
    """Make the database unless it is there, as *statement* does, which may be of another name."""
    create = renamed_create(statement, one.name, one.target) if statement else None
    text = create.decode("utf-8", "surrogateescape").rstrip().rstrip(";") if create else ""
    with statements(), connection.cursor() as cursor:
        cursor.execute(text or f"CREATE DATABASE IF NOT EXISTS {_quoted(one.target)}")


def collation_of(connection: Connection[Cursor], database: str) -> t.Optional[str]:
    """What a database has for its tables and programs; ``None`` when it is not there."""
    with statements(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", (database,)
        )
        row = cursor.fetchone()
    return str(row[0]) if row else None


def set_collation(connection: Connection[Cursor], database: str, collation: str) -> None:
    """Give a database back what it had."""
    with statements(), connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {_quoted(database)} COLLATE {collation}")


def count_rows(connect: Connect, plan: RestorePlan, threads: int) -> t.Dict[t.Tuple[str, str], int]:
    """The rows of each restored table that is there, by the database's name in the backup and its own."""
    with contextlib.closing(connect()) as connection:
        tables = [(one, name, kind) for one in plan.databases for name, kind in _tables(connection, one).items()]
    shares = [tables[start::threads] for start in range(threads)]
    counting: t.List[int] = []
    stopped = threading.Event()

    def count(share: t.Sequence[t.Tuple[DatabaseRestore, str, str]]) -> t.Dict[t.Tuple[str, str], int]:
        counted = {}
        with contextlib.closing(connect()) as connection, statements(), connection.cursor() as cursor:
            counting.append(connection.thread_id())
            # Looked at behind that: whoever stops the counts either finds this one there, or it does not begin.
            for one, name, kind in [] if stopped.is_set() else share:
                if kind == "SEQUENCE":
                    # It has a state, which reads like a row, and is none.
                    counted[one.name, name] = 0
                    continue
                history = " FOR SYSTEM_TIME ALL" if "VERSIONED" in kind else ""
                cursor.execute(f"SELECT COUNT(*) FROM {_name(one.target, name)}{history}")
                counted[one.name, name] = int((cursor.fetchone() or (0,))[0])
        return counted

    with Threads(threads) as pool:
        try:
            return {key: rows for counted in pool.map(count, filter(None, shares)) for key, rows in counted.items()}
        except BaseException:
            stopped.set()
            _kill(connect, counting)
            raise


def _kill(connect: Connect, numbers: t.Iterable[int]) -> None:
    """End connections: the server goes on counting a large table when nobody waits for it any more."""
    with contextlib.suppress(BackupError), contextlib.closing(connect()) as connection, connection.cursor() as cursor:
        for number in numbers:
            # It may have ended by itself.
            with contextlib.suppress(pymysql.err.MySQLError):
                cursor.execute(f"KILL {number}")


def differences(
    connection: Connection[Cursor], plan: RestorePlan, counted: t.Mapping[t.Tuple[str, str], int]
) -> t.List[str]:
    """What the server holds otherwise than the manifest says, a sentence each."""
    found = []
    key = _key(connection)
    for one in plan.databases:
        now = list_objects(connection, one.target)
        views = {key(name) for name in now.views}
        for name, rows in one.tables.items():
            has = counted.get((one.name, name))
            if has is None:
                found.append(f"table {one.target}.{name} is missing")
            elif rows is not None and has != rows:
                found.append(f"table {one.target}.{name} has {has} rows, {rows} were dumped")
        found += [f"view {one.target}.{name} is missing" for name in one.views if key(name) not in views]
        if one.table is None:
            missing = [program for program in one.programs if program not in set(now.programs)]
            found += [f"{program.kind.lower()} {one.target}.{program.name} is missing" for program in missing]
    return found


def doubts(connection: Connection[Cursor], one: DatabaseRestore) -> t.List[str]:
    """What is there and was not compared, or will not work as somebody may think: views, definers, names of before."""
    found = []
    unknown = [name for name, rows in one.tables.items() if rows is None]
    if unknown:
        found.append(
            f"{one.target}: the manifest does not say how many rows {shortened(unknown)} had, so they were not compared"
        )
    with statements(), connection.cursor() as cursor:
        for view in one.views:
            try:
                cursor.execute(f"SELECT 1 FROM {_name(one.target, view)} LIMIT 0")
            except (pymysql.err.OperationalError, pymysql.err.ProgrammingError) as error:
                # That it is not there is no doubt, but a difference.
                if error.args[0] != NO_SUCH_TABLE:
                    found.append(f"view {one.target}.{view} was restored and cannot be read: {error.args[1]}")
        cursor.execute(_DEFINERS, {"database": one.target})
        by_definer: t.Dict[str, t.List[str]] = {}
        for definer, what in cursor.fetchall():
            by_definer.setdefault(definer, []).append(what)
        for definer, names in by_definer.items():
            if not _is_account(cursor, definer):
                found.append(
                    f"{one.target}: the definer {definer} of {shortened(names)} is no account of this server; they "
                    "fail when they are used, until it is made"
                )
        if one.target != one.name:
            cursor.execute(_NAMES_OF_BEFORE, {"target": one.target, "name": f"{one.name}."})
            names = [row[0] for row in cursor.fetchall()]
            cursor.execute(_NAMES_OF_BEFORE, {"target": one.target, "name": f"{_quoted(one.name)}."})
            names += [row[0] for row in cursor.fetchall() if row[0] not in names]
            if names:
                found.append(
                    f"{one.target}: {shortened(names)}: their text names the database {one.name}, and so means that one"
                )
    return found


def shortened(names: t.Sequence[str]) -> str:
    """Some of *names*, and how many more there are."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _tables(connection: Connection[Cursor], one: DatabaseRestore) -> t.Dict[str, str]:
    """The kinds of those tables that are there, by their names in the backup."""
    key = _key(connection)
    with statements(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s", (one.target,)
        )
        kinds = {key(name): kind for name, kind in cursor.fetchall() if kind != "VIEW"}
    return {name: kinds[key(name)] for name in one.tables if key(name) in kinds}


def _key(connection: Connection[Cursor]) -> t.Callable[[str], str]:
    """What names of tables have in common that are one table to the server."""
    with statements(), connection.cursor() as cursor:
        cursor.execute("SELECT @@lower_case_table_names")
        is_sensitive = not int((cursor.fetchone() or (0,))[0])
    return str if is_sensitive else str.lower


def _is_account(cursor: Cursor, definer: str) -> bool:
    user, _at, host = definer.rpartition("@")
    try:
        # A role of MariaDB is an account without a host.
        cursor.execute("SELECT 1 FROM mysql.user WHERE User = %s AND Host = %s", (user or host, host if user else ""))
    except pymysql.err.OperationalError:
        # The account may not see who there is, so there is nothing to be said of it.
        return True
    return cursor.fetchone() is not None


def _name(database: str, name: str) -> str:
    return f"{_quoted(database)}.{_quoted(name)}"


def _quoted(name: str) -> str:
    return quoted(name).decode("utf-8", "surrogateescape")
