"""The log database: its engine, one session for each request, and the check of the schema's version."""

from __future__ import annotations

import contextlib
import logging
import ssl
from collections.abc import Iterator
from typing import Any

import pymysql
from sqlalchemy import URL, Engine, create_engine, event, func, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState

from webstatus.errors import BadRequest, Busy, DatabaseAway, Overloaded, SchemaTooOld
from webstatus.models import SchemaVersion
from webstatus.settings import Settings

# The newest migration whose tables, columns and indexes the app needs. The collection's modules have their own number
# in _log_db/connection.py: they write less than the app reads, and neither side imports the other.
REQUIRED_MIGRATION = "0043_backup_log_alarmes"
REQUIRED_VERSION = int(REQUIRED_MIGRATION[:4])

# Seconds.
CONNECT_TIMEOUT = 5
READ_TIMEOUT = 30
POOL_TIMEOUT = 10
# Less than the read timeout, which closes the connection.
LOCK_TIMEOUT = 5
NO_SUCH_TABLE = 1146
# Lock wait, deadlock, reference to a row that was removed a moment ago: a second try may succeed.
COLLISIONS = {1205, 1213, 1452}

logger = logging.getLogger(__name__)


class Database:
    """The log database. The first session opens the first connection."""

    def __init__(self, settings: Settings) -> None:
        self.engine = _engine(settings)
        self._checked = False

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session and close it at the end; uncommitted changes are rolled back.

        :raises DatabaseAway: when the server cannot be reached, refuses the login, or stops within the block
        :raises SchemaTooOld: when the schema is older than :data:`REQUIRED_VERSION`
        :raises Overloaded: when no connection becomes free in time
        :raises Busy: when another session holds the rows: the whole block may be tried again
        :raises BadRequest: when the server refuses a value, for example a text that is too long for its column
        """
        try:
            with Session(self.engine, expire_on_commit=False) as session:
                if not self._checked:
                    _check_version(session)
                    self._checked = True
                yield session
        except PoolTimeout as error:
            logger.warning("all connections to the log database are in use: database_connections bounds their number")
            raise Overloaded from error
        except DataError as error:
            logger.warning("the log database refused a value: %s", error.orig)
            raise BadRequest from error
        except (OperationalError, InterfaceError, IntegrityError) as error:
            if _number(error) in COLLISIONS:
                raise Busy from error
            if isinstance(error, IntegrityError):
                raise
            raise self._away(error) from error

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _away(self, error: Exception) -> DatabaseAway:
        # The next connection may reach another server, with another schema.
        self._checked = False
        cause = getattr(error, "orig", None) or error
        logger.error("the log database is away: %s", cause)
        return DatabaseAway(headers={"Retry-After": "30"})


def _engine(settings: Settings) -> Engine:
    arguments: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT,
        "read_timeout": READ_TIMEOUT,
        "write_timeout": READ_TIMEOUT,
        "charset": "utf8mb4",
        "init_command": f"SET time_zone = '+00:00', innodb_lock_wait_timeout = {LOCK_TIMEOUT}",
    }
    if settings.log_db_unix_socket is not None:
        arguments["unix_socket"] = str(settings.log_db_unix_socket)
    elif settings.log_db_ca_cert is not None:
        arguments["ssl"] = ssl.create_default_context(cafile=str(settings.log_db_ca_cert))
    engine = create_engine(
        URL.create(
            "mysql+pymysql",
            username=settings.log_db_user,
            password=settings.log_db_password.get_secret_value(),
            host=settings.log_db_host,
            port=settings.log_db_port,
            database=settings.log_db_name,
        ),
        connect_args=arguments,
        # The pages need no repeatable reads, and gap locks would block the writers.
        isolation_level="READ COMMITTED",
        pool_size=settings.database_connections,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        pool_recycle=600,
        # The pool's own rollback writes a traceback to the log when the connection is gone.
        pool_reset_on_return=None,
        pool_pre_ping=True,
        # Rows, names and hashes must not appear in errors and logs.
        hide_parameters=True,
    )
    event.listen(engine, "handle_error", _lost_connection)
    event.listen(engine, "reset", _roll_back)
    return engine


def _lost_connection(context: Any) -> None:
    """Treat an error of a server that is shutting down as a lost connection."""
    if _number(context.sqlalchemy_exception) in {1053, 1927}:
        context.is_disconnect = True


def _roll_back(connection: Any, record: ConnectionPoolEntry, state: PoolResetState) -> None:
    """End the transaction of a connection that a session returns to the pool, or discard a connection that is gone."""
    if state.terminate_only or state.transaction_was_reset:
        return
    try:
        connection.rollback()
    except pymysql.err.Error as error:
        record.invalidate(error)


def _check_version(session: Session) -> None:
    try:
        version = session.scalar(select(func.max(SchemaVersion.number))) or 0
    except ProgrammingError as error:
        if _number(error) != NO_SUCH_TABLE:
            raise
        version = 0
    if version < REQUIRED_VERSION:
        logger.error(
            "the log database's schema is at version %s, this release needs %s: "
            "run playbooks/schema.yml from the control node",
            version,
            REQUIRED_VERSION,
        )
        raise SchemaTooOld(headers={"Retry-After": "30"})


def _number(error: Any) -> int | None:
    """Return the error number of the server."""
    if not isinstance(error, DBAPIError) or error.orig is None or not error.orig.args:
        return None
    number = error.orig.args[0]
    return number if isinstance(number, int) else None
