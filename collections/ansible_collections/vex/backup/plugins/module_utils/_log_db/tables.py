# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The only SQL that writes log tables."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    LogDatabaseUnavailable,
    SchemaMismatch,
    ServerUnavailable,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect, resolve_login

# Without it the modules refuse to start: see PYMYSQL_FAILURE in _mysql/connection.py.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

# The migration that made the newest table or column written here.
REQUIRED_VERSION = 4
# The same for those of restores.
RESTORES_VERSION = 25

STATEMENT_SECONDS = 30
ATTEMPTS = 5
NO_SUCH_TABLE = 1146
# Duplicate key, lock wait timeout, deadlock: two writers met, and the loser's second attempt finds the winner's row.
TRANSIENT = (1062, 1205, 1213)

Columns = t.Dict[str, t.Any]

# How a run began and ended, once known, stands: a repeated or late record cannot move it.
FIRST_STANDS = ("data_inicio", "data_encerramento")


class State(t.NamedTuple):
    """What is known of a run: columns of its rows, without those that are not known.

    Values are texts, integers and ``None``; times are ``YYYY-MM-DD HH:MM:SS``, UTC; sizes are texts with two decimals.
    A backup has ``backup``, and ``upload`` when something is known of an upload. A restore has ``restore`` alone;
    ``backup_run_uuid`` in it stands for ``backup_id``, which is that run's row as long as there is one.
    """

    run_uuid: str
    backup: Columns
    upload: Columns
    restore: Columns


class Running(t.NamedTuple):
    """A run that has not ended: ``started`` is UTC, ``notes`` are those so far, empty when there are none."""

    run_uuid: str
    hostname: str
    started: datetime.datetime
    stage: str
    notes: str
    is_uploading: bool


class Change(t.NamedTuple):
    """The columns that a write changed: their values before and after, by ``table.column``."""

    before: Columns
    after: Columns


def combine(older: State, newer: State) -> State:
    """What two states of the same run, given in their order, say together."""
    return State(
        newer.run_uuid,
        merge(older.backup, newer.backup, "status_backup"),
        merge(older.upload, newer.upload, "status_upload"),
        merge(older.restore, newer.restore, "status"),
    )


def merge(older: t.Mapping[str, t.Any], newer: t.Mapping[str, t.Any], status: str) -> Columns:
    """A row's columns after *newer* came upon *older*.

    A running state that meets an ended row is a late one: it only adds what the row lacks.

    :param status: name of the column that is 0 while running
    """
    known = {name: value for name, value in older.items() if value is not None}
    late = bool(known.get(status)) and newer.get(status) == 0
    standing = known if late else {name: known[name] for name in FIRST_STANDS if name in known}
    return {**older, **newer, **standing}


class LogDatabase(t.NamedTuple):
    """The login to the log database's server, and the database's name; ``None`` to use none yet."""

    login: Login
    name: t.Optional[str]

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any]) -> LogDatabase:
        """Resolve a module's ``LOG_DB`` options.

        :raises OptionError: as :func:`resolve_login`
        """
        return cls(resolve_login(options), options["login_database"])


@contextlib.contextmanager
def log_database(
    database: LogDatabase, statement_timeout: t.Optional[int] = STATEMENT_SECONDS
) -> t.Iterator[Connection[Cursor]]:
    """A connection to the log database's server, in UTC, closed at the end.

    :param statement_timeout: seconds to wait for a statement's answer; ``None`` for no bound
    :raises LogDatabaseUnavailable: when it is not there, refuses the login, or fails within the block
    """
    try:
        connection = connect(
            database.login,
            database.name,
            autocommit=False,
            statement_timeout=statement_timeout,
        )
    except ServerUnavailable as error:
        raise LogDatabaseUnavailable(f"log database: {error}") from None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET time_zone = '+00:00'")
        yield connection
    except pymysql.err.Error as error:
        raise LogDatabaseUnavailable(f"log database: {explain(error)}") from None
    finally:
        with contextlib.suppress(pymysql.err.Error):
            connection.close()


def explain(error: Exception) -> str:
    """The server's own words, where there are any."""
    return str(error.args[1]) if len(error.args) > 1 and error.args[1] else f"the connection was lost ({error})"


def check_version(connection: Connection[Cursor], required: int = REQUIRED_VERSION) -> None:
    """Make sure that the schema has what is written.

    :raises SchemaMismatch: when it is older than *required*
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
    if version < required:
        raise SchemaMismatch(
            f"the log database's schema is at version {version}, this release needs {required}: "
            "run playbooks/schema.yml from the control node"
        )


def required_version(state: State) -> int:
    """The schema's version that writing *state* needs."""
    return RESTORES_VERSION if state.restore else REQUIRED_VERSION


class Told(t.NamedTuple):
    """Servers, by name: those that people are to be told of now, and those that are overdue no more."""

    told: t.List[str]
    recovered: t.List[str]


def running_of(connection: Connection[Cursor], hostname: str, but: str) -> t.List[Running]:
    """The runs of a host that have not ended, oldest first, without the one whose ``run_uuid`` is *but*."""
    return _running(connection, "hostname = %s AND run_uuid <> %s", hostname, but)


def running_since_before(connection: Connection[Cursor], moment: datetime.datetime) -> t.List[Running]:
    """The runs of all hosts that began before *moment* (UTC) and have not ended, oldest first."""
    return _running(connection, "b.data_inicio < %s", timestamp(moment))


def _running(connection: Connection[Cursor], which: str, *values: str) -> t.List[Running]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT run_uuid, hostname, b.data_inicio, COALESCE(etapa, ''), COALESCE(b.observacao, ''),"
            " COALESCE(status_upload = 0, FALSE)"
            " FROM backup_log b LEFT JOIN upload_s3_log u ON u.backup_id = b.id"
            f" WHERE status_backup = 0 AND {which} ORDER BY b.data_inicio",
            values,
        )
        return [Running._make(row)._replace(is_uploading=bool(row[-1])) for row in cursor.fetchall()]


def note_overdue(connection: Connection[Cursor], names: t.Sequence[str], now: str, dry_run: bool = False) -> Told:
    """Note which servers are overdue now, and commit.

    :param names: theirs
    :param dry_run: change nothing, only say what would change
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT hostname, avisado_em IS NOT NULL, ativo FROM servidor ORDER BY hostname FOR UPDATE")
        servers = cursor.fetchall()
        told = [str(name) for name, was_told, _expected in servers if name in names and not was_told]
        forgotten = [str(name) for name, was_told, _expected in servers if name not in names and was_told]
        # One that is expected no longer is not overdue either, but has no backup for that.
        recovered = [str(name) for name, _was_told, expected in servers if name in forgotten and expected]
        if not dry_run:
            for moment, noted in ((now, told), (None, forgotten)):
                cursor.executemany(
                    "UPDATE servidor SET avisado_em = %s WHERE hostname = %s", [(moment, name) for name in noted]
                )
    connection.commit()
    return Told(told, recovered)


class Uploaded(t.NamedTuple):
    """What the log tables say of an upload; ``status`` is that of ``status_upload``."""

    run_uuid: str
    sha256: t.Optional[str]
    status: int
    removed: bool


def uploads_to(connection: Connection[Cursor], bucket: str, prefix: str) -> t.Dict[str, Uploaded]:
    """By key, the uploads to a bucket whose keys start with *prefix*."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT caminho_arquivo, run_uuid, sha256, status_upload, removido_em IS NOT NULL"
            " FROM upload_s3_log u JOIN backup_log b ON b.id = u.backup_id"
            " WHERE bucket = %s AND LEFT(caminho_arquivo, CHAR_LENGTH(%s)) = %s",
            (bucket, prefix, prefix),
        )
        # The tables' collation takes some keys that differ for the same.
        return {
            str(key): Uploaded(run, sha256, status, bool(removed))
            for key, run, sha256, status, removed in cursor.fetchall()
            if str(key).startswith(prefix)
        }


def mark_removed(connection: Connection[Cursor], run_uuid: str, key: str, moment: str) -> None:
    """Note that a run's archive is not in the bucket any more, and commit; a run that has no row gets none.

    :param key: the archive's; the row of an upload to another key is left alone
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE upload_s3_log u JOIN backup_log b ON b.id = u.backup_id SET u.removido_em = %s"
            " WHERE b.run_uuid = %s AND u.caminho_arquivo = %s AND u.removido_em IS NULL",
            (moment, run_uuid, key),
        )
    connection.commit()


def upsert(connection: Connection[Cursor], state: State, now: str, dry_run: bool = False) -> Change:
    """Bring a run's rows to *state*, both in one transaction; an ended run is never reopened.

    :param now: start of a row whose state does not say when it started
    :param dry_run: change nothing, only say what would change
    :raises LogDatabaseUnavailable: when the server refuses; the connection can be used for another run's state
    """
    try:
        for _attempt in range(ATTEMPTS - 1):
            try:
                return _transaction(connection, state, now, dry_run)
            except pymysql.err.MySQLError as error:
                if error.args[0] not in TRANSIENT:
                    raise
                connection.rollback()
        return _transaction(connection, state, now, dry_run)
    except pymysql.err.Error as error:
        with contextlib.suppress(pymysql.err.Error):
            connection.rollback()
        raise LogDatabaseUnavailable(f"log database: run {state.run_uuid}: {explain(error)}") from None


def close_restores(connection: Connection[Cursor], state: State, sentence: str, now: str) -> t.List[str]:
    """Close, as errors, the restores of one host and kind that have not ended, but for *state*'s, and commit.

    :param sentence: what to note
    :returns: whose backups they were of
    """
    which = "hostname = %s AND tipo = %s AND status = 0 AND run_uuid <> %s"
    those = (state.restore["hostname"], state.restore["tipo"], state.run_uuid)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT servidor FROM restauracao_log WHERE {which} ORDER BY id FOR UPDATE", those)
        servers = [str(server) for (server,) in cursor.fetchall()]
        changes = "status = 3, data_encerramento = %s, observacao = %s"
        cursor.execute(f"UPDATE restauracao_log SET {changes} WHERE {which}", (now, sentence, *those))
    connection.commit()
    return servers


def _transaction(connection: Connection[Cursor], state: State, now: str, dry_run: bool) -> Change:
    change = Change({}, {})
    with connection.cursor() as cursor:
        key: Columns = {"run_uuid": state.run_uuid}
        if state.restore:
            restore = _tied(cursor, state.restore)
            _write_row(cursor, "restauracao_log", "status", key, restore, now, dry_run, change)
        else:
            identity = _write_row(cursor, "backup_log", "status_backup", key, state.backup, now, dry_run, change)
        if state.upload:
            key = {"backup_id": identity}
            _write_row(cursor, "upload_s3_log", "status_upload", key, state.upload, now, dry_run, change)
    connection.commit()
    return change


def _tied(cursor: Cursor, restore: Columns) -> Columns:
    """The columns of a restore, tied to the backup's row; the log database may be younger than the backup."""
    columns = {name: value for name, value in restore.items() if name != "backup_run_uuid"}
    if "backup_run_uuid" in restore:
        cursor.execute("SELECT id FROM backup_log WHERE run_uuid = %s", (restore["backup_run_uuid"],))
        row = cursor.fetchone()
        columns["backup_id"] = row[0] if row else None
    return columns


def _write_row(
    cursor: Cursor,
    table: str,
    status: str,
    key: t.Mapping[str, t.Any],
    columns: Columns,
    now: str,
    dry_run: bool,
    change: Change,
) -> t.Optional[int]:
    """Write one row and note what changed in *change*; returns its id, ``None`` when it would be made."""
    names = sorted({*columns, status, *FIRST_STANDS})
    ((key_name, key_value),) = key.items()
    # Names come from this file and from records.py, values go as parameters.
    cursor.execute(f"SELECT id, {', '.join(names)} FROM {table} WHERE {key_name} = %s FOR UPDATE", (key_value,))
    row = cursor.fetchone()
    older = {name: _plain(value) for name, value in zip(names, row[1:])} if row else {}
    first = {} if row else {status: 0, "data_inicio": columns.get("data_encerramento", now)}
    merged = {**first, **merge(older, columns, status)}
    changed = {name: value for name, value in merged.items() if value != older.get(name)}
    change.before.update({f"{table}.{name}": older.get(name) for name in changed})
    change.after.update({f"{table}.{name}": value for name, value in changed.items()})
    if row:
        if changed and not dry_run:
            assignments = ", ".join(f"{name} = %s" for name in changed)
            cursor.execute(f"UPDATE {table} SET {assignments} WHERE id = %s", (*changed.values(), row[0]))
        return int(row[0])
    if dry_run:
        return None
    inserted = {**key, **merged}
    marks = ", ".join(["%s"] * len(inserted))
    cursor.execute(f"INSERT INTO {table} ({', '.join(inserted)}) VALUES ({marks})", tuple(inserted.values()))
    return cursor.lastrowid


def _plain(value: t.Any) -> t.Any:
    """A value as the server returns it, in the form that :class:`State` has."""
    if isinstance(value, datetime.datetime):
        return timestamp(value)
    if isinstance(value, decimal.Decimal):
        return f"{value:.2f}"
    return value
