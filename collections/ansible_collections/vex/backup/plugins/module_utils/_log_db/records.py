# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run's record: from a module's options to the log database, by way of the spool when it is away."""

from __future__ import annotations

import contextlib
import datetime
import typing as t
import uuid

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import (
    RUN_NAME,
    claim_start,
    timestamp,
    utc_now,
)
from ansible_collections.vex.backup.plugins.module_utils._common.spool import Spool
from ansible_collections.vex.backup.plugins.module_utils._common.text import excerpt_of, fit_bytes, fit_characters
from ansible_collections.vex.backup.plugins.module_utils._errors import LogDatabaseUnavailable, OptionError
from ansible_collections.vex.backup.plugins.module_utils._log_db.abandoned_runs import close_abandoned
from ansible_collections.vex.backup.plugins.module_utils._log_db.tables import (
    Change,
    Columns,
    LogDatabase,
    State,
    check_version,
    close_restores,
    combine,
    log_database,
    required_version,
    upsert,
)

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

LOG_BYTES = 1024 * 1024
TEXT_BYTES = 65535
SHOWN_CHARACTERS = 200

# Option → (column, the characters that it holds).
BACKUP_TEXTS = {
    "archive_name": ("nome_arquivo", 64),
    "server_version": ("versao_servidor", 50),
    "tool_version": ("ferramenta", 50),
    "binlog_coordinates": ("coordenadas_binlog", 512),
}
UPLOAD_TEXTS = {
    "archive_name": ("nome_arquivo", 64),
    "key": ("caminho_arquivo", 1024),
    "bucket": ("bucket", 512),
    "sha256": ("sha256", 64),
}
# Option → column.
BACKUP_TIMES = {
    "dump_started": "inicio_dump",
    "dump_finished": "fim_dump",
    "pack_started": "inicio_compactacao",
    "pack_finished": "fim_compactacao",
}
UPLOAD_TIMES = {"started": "data_inicio", "finished": "data_encerramento"}
RESTORED = {"tables": "tabelas", "rows": "linhas", "bytes": "bytes"}
DEAD_RESTORE = "it died, or the connection to its host did: closed by the next one on that host"
# The option of restore_log_record → what the column holds.
KINDS = {"restore": "restauracao", "verify": "verificacao"}


class Outcome(t.NamedTuple):
    """What became of a record; ``kept`` when it went to the spool.

    ``problems`` says why it, or one that was kept before, did not get to the log database; ``abandoned`` which runs of
    the host were found dead.
    """

    change: Change
    replayed: t.List[str]
    kept: bool
    problems: t.List[str]
    abandoned: t.List[str]


def record(params: t.Mapping[str, t.Any], check_mode: bool) -> t.Dict[str, t.Any]:
    """Write what is known of a backup to the log database, or keep it until that can be done.

    :param params: the options of ``backup_log_record``
    :param check_mode: change nothing, only say what would change
    :returns: the module's result
    :raises OptionError: when ``run_uuid`` or a time is malformed
    """
    opens = not params.get("run_uuid") and params.get("work_dir") and not check_mode
    now = claim_start(params["work_dir"]) if opens else utc_now()
    return deliver(params, describe(params, now), now, check_mode)


def record_restore(params: t.Mapping[str, t.Any], check_mode: bool) -> t.Dict[str, t.Any]:
    """The same of a restore.

    :param params: the options of ``restore_log_record``
    """
    now = utc_now()
    result = deliver(params, describe_restore(params, now), now, check_mode)
    # A restore's run has no name.
    return {name: value for name, value in result.items() if name != "name"}


def deliver(
    params: t.Mapping[str, t.Any], state: State, now: datetime.datetime, check_mode: bool
) -> t.Dict[str, t.Any]:
    """Write a state, and those that wait.

    That it cannot be done is no failure here, but a ``message`` in the result: a backup must not wait for its record.
    """
    spool = Spool(params["spool_dir"], "records")
    if check_mode:
        outcome = _foresee(params, spool, state, timestamp(now))
    else:
        with spool.lock():
            outcome = _deliver(params, spool, state, now)
    result: t.Dict[str, t.Any] = {
        "run_uuid": state.run_uuid,
        "spooled": outcome.kept and not check_mode,
        "replayed": outcome.replayed,
        "abandoned": outcome.abandoned,
        "changed": bool(outcome.kept or outcome.change.after or outcome.replayed or outcome.abandoned),
        "diff": {"before": _shown(outcome.change.before), "after": _shown(outcome.change.after)},
    }
    if not params.get("run_uuid"):
        result.update(name=now.strftime(RUN_NAME), started=timestamp(now))
    if params.get("status"):
        # Not `finished`, which Ansible takes for its own and, from 2.21 on, for a yes or no.
        result["ended"] = timestamp(now)
    problems = outcome.problems + spool.unreadable()
    if problems:
        result["message"] = "; ".join(problems)
    warnings = spool.warnings + problems + outcome.abandoned
    if warnings:
        result["warnings"] = warnings
    return result


def describe(params: t.Mapping[str, t.Any], now: datetime.datetime) -> State:
    """The columns that a module's options speak of; without ``run_uuid``, those of a run that opens now.

    :raises OptionError: when ``run_uuid`` or a time is malformed
    """
    run_uuid = params.get("run_uuid")
    status = params.get("status")
    backup: Columns = {"hostname": fit_characters(params["hostname"], 100)}
    if not run_uuid:
        backup.update(status_backup=0, data_inicio=timestamp(now))
    if status is not None:
        backup["status_backup"] = status
    if status:
        backup["data_encerramento"] = timestamp(now)
    if params.get("stage"):
        backup["etapa"] = params["stage"]
    options = params.get("backup") or {}
    backup.update(_common(options, "backup", BACKUP_TEXTS, BACKUP_TIMES, "dump_bytes"))
    if options.get("databases") is not None:
        backup["nome_database"] = fit_bytes(", ".join(options["databases"]), TEXT_BYTES)
    for option, column in (("run_log_file", "log_execucao"), ("dump_log_file", "log_dump")):
        if params.get(option):
            with contextlib.suppress(FileNotFoundError):
                backup[column] = _log(params[option])
    return State(_identity(run_uuid), backup, _describe_upload(params.get("upload") or {}, now), {})


def describe_restore(params: t.Mapping[str, t.Any], now: datetime.datetime) -> State:
    """The columns that the options of ``restore_log_record`` speak of; without ``run_uuid``, of one that begins now.

    :raises OptionError: when an identity or a time is malformed
    """
    restore: Columns = {
        "hostname": fit_characters(params["hostname"], 100),
        "servidor": fit_characters(params["server"], 100),
        "tipo": KINDS[params["kind"]],
    }
    if not params.get("run_uuid"):
        restore.update(status=0, data_inicio=timestamp(now))
    if params.get("status") is not None:
        restore["status"] = params["status"]
    if params.get("status"):
        restore["data_encerramento"] = timestamp(now)
    if params.get("backup_run_uuid"):
        restore["backup_run_uuid"] = _identity(params["backup_run_uuid"])
    restore.update({column: params[name] for name, column in RESTORED.items() if params.get(name) is not None})
    if params.get("restored"):
        restore["restaurado_em"] = _time(params["restored"], "restored")
    if params.get("notes") is not None:
        restore["observacao"] = fit_bytes("\n".join(params["notes"]), TEXT_BYTES)
    return State(_identity(params.get("run_uuid")), {}, {}, restore)


def _describe_upload(options: t.Mapping[str, t.Any], now: datetime.datetime) -> Columns:
    upload: Columns = {}
    if options.get("status") is not None:
        upload["status_upload"] = options["status"]
    if options.get("status"):
        upload["data_encerramento"] = timestamp(now)
    upload.update(_common(options, "upload", UPLOAD_TEXTS, UPLOAD_TIMES, "archive_bytes"))
    return upload


def _common(
    options: t.Mapping[str, t.Any],
    name: str,
    texts: t.Mapping[str, t.Tuple[str, int]],
    times: t.Mapping[str, str],
    size: str,
) -> Columns:
    columns: Columns = {
        column: fit_characters(options[option], limit)
        for option, (column, limit) in texts.items()
        if options.get(option)
    }
    for option, column in times.items():
        if options.get(option):
            columns[column] = _time(options[option], f"{name}.{option}")
    if options.get(size) is not None:
        columns["tamanho_arquivo"] = f"{options[size] / 1e6:.2f}"
    if options.get("notes") is not None:
        columns["observacao"] = fit_bytes("\n".join(options["notes"]), TEXT_BYTES)
    return columns


def _log(path: str) -> str:
    try:
        return excerpt_of(path, LOG_BYTES)
    except FileNotFoundError:
        raise
    except OSError as error:
        # The record matters more than the log in it.
        return f"{path} could not be read: {error.strerror}"


def _identity(run_uuid: t.Optional[str]) -> str:
    if not run_uuid:
        return str(uuid.uuid4())
    try:
        return str(uuid.UUID(run_uuid))
    except ValueError:
        raise OptionError(
            f"run_uuid {run_uuid!r} is not a UUID: pass on the one that the opening record returned"
        ) from None


def _time(text: str, option: str) -> str:
    try:
        return timestamp(datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S"))
    except ValueError:
        raise OptionError(f"{option} {text!r} is not a time like 2025-07-20 16:15:23 (UTC)") from None


def _parse(content: t.Any) -> State:
    # What an earlier release kept knows no restores.
    parts = (dict(content["backup"]), dict(content["upload"]), dict(content.get("restore", {})))
    return State(str(uuid.UUID(content["run_uuid"])), *parts)


def _foresee(params: t.Mapping[str, t.Any], spool: Spool, state: State, now: str) -> Outcome:
    try:
        with log_database(LogDatabase.from_options(params)) as connection:
            check_version(connection, required_version(state))
            return Outcome(upsert(connection, state, now, dry_run=True), spool.names(), False, [], [])
    except LogDatabaseUnavailable as error:
        return Outcome(Change({}, {}), [], True, [f"{error}; the record would be kept in {spool}"], [])


def _deliver(params: t.Mapping[str, t.Any], spool: Spool, state: State, now: datetime.datetime) -> Outcome:
    """Within the spool's lock, so that what is written for a run is never older than what was written before."""
    waiting = spool.read(state.run_uuid, _parse)
    if waiting is not None:
        state = combine(waiting, state)
        # Rewritten first, lest a crash after the write below leave a file that replays something older. A full disk
        # must not keep the record itself from being written.
        with contextlib.suppress(OSError):
            spool.write(state.run_uuid, state._asdict())
    try:
        with log_database(LogDatabase.from_options(params)) as connection:
            check_version(connection, required_version(state))
            change = upsert(connection, state, timestamp(now))
            spool.remove(state.run_uuid)
            own = [] if waiting is None else [state.run_uuid]
            others, problems = _replay(connection, spool, timestamp(now))
            abandoned = []
            if not params.get("run_uuid") and params.get("work_dir"):
                hostname, patience = state.backup["hostname"], params["abandoned_after"]
                abandoned = close_abandoned(connection, hostname, state.run_uuid, params["work_dir"], patience, now)
            if params.get("close_others"):
                servers = close_restores(connection, state, DEAD_RESTORE, timestamp(now))
                abandoned = [f"{server}: {DEAD_RESTORE}" for server in servers]
            return Outcome(change, own + others, False, problems, abandoned)
    except LogDatabaseUnavailable as error:
        try:
            spool.write(state.run_uuid, state._asdict())
        except OSError as trouble:
            problem, kept = f"{error}; and the record could not be kept in {spool}: {trouble}", False
        else:
            problem, kept = f"{error}; the record is kept in {spool} until a later one gets through", True
        return Outcome(Change({}, {}), [], kept, [problem], [])


def _replay(connection: Connection[Cursor], spool: Spool, now: str) -> t.Tuple[t.List[str], t.List[str]]:
    """Write the records of other runs that wait; one that is refused stays, and holds up no other.

    :returns: the runs whose records were written, and a sentence when any was refused
    """
    replayed: t.List[str] = []
    refused: t.List[str] = []
    for name in spool.names():
        state = spool.read(name, _parse)
        if state is None:
            continue
        try:
            upsert(connection, state, now)
        except LogDatabaseUnavailable as error:
            refused.append(str(error))
            continue
        spool.remove(name)
        replayed.append(state.run_uuid)
    if not refused:
        return replayed, []
    # The reason of one: all that wait may have the same.
    return replayed, [f"{refused[0]}; {len(refused)} of the records in {spool} were refused and stay there"]


def _shown(columns: t.Mapping[str, t.Any]) -> Columns:
    """Columns for a diff: a long text, such as a log, only by its length."""
    return {
        name: f"<{len(value)} characters>" if isinstance(value, str) and len(value) > SHOWN_CHARACTERS else value
        for name, value in columns.items()
    }
