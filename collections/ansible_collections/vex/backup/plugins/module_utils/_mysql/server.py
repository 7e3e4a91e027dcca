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
TRANSACTIONAL_ENGINES = ("InnoDB", "ROCKSDB")

# Kinds of tables: https://mariadb.com/kb/en/information-schema-tables-table/
_OBJECTS = """
SELECT TABLE_TYPE, TABLE_NAME, ENGINE, COALESCE(DATA_LENGTH, 0)
  FROM information_schema.TABLES WHERE TABLE_SCHEMA = %(database)s ORDER BY TABLE_NAME
"""
# Packages come before their bodies, and the triggers of one table in the order in which they fire.
_PROGRAMS = """
SELECT ROUTINE_TYPE AS kind, ROUTINE_NAME AS name, 0 AS place
  FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %(database)s
UNION ALL
SELECT 'TRIGGER', TRIGGER_NAME, ACTION_ORDER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %(database)s
UNION ALL
SELECT 'EVENT', EVENT_NAME, 0 FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %(database)s
 ORDER BY kind, place, name
"""
# MyDumper 0.10 mistakes MySQL's DEFAULT_GENERATED (as in DEFAULT CURRENT_TIMESTAMP) for a generated column, and leaves
# out its values.
_ODD_COLUMNS = """
SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) FROM information_schema.COLUMNS
 WHERE TABLE_SCHEMA = %(database)s
   AND (EXTRA LIKE '%%INVISIBLE%%' OR EXTRA LIKE '%%DEFAULT_GENERATED%%' OR COLUMN_NAME LIKE '%%`%%')
"""


class Program(t.NamedTuple):
    """A stored program; ``kind`` is its name in ``SHOW CREATE``, such as ``TRIGGER``."""

    kind: str
    name: str


class Objects(t.NamedTuple):
    """The objects of a database, by name.

    ``programs`` are stored programs, in the order in which they can be created. ``odd_columns`` are columns that are
    invisible, have an expression as default or a backtick in the name. ``versioned`` are tables with a system-versioned
    history, ``non_transactional`` tables whose engine has no snapshots. ``data_bytes`` is the server's estimate.
    """

    tables: t.Sequence[str]
    views: t.Sequence[str]
    programs: t.Sequence[Program]
    odd_columns: t.Sequence[str]
    versioned: t.Sequence[str]
    non_transactional: t.Sequence[str]
    data_bytes: int


class TableNames(t.NamedTuple):
    """The tables and views of a database."""

    tables: t.Sequence[str]
    views: t.Sequence[str]


class BinlogPosition(t.NamedTuple):
    """A position in the server's binary log; ``gtid`` is empty where it is not known."""

    file: str
    position: str
    gtid: str


class Server(t.NamedTuple):
    """A server.

    ``product`` is ``mysql`` or ``mariadb``, ``numbers`` its numeric version. ``instance`` identifies it, and does not
    depend on the address. ``account`` is the account that logged in, quoted.
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
        reason = error.args[1] if len(error.args) > 1 else error
        raise ServerUnavailable(f"the server no longer answers: {reason}") from None


def describe(connection: Connection[Cursor]) -> Server:
    """Read the server's product, version, account and identity.

    :raises ServerUnavailable: when it does not answer, or is not a MySQL or MariaDB
    """
    with server_errors(), connection.cursor() as cursor:
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


def choose_databases(connection: Connection[Cursor], include: t.Sequence[str], exclude: t.Sequence[str]) -> t.List[str]:
    """Return the databases to dump: all databases of the server except the system's and the excluded ones.

    :param include: dump only these; empty for all
    :raises OptionError: for an included database that the server does not have, or when none is left
    """
    with server_errors(), connection.cursor() as cursor:
        cursor.execute("SHOW DATABASES")
        present = [row[0] for row in cursor.fetchall()]
    unknown = [name for name in include if name not in present]
    if unknown:
        raise OptionError(
            f"databases: the server has no database {', '.join(map(repr, unknown))} that the account can see: check "
            "the names and the account's privileges"
        )
    chosen = [
        name
        for name in present
        if name.lower() not in SYSTEM_DATABASES and (not include or name in include) and name not in exclude
    ]
    if not chosen:
        raise OptionError(
            "no database to dump: the server has only system databases and excluded ones; check databases and "
            "exclude_databases"
        )
    return chosen


def list_objects(connection: Connection[Cursor], database: str) -> Objects:
    """Read the objects that *database* holds now."""
    with server_errors(), connection.cursor() as cursor:
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
