# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The part of a dump that this collection reads itself, from the same snapshot as MyDumper.

These are definitions, fingerprints, and the rows of tables that MyDumper cannot dump exactly.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._dump.client_session import ClientSession, client_session
from ansible_collections.vex.backup.plugins.module_utils._dump.exact_dump import dump_exactly
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan, TablePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.read_definitions import Definitions, read_definitions
from ansible_collections.vex.backup.plugins.module_utils._dump.read_lock import LOCK_WAIT_SECONDS, lock
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import Fingerprints, ToolRun
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    DumpFailed,
    PlanOutdated,
    ServerUnavailable,
    TableFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.alterations import alterations
from ansible_collections.vex.backup.plugins.module_utils._mysql.broken_tables import CHANGED, is_of_the_object
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.fingerprint import NONE, take
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import list_tables, server_errors
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Table

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


class _Place(t.NamedTuple):
    """A table to read."""

    database: DatabasePlan
    plan: TablePlan

    @property
    def table(self) -> Table:
        """The table."""
        return self.plan.table

    @property
    def dumps_rows(self) -> bool:
        """Return whether its rows are dumped, and not by MyDumper."""
        return bool(self.plan.reason) and not self.plan.schema_only

    @property
    def is_locked(self) -> bool:
        """Return whether the table is locked while it is read: no snapshot has its rows."""
        table = self.table
        return self.dumps_rows and table.has_own_rows and not table.is_transactional and bool(table.columns)


class _Sessions(t.NamedTuple):
    """Sessions that read tables: fingerprints by the connection, rows by the client."""

    connection: Connection[Cursor]
    client: ClientSession


class SnapshotReader:
    """The sessions, and what they have read so far, by database and table.

    Two sessions have the snapshot. No snapshot has the rows of tables without transactions, so two more lock those. A
    lock of another session would not do: a writer that waits for it stops the readers.

    :param stack: ends the sessions
    """

    def __init__(
        self,
        run: ToolRun,
        databases: t.Sequence[DatabasePlan],
        stack: contextlib.ExitStack,
    ) -> None:
        self._run = run
        self._databases = databases
        self._places = [_Place(one, plan) for one in databases for plan in one.tables]
        self._snapshot = self._sessions(stack)
        self._locked = self._sessions(stack) if any(place.is_locked for place in self._places) else None
        self.files: t.Dict[t.Tuple[str, str], t.List[str]] = {}
        self.fingerprints: t.Dict[str, Fingerprints] = {one.name: {} for one in databases}
        self.warnings: t.List[str] = []
        self._fingerprint_seconds = 0.0
        self.definitions: t.Dict[str, Definitions] = {}

    def lock_tables(self) -> bool:
        """Lock the tables without transactions; return ``False`` when a session of others keeps them locked."""
        if not self._locked:
            return True
        names = [
            f"{quote_identifier(place.database.name)}.{quote_identifier(place.table.name)} READ"
            for place in self._places
            if place.is_locked
        ]
        statement = f"LOCK TABLES {', '.join(names)}"
        if not lock(self._locked.connection, statement):
            return False
        # What the first session could lock, the second can: all writers wait for the read lock.
        self._locked.client.execute(f"SET SESSION lock_wait_timeout = {LOCK_WAIT_SECONDS};\n{statement};\n")
        return True

    def changed_tables(self) -> t.Tuple[t.List[str], t.List[str]]:
        """Return the tables and views that were created, and those that were dropped, since the plan."""
        created, dropped = [], []
        for one in self._databases:
            now = list_tables(self._snapshot.connection, one.name)
            created += [f"{one.name}.{name}" for name in sorted(now - one.names)]
            dropped += [f"{one.name}.{name}" for name in sorted(one.names - now)]
        return created, dropped

    def begin(self) -> None:
        """Begin the snapshots."""
        with server_errors(), self._snapshot.connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        self._snapshot.client.begin_snapshot()

    def read(self) -> None:
        """Read everything; first the locked tables, which are unlocked then.

        :raises BackupError: when anything cannot be read
        """
        if self._locked:
            self._read_tables([place for place in self._places if place.is_locked], self._locked)
            self._locked.client.execute("UNLOCK TABLES;\n")
        for one in self._databases:
            self.definitions[one.name] = read_definitions(self._run.request.login, one)
        self._read_tables([place for place in self._places if not place.is_locked], self._snapshot)
        self.end_snapshots()
        self._run.log.info(f"fingerprint: {len(self._places)} tables, {self._fingerprint_seconds:.2f} s")

    def stop(self) -> None:
        """End the sessions, so that :meth:`read` fails in its thread."""
        self._run.deadline.stop()
        for connection, client in filter(None, (self._snapshot, self._locked)):
            client.end()
            # The server continues a long statement after its client has left.
            with contextlib.suppress(BackupError), connect(self._run.request.login) as killing, server_errors():
                killing.query(f"KILL {connection.thread_id()}")
            # A server that does not answer kills nothing. PyMySQL has no public way to end a wait.
            with contextlib.suppress(OSError, AttributeError):
                connection._sock.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]  # noqa: SLF001

    def end_snapshots(self) -> None:
        """End the snapshots before MyDumper's: changes of the tables wait for them."""
        with server_errors():
            self._snapshot.connection.commit()
        self._snapshot.client.execute("COMMIT;\n")

    def _sessions(self, stack: contextlib.ExitStack) -> _Sessions:
        run = self._run
        return _Sessions(
            stack.enter_context(contextlib.closing(connect(run.request.login))),
            stack.enter_context(client_session(run.plan.client, run.option_file, run.lock, run.deadline)),
        )

    def _read_tables(self, places: t.Sequence[_Place], sessions: _Sessions) -> None:
        for one, plan in places:
            self._run.deadline.check()
            began = time.monotonic()
            mode = NONE if plan.schema_only else self._run.request.checksums
            with _named(one.name, plan.table.name):
                found = take(sessions.connection, one.name, plan.table, mode)
                altered = [] if mode == NONE else alterations(sessions.connection, one.name, plan.table)
            self.fingerprints[one.name][plan.table.name] = found
            self.warnings += [f"{one.name}.{plan.table.name}: {text}" for text in altered]
            self._fingerprint_seconds += time.monotonic() - began
        if sessions is self._locked:
            # The client has its own locks until it has dumped the rows.
            with server_errors(), sessions.connection.cursor() as cursor:
                cursor.execute("UNLOCK TABLES")
        for place in places:
            if place.dumps_rows:
                with _named(place.database.name, place.table.name):
                    self._dump(sessions.client, place.database, place.table)

    def _dump(self, client: ClientSession, one: DatabasePlan, table: Table) -> None:
        folder = os.path.join(self._run.folder, one.directory)
        os.makedirs(folder, 0o700, exist_ok=True)
        files = self.files.setdefault((one.name, table.name), [])
        for path in dump_exactly(client, one.name, table, folder, self._run.plan.packet_bytes):
            files.append(os.path.relpath(path, folder))
            self._run.files.add([os.path.relpath(path, self._run.folder)])


@contextlib.contextmanager
def _named(database: str, table: str) -> t.Iterator[None]:
    """Name the table in an error of the server, or of its client, in the block."""
    try:
        yield
    except (DumpFailed, ServerUnavailable) as error:
        if error.number == CHANGED:
            raise PlanOutdated(f"{database}.{table} was changed") from None
        if is_of_the_object(error.number, str(error)):
            raise TableFailed(database, table, str(error)) from None
        raise type(error)(f"{database}.{table}: {error}") from None
