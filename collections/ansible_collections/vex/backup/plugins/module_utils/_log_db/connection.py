# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A connection to the log database, and the check of its schema version."""

from __future__ import annotations

import contextlib
import ssl
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.failpoint import failpoint
from ansible_collections.vex.backup.plugins.module_utils._common.patience import Patience
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    LogDatabaseUnavailable,
    SchemaMismatch,
    ServerUnavailable,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect, resolve_login

# Without PyMySQL the modules refuse to start: see PYMYSQL_FAILURE in _mysql/connection.py.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

# The migration that made the newest table or column that the modules write. The web app has its own number in
# webstatus/database.py: it reads more than the modules write, and neither side imports the other.
REQUIRED_MIGRATION = "0043_backup_log_alarmes"
REQUIRED_VERSION = int(REQUIRED_MIGRATION[:4])

STATEMENT_SECONDS = 30
NO_SUCH_TABLE = 1146
# The errors of a server that is away, stops, starts or has too much to do: no connection, one that was lost or ended,
# too many sessions, a node of a cluster that does not answer yet, and a lock that another session holds.
MAY_PASS = frozenset(
    {0, 2002, 2003, 2006, 2013, 2055, 1040, 1203, 1053, 1927, 1047, 1158, 1159, 1160, 1161, 1205, 1213}
)


class LogDatabase(t.NamedTuple):
    """The login to the server of the log database, and the name of the database; ``None`` to use none yet."""

    login: Login
    name: t.Optional[str]

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any]) -> LogDatabase:
        """Resolve the ``LOG_DB`` options of a module.

        :raises OptionError: as :func:`resolve_login`
        """
        return cls(resolve_login(options), options["login_database"])


def log_patience(seconds: float, log: t.Optional[RunLog] = None) -> Patience:
    """Return the patience with the log database.

    What it repeats must be safe to repeat: a lost connection does not tell whether a statement was carried out.

    :param seconds: 0 to try once
    """
    return Patience(seconds, "the log database", log)


@contextlib.contextmanager
def log_database(
    database: LogDatabase,
    statement_timeout: t.Optional[int] = STATEMENT_SECONDS,
    patience: t.Optional[Patience] = None,
) -> t.Iterator[Connection[Cursor]]:
    """Connect to the server of the log database, in UTC; close the connection after the block.

    :param statement_timeout: seconds to wait for the answer to a statement; ``None`` for no limit
    :param patience: for the connection alone, before a block that is not safe to repeat; ``None`` to try once
    :raises LogDatabaseUnavailable: when it cannot be reached, refuses the login, or fails within the block; with
        ``may_pass`` when that may pass
    """
    connection = (patience or log_patience(0)).attempt(lambda: _connect(database, statement_timeout))
    try:
        yield connection
    except pymysql.err.Error as error:
        raise unavailable(explain(error), error) from None
    finally:
        with contextlib.suppress(pymysql.err.Error):
            connection.close()


def _connect(database: LogDatabase, statement_timeout: t.Optional[int]) -> Connection[Cursor]:
    try:
        with failpoint("log_db:connect"):
            connection = connect(
                database.login,
                database.name,
                purpose=None,
                autocommit=False,
                statement_timeout=statement_timeout,
            )
    except ServerUnavailable as error:
        raise unavailable(str(error), error.__context__) from None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET time_zone = '+00:00'")
    except pymysql.err.Error as error:
        with contextlib.suppress(pymysql.err.Error):
            connection.close()
        raise unavailable(explain(error), error) from None
    return connection


def commit(connection: Connection[Cursor]) -> None:
    """Commit the transaction of a connection."""
    with failpoint("log_db:commit"):
        connection.commit()


def unavailable(reason: str, error: t.Optional[BaseException]) -> LogDatabaseUnavailable:
    """Return the error for a failure of the log database.

    :param error: PyMySQL's, which tells whether the failure may pass; ``None`` for one that does not
    """
    made = LogDatabaseUnavailable(f"log database: {reason}")
    is_certificate = isinstance(getattr(error, "original_exception", None), ssl.SSLCertVerificationError)
    number = error.args[0] if isinstance(error, pymysql.err.Error) and error.args else None
    made.may_pass = number in MAY_PASS and not is_certificate
    return made


def explain(error: Exception) -> str:
    """Return the message of a server's error, or a message about a lost connection."""
    return str(error.args[1]) if len(error.args) > 1 and error.args[1] else f"the connection was lost ({error})"


def check_version(connection: Connection[Cursor]) -> None:
    """Make sure that the schema has everything that this release writes.

    :raises SchemaMismatch: when it is older than ``REQUIRED_VERSION``
    """
    version = 0
    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT MAX(numero) FROM versao_esquema")
            row = cursor.fetchone()
            version = (row and row[0]) or 0
        except pymysql.err.MySQLError as error:
            if error.args[0] != NO_SUCH_TABLE:
                raise
    if version < REQUIRED_VERSION:
        raise SchemaMismatch(
            f"the log database's schema is at version {version}, this release needs {REQUIRED_VERSION}: "
            "run playbooks/schema.yml from the control node"
        )
