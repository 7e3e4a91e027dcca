# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The SQL that writes the rows of a run or a restore."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import decimal
import json
import random
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp
from ansible_collections.vex.backup.plugins.module_utils._common.status import RUNNING
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import commit, explain, unavailable
from ansible_collections.vex.backup.plugins.module_utils._log_db.merge import FIRST_STANDS, Columns, State, merge

# Without PyMySQL the modules refuse to start: see PYMYSQL_FAILURE in _mysql/connection.py.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

ATTEMPTS = 10
# The longest pause before the first repetition, in seconds. It grows by as much with each one.
PAUSE = 0.05
# Duplicate key, lock wait timeout, deadlock: two writers met, and the next attempt of the loser finds the winner's row.
TRANSIENT = (1062, 1205, 1213)
# MySQL's JSON type keeps its own spacing and order; MariaDB's keeps the text.
JSON_COLUMNS = frozenset({"bancos", "comparado"})


class Change(t.NamedTuple):
    """The columns that a write changed: their values before and after.

    They have the names ``table.column``; of an upload, ``table.destination.column``.
    """

    before: Columns
    after: Columns


@dataclasses.dataclass(frozen=True)
class Table:
    """A log table: its name, its column of the status, and the columns of the unique key that finds a row."""

    name: str
    status: str
    key: t.Tuple[str, ...]


BACKUPS = Table("backup_log", "status_backup", ("run_uuid",))
UPLOADS = Table("upload_s3_log", "status_upload", ("backup_id", "destino"))
RESTORES = Table("restauracao_log", "status", ("run_uuid",))


class Written(t.NamedTuple):
    """A written row: its id, ``None`` for a row that a dry run would insert, and its change."""

    identity: t.Optional[int]
    change: Change


def upsert(connection: Connection[Cursor], state: State, now: str, dry_run: bool = False) -> Change:
    """Bring the rows of a run to *state* in one transaction; an ended run is never reopened.

    :param now: start of a row whose state has no start
    :param dry_run: change nothing, only return what would change
    :raises LogDatabaseUnavailable: when the server refuses; the connection can be used for the state of another run
    """
    try:
        for attempt in range(1, ATTEMPTS):
            try:
                return _transaction(connection, state, now, dry_run)
            except pymysql.err.MySQLError as error:
                if error.args[0] not in TRANSIENT:
                    raise
                connection.rollback()
                # At different moments, so that the same writers do not meet again.
                time.sleep(random.SystemRandom().uniform(0, attempt * PAUSE))
        return _transaction(connection, state, now, dry_run)
    except pymysql.err.Error as error:
        with contextlib.suppress(pymysql.err.Error):
            connection.rollback()
        raise unavailable(f"run {state.run_uuid}: {explain(error)}", error) from None


def _transaction(connection: Connection[Cursor], state: State, now: str, dry_run: bool) -> Change:
    with connection.cursor() as cursor:
        rows = _Rows(cursor, now, dry_run)
        if state.restore:
            written = [rows.write(RESTORES, (state.run_uuid,), _with_backup_id(cursor, state.restore))]
        else:
            written = [rows.write(BACKUPS, (state.run_uuid,), state.backup)]
        for name, upload in state.uploads.items():
            written.append(rows.write(UPLOADS, (written[0].identity, name), upload))
    commit(connection)
    before = {name: value for one in written for name, value in one.change.before.items()}
    after = {name: value for one in written for name, value in one.change.after.items()}
    return Change(before, after)


def _with_backup_id(cursor: Cursor, restore: Columns) -> Columns:
    """Return the columns of a restore with the id of the backup's row; the log database may not have that row."""
    columns = {name: value for name, value in restore.items() if name != "backup_run_uuid"}
    if "backup_run_uuid" in restore:
        cursor.execute("SELECT id FROM backup_log WHERE run_uuid = %s", (restore["backup_run_uuid"],))
        row = cursor.fetchone()
        columns["backup_id"] = row[0] if row else None
    return columns


@dataclasses.dataclass(frozen=True)
class _Rows:
    """Writes rows within one transaction. Table and column names come from this directory, values go as parameters."""

    cursor: Cursor
    now: str
    dry_run: bool

    def write(self, table: Table, key: t.Tuple[t.Union[str, int, None], ...], columns: Columns) -> Written:
        """Insert or update the row of *key*."""
        found = " AND ".join(f"{column} = %s" for column in table.key)
        names = sorted({*columns, table.status, *FIRST_STANDS})
        query = f"SELECT id, {', '.join(names)} FROM {table.name} WHERE {found} FOR UPDATE"
        self.cursor.execute(query, key)
        row = self.cursor.fetchone()
        older = {name: _plain(name, value) for name, value in zip(names, row[1:])} if row else {}
        first = {} if row else {table.status: RUNNING, "data_inicio": columns.get("data_encerramento", self.now)}
        merged = {**first, **merge(older, columns, table.status)}
        changed = {name: value for name, value in merged.items() if value != older.get(name)}
        label = ".".join([table.name, *map(str, key[1:])])
        change = Change(
            {f"{label}.{name}": older.get(name) for name in changed},
            {f"{label}.{name}": value for name, value in changed.items()},
        )
        if row:
            self._update(table, row[0], changed)
            return Written(int(row[0]), change)
        return Written(self._insert(table, {**dict(zip(table.key, key)), **merged}), change)

    def _update(self, table: Table, identity: int, changed: Columns) -> None:
        if changed and not self.dry_run:
            assignments = ", ".join(f"{name} = %s" for name in changed)
            values = (*changed.values(), identity)
            self.cursor.execute(f"UPDATE {table.name} SET {assignments} WHERE id = %s", values)

    def _insert(self, table: Table, columns: Columns) -> t.Optional[int]:
        if self.dry_run:
            return None
        marks = ", ".join(["%s"] * len(columns))
        insert = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"
        self.cursor.execute(insert, tuple(columns.values()))
        return self.cursor.lastrowid


def _plain(name: str, value: t.Any) -> t.Any:
    """Return a value that the server returned, in the form that :class:`State` has."""
    if isinstance(value, datetime.datetime):
        return timestamp(value)
    if isinstance(value, decimal.Decimal):
        return f"{value:.2f}"
    if name in JSON_COLUMNS and value is not None:
        return json.dumps(json.loads(value), ensure_ascii=False, sort_keys=True)
    return value
