# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server says of itself: product, version, databases, their objects, the account's grants."""

from __future__ import annotations

import contextlib
import hashlib
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError, ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.grants import Grants, parse_grants

# connection.py keeps the reason of a failure; every module that comes here reports that first.
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
TRANSACTIONAL_ENGINES = ("InnoDB", "ROCKSDB")

# A row each: kind and name. Kinds of tables: https://mariadb.com/kb/en/information-schema-tables-table/
_OBJECTS = """
SELECT TABLE_TYPE, TABLE_NAME, ENGINE, COALESCE(DATA_LENGTH, 0)
  FROM information_schema.TABLES WHERE TABLE_SCHEMA = %(database)s ORDER BY TABLE_NAME
"""
# Packages come before their bodies, triggers of one table in the order in which they fire.
_PROGRAMS = """
SELECT ROUTINE_TYPE AS kind, ROUTINE_NAME AS name, 0 AS place
  FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %(database)s
UNION ALL
SELECT 'TRIGGER', TRIGGER_NAME, ACTION_ORDER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %(database)s
UNION ALL
SELECT 'EVENT', EVENT_NAME, 0 FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %(database)s
 ORDER BY kind, place, name
"""
# MyDumper 0.10 takes MySQL's DEFAULT_GENERATED (such as DEFAULT CURRENT_TIMESTAMP) for a generated column, whose
# values need no dump.
_ODD_COLUMNS = """
SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) FROM information_schema.COLUMNS
 WHERE TABLE_SCHEMA = %(database)s
   AND (EXTRA LIKE '%%INVISIBLE%%' OR EXTRA LIKE '%%DEFAULT_GENERATED%%' OR COLUMN_NAME LIKE '%%`%%')
"""


class Program(t.NamedTuple):
    """A stored program; ``kind`` is what ``SHOW CREATE`` calls it: ``PROCEDURE``, ``TRIGGER``, ``EVENT`` …"""

    kind: str
    name: str


class Objects(t.NamedTuple):
    """What a database holds, by name.

    ``programs`` are routines, triggers and events, in the order to make them again. ``odd_columns`` are columns that
    are invisible, have an expression as their default or a backtick in their name, ``versioned`` tables with a
    system-versioned history, ``non_transactional`` tables whose engine has no snapshots. ``data_bytes`` is the server's
    own estimate.
    """

    tables: t.Sequence[str]
    views: t.Sequence[str]
    programs: t.Sequence[Program]
    odd_columns: t.Sequence[str]
    versioned: t.Sequence[str]
    non_transactional: t.Sequence[str]
    data_bytes: int


class Server(t.NamedTuple):
    """``product`` is ``mysql`` or ``mariadb``, ``numbers`` its version, ``instance`` the same by whatever address.

    ``lower_case_table_names`` is its setting of that name: whether it knows capitals in names of tables.
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
        """Product and version as people write them: ``MariaDB 10.11.18``."""
        words = {"mysql": "MySQL", "mariadb": "MariaDB"}
        return f"{words[self.product]} {'.'.join(map(str, self.numbers))}"


@contextlib.contextmanager
def answers() -> t.Iterator[None]:
    """:raises ServerUnavailable: instead of the client library's errors"""
    try:
        yield
    except (pymysql.err.MySQLError, OSError) as error:
        reason = error.args[1] if len(error.args) > 1 else error
        raise ServerUnavailable(f"the server stopped answering: {reason}") from None


def describe(connection: Connection[Cursor]) -> Server:
    """Ask the server what it is."""
    with answers(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT @@version, @@version_comment, CURRENT_USER(), @@log_bin, @@lower_case_table_names,"
            " CONCAT_WS('|', @@hostname, @@port, @@datadir)"
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
    """What the account may do, its active roles included."""
    statements: t.List[str] = []
    with answers(), connection.cursor() as cursor:
        cursor.execute("SHOW GRANTS")
        statements += [row[0] for row in cursor.fetchall()]
        if server.product == "mysql" and server.numbers >= (8,):
            # It shows a role's privileges only when asked to; MariaDB shows them by itself, and 5.7 has no roles.
            cursor.execute("SELECT CURRENT_ROLE()")
            roles = str((cursor.fetchone() or ("NONE",))[0])
            if roles != "NONE":
                cursor.execute(f"SHOW GRANTS FOR CURRENT_USER() USING {roles}")
                statements += [row[0] for row in cursor.fetchall()]
    return parse_grants(statements)


def choose_databases(connection: Connection[Cursor], include: t.Sequence[str], exclude: t.Sequence[str]) -> t.List[str]:
    """The databases to dump: the server's, less the system's, only those included, less those excluded.

    :raises OptionError: for an included database that the server does not have, or when none is left
    """
    with answers(), connection.cursor() as cursor:
        cursor.execute("SHOW DATABASES")
        present = [row[0] for row in cursor.fetchall()]
    unknown = [name for name in include if name not in present]
    if unknown:
        raise OptionError(
            f"databases: the server has no database {', '.join(map(repr, unknown))} that the account sees"
        )
    chosen = [
        name
        for name in present
        if name.lower() not in SYSTEM_DATABASES and (not include or name in include) and name not in exclude
    ]
    if not chosen:
        raise OptionError(
            "no database to dump: besides the system's, the server has none that databases and exclude_databases leave"
        )
    return chosen


def list_objects(connection: Connection[Cursor], database: str) -> Objects:
    """What *database* holds now."""
    with answers(), connection.cursor() as cursor:
        cursor.execute(_OBJECTS, {"database": database})
        tables = cursor.fetchall()
        cursor.execute(_PROGRAMS, {"database": database})
        programs = [Program(kind.upper(), name) for kind, name, _place in cursor.fetchall()]
        cursor.execute(_ODD_COLUMNS, {"database": database})
        odd_columns = [row[0] for row in cursor.fetchall()]
    stored = [row for row in tables if "VIEW" not in row[0]]
    return Objects(
        tables=[row[1] for row in stored],
        views=[row[1] for row in tables if "VIEW" in row[0]],
        programs=programs,
        odd_columns=odd_columns,
        versioned=[row[1] for row in stored if "VERSIONED" in row[0]],
        non_transactional=[row[1] for row in stored if row[2] not in TRANSACTIONAL_ENGINES],
        data_bytes=sum(int(row[3]) for row in stored),
    )


def _quoted_account(account: str) -> str:
    user, _at, host = account.rpartition("@")
    return f"'{user}'@'{host}'"
