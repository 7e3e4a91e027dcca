# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts that a server reports: product, version, databases and their objects, the account's grants."""

from __future__ import annotations

import contextlib
import hashlib
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError, ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.grants import Grants, parse_grants
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier
from ansible_collections.vex.backup.plugins.module_utils._mysql.session import PLACE

# connection.py keeps the reason of a failed import, and every module reports it before it calls this code.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

SYSTEM_DATABASES = frozenset(
    (
        "sys",
        "mysql",
        "performance_schema",
        "information_schema",
        "innodb_cluster_metadata",
        "mysql_innodb_cluster_metadata",
    )
)

# Kinds of tables: https://mariadb.com/kb/en/information-schema-tables-table/
_OBJECTS = """
SELECT TABLE_TYPE, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %(database)s ORDER BY TABLE_NAME
"""
# In TRIGGERS and EVENTS, MariaDB takes the names of databases for equal when only their accents differ.
# Packages come before their bodies, and the triggers of one table in the order in which they fire.
_PROGRAMS = """
SELECT ROUTINE_TYPE AS kind, ROUTINE_NAME AS name, 0 AS place
  FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %(database)s
UNION ALL
SELECT 'TRIGGER', TRIGGER_NAME, ACTION_ORDER FROM information_schema.TRIGGERS
 WHERE TRIGGER_SCHEMA = %(database)s AND CAST(TRIGGER_SCHEMA AS BINARY) = CAST(%(database)s AS BINARY)
 ORDER BY kind, place, name
"""
_EVENTS = """
SELECT EVENT_NAME FROM information_schema.EVENTS
 WHERE EVENT_SCHEMA = %(database)s AND CAST(EVENT_SCHEMA AS BINARY) = CAST(%(database)s AS BINARY) ORDER BY EVENT_NAME
"""
_HIDES_EVENTS = "SELECT @@event_scheduler = 'DISABLED' AND VERSION() LIKE '%MariaDB%'"
_HIDDEN_EVENTS = "SELECT name FROM mysql.event WHERE db = %(database)s ORDER BY name"


_TRIGGERS = """
SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS
 WHERE TRIGGER_SCHEMA = %(database)s AND CAST(TRIGGER_SCHEMA AS BINARY) = CAST(%(database)s AS BINARY)
"""
# Only MySQL has libraries, since 9.2. Routines can use them.
_HAS_LIBRARIES = """
SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME = 'LIBRARIES'
"""
_LIBRARIES = "SELECT LIBRARY_NAME FROM information_schema.LIBRARIES WHERE LIBRARY_SCHEMA = %(database)s"
_NO_SUCH_DATABASE = 1049


class Program(t.NamedTuple):
    """A stored program; ``kind`` is its name in ``SHOW CREATE``, such as ``TRIGGER``."""

    kind: str
    name: str


class Objects(t.NamedTuple):
    """The objects of a database, by name; stored programs are in the order in which they can be created."""

    tables: t.Sequence[str]
    views: t.Sequence[str]
    programs: t.Sequence[Program]


class BinlogPosition(t.NamedTuple):
    """A position in the server's binary log; ``gtid`` is empty where it is not known."""

    file: str
    position: str
    gtid: str


class Server(t.NamedTuple):
    """A server.

    ``product`` is ``mysql`` or ``mariadb``, ``numbers`` its numeric version. ``instance`` identifies it, and does not
    depend on the address: ``Login.only`` keeps all sessions on it. ``account`` is the account that logged in, quoted.
    """

    product: str
    version: str
    numbers: t.Tuple[int, ...]
    account: str
    instance: str
    binlog_enabled: bool
    lower_case_table_names: int = 0

    @property
    def name(self) -> str:
        """Product and version, for people: ``MariaDB 10.11.18``."""
        words = {"mysql": "MySQL", "mariadb": "MariaDB"}
        return f"{words[self.product]} {'.'.join(map(str, self.numbers))}"


@contextlib.contextmanager
def server_errors() -> t.Iterator[None]:
    """Convert the client library's errors in the block.

    :raises ServerUnavailable: for each of them
    """
    try:
        yield
    except (pymysql.err.MySQLError, OSError) as error:
        number, reason = error.args if len(error.args) == 2 else (0, error)
        # PyMySQL gives errors of the connection these numbers, as MySQL's C client does.
        is_refusal = isinstance(error, pymysql.err.MySQLError) and number and number not in range(2000, 3000)
        event = "refused a statement" if is_refusal else "no longer answers"
        refusal = ServerUnavailable(f"the server {event}: {reason}")
        refusal.number = number if is_refusal else 0
        raise refusal from None


def describe(connection: Connection[Cursor]) -> Server:
    """Read the server's product, version, account and identity.

    :raises ServerUnavailable: when it does not answer, or is not a MySQL or MariaDB
    """
    with server_errors(), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT @@version, @@version_comment, CURRENT_USER(), @@log_bin, @@lower_case_table_names, {PLACE}"
        )
        # A SELECT without FROM has one row.
        version, comment, account, log_bin, case, place = t.cast("t.Tuple[str, ...]", cursor.fetchone())
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    if not found:
        raise ServerUnavailable(f"the server's version {version!r} is not one of MySQL or MariaDB")
    product = "mariadb" if "mariadb" in f"{version} {comment}".lower() else "mysql"
    return Server(
        product=product,
        version=version,
        numbers=tuple(int(part) for part in found.groups()),
        account=_quoted_account(account),
        instance=hashlib.sha256(place.encode()).hexdigest()[:16],
        binlog_enabled=bool(int(log_bin)),
        lower_case_table_names=int(case),
    )


def grants(connection: Connection[Cursor], server: Server) -> Grants:
    """Read the privileges of the account and its active roles."""
    statements: t.List[str] = []
    with server_errors(), connection.cursor() as cursor:
        cursor.execute("SHOW GRANTS")
        statements += [row[0] for row in cursor.fetchall()]
        if server.product == "mysql" and server.numbers >= (8,):
            # MySQL shows a role's privileges only with USING; MariaDB always shows them, and MySQL 5.7 has no roles.
            cursor.execute("SELECT CURRENT_ROLE()")
            roles = str((cursor.fetchone() or ("NONE",))[0])
            if roles != "NONE":
                cursor.execute(f"SHOW GRANTS FOR CURRENT_USER() USING {roles}")
                statements += [row[0] for row in cursor.fetchall()]
    return parse_grants(statements)


def list_databases(connection: Connection[Cursor]) -> t.List[str]:
    """Return the databases that the account can see."""
    with server_errors(), connection.cursor() as cursor:
        cursor.execute("SHOW DATABASES")
        return [row[0] for row in cursor.fetchall()]


def has_database(connection: Connection[Cursor], name: str) -> bool:
    """Return whether the server has a database.

    :raises ServerUnavailable: when the account may not know that
    """
    with server_errors(), connection.cursor() as cursor:
        try:
            cursor.execute(f"USE {quote_identifier(name)}")
        except pymysql.err.MySQLError as error:
            if error.args[:1] == (_NO_SUCH_DATABASE,):
                return False
            raise
    return True


def choose_databases(connection: Connection[Cursor], include: t.Sequence[str], exclude: t.Sequence[str]) -> t.List[str]:
    """Return the databases to dump: all databases of the server except the system's and the excluded ones.

    :param include: dump only these; empty for all
    :raises OptionError: for an included database that the server does not have, or when none is left
    """
    present = list_databases(connection)
    unknown = [name for name in include if name not in present]
    if unknown:
        raise OptionError(
            f"databases: the server has no database {', '.join(map(repr, unknown))} that the account can see: check "
            "the names and the account's privileges"
        )
    chosen = [
        name
        for name in present
        if name not in SYSTEM_DATABASES and (name in include if include else not is_stray(name)) and name not in exclude
    ]
    if not chosen:
        raise OptionError(
            "no database to dump: the server has only system databases and excluded ones; check databases and "
            "exclude_databases"
        )
    return chosen


def is_stray(name: str) -> bool:
    """Return whether MariaDB lists a directory in its data directory that is no database, such as ``lost+found``."""
    return name.startswith("#mysql50#")


def list_objects(connection: Connection[Cursor], database: str) -> Objects:
    """Read the objects that *database* holds now."""
    with server_errors(), connection.cursor() as cursor:
        cursor.execute(_OBJECTS, {"database": database})
        tables = cursor.fetchall()
        programs = _libraries(cursor, database)
        cursor.execute(_PROGRAMS, {"database": database})
        programs += [Program(kind.upper(), name) for kind, name, _place in cursor.fetchall()]
        programs += _events(cursor, database)
    return Objects(
        tables=[name for kind, name in tables if "VIEW" not in kind],
        views=[name for kind, name in tables if "VIEW" in kind],
        programs=programs,
    )


def list_tables(connection: Connection[Cursor], database: str) -> t.Set[str]:
    """Return the names of the tables and views that *database* holds now."""
    with server_errors(), connection.cursor() as cursor:
        cursor.execute(_OBJECTS, {"database": database})
        return {str(name) for _kind, name in cursor.fetchall()}


def hides_events(cursor: Cursor) -> bool:
    """Return whether the server refuses to show events: a MariaDB that was started with event_scheduler=DISABLED."""
    cursor.execute(_HIDES_EVENTS)
    return bool((cursor.fetchone() or (0,))[0])


def triggers_of(connection: Connection[Cursor], database: str, tables: t.Sequence[str]) -> t.List[Program]:
    """Return the triggers of some tables of a database."""
    if not tables:
        return []
    with server_errors(), connection.cursor() as cursor:
        cursor.execute(_TRIGGERS, {"database": database})
        return [Program("TRIGGER", name) for name, table in cursor.fetchall() if table in tables]


def _events(cursor: Cursor, database: str) -> t.List[Program]:
    cursor.execute(_HIDDEN_EVENTS if hides_events(cursor) else _EVENTS, {"database": database})
    return [Program("EVENT", str(name)) for (name,) in cursor.fetchall()]


def _libraries(cursor: Cursor, database: str) -> t.List[Program]:
    cursor.execute(_HAS_LIBRARIES)
    if not cursor.fetchall():
        return []
    cursor.execute(_LIBRARIES, {"database": database})
    return [Program("LIBRARY", row[0]) for row in cursor.fetchall()]


def _quoted_account(account: str) -> str:
    user, _at, host = account.rpartition("@")
    return f"'{user}'@'{host}'"
