# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record of a run or a restore: written to the log database, or kept in the spool while that is not possible."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import typing as t
import uuid

from ansible_collections.vex.backup.plugins.module_utils._common.failpoint import failpoint
from ansible_collections.vex.backup.plugins.module_utils._common.patience import Patience
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import (
    RUN_NAME,
    RunLog,
    claim_start,
    timestamp,
    utc_now,
)
from ansible_collections.vex.backup.plugins.module_utils._common.spool import Spool
from ansible_collections.vex.backup.plugins.module_utils._errors import LogDatabaseUnavailable
from ansible_collections.vex.backup.plugins.module_utils._log_db.abandoned_runs import OpeningRun, close_abandoned_runs
from ansible_collections.vex.backup.plugins.module_utils._log_db.columns import (
    SHORT_FORM,
    RestoreFacts,
    RunFacts,
    restore_state,
    run_state,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import (
    LogDatabase,
    check_version,
    log_database,
    log_patience,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.merge import Columns, State, combine
from ansible_collections.vex.backup.plugins.module_utils._log_db.running_runs import close_other_restores
from ansible_collections.vex.backup.plugins.module_utils._log_db.upsert import Change, upsert

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

    # Closes the records of other runs that are abandoned; returns a sentence for each.
    CloseOthers = t.Callable[[Connection[Cursor], State], t.List[str]]

# A longer text is shown in a diff by its length.
SHOWN_CHARACTERS = 200
ABANDONED_RESTORE = "its process or the connection to its host ended early: closed by the next one on that host"


@dataclasses.dataclass(frozen=True)
class RunRecordRequest:
    """The options of ``backup_log_record``.

    With ``work_dir``, a run that opens claims its name there and closes the abandoned runs of its host, those without
    a sign of life for ``abandoned_after`` seconds. A record that ends the run waits ``patience`` seconds for a log
    database that is away.
    """

    log_database: LogDatabase
    spool_dir: str
    facts: RunFacts
    work_dir: t.Optional[str] = None
    abandoned_after: int = 600
    patience: int = 0


@dataclasses.dataclass(frozen=True)
class RestoreRecordRequest:
    """The options of ``restore_log_record``.

    ``close_others``: close the other restores of this kind on this host that have not ended. ``patience``: as in
    :class:`RunRecordRequest`.
    """

    log_database: LogDatabase
    spool_dir: str
    facts: RestoreFacts
    close_others: bool = False
    patience: int = 0


@dataclasses.dataclass(frozen=True)
class _Record:
    """A state to write, and where: to the log database, else to the spool. ``now`` is UTC, ``patience`` for it."""

    state: State
    log_database: LogDatabase
    spool: Spool
    now: datetime.datetime
    close_others: CloseOthers
    patience: Patience


class _Delivery(t.NamedTuple):
    """The delivery of a record.

    ``kept``: the record is in the spool. ``problems``: sentences on why it, or an earlier kept record, was not written
    to the log database. ``replayed``: runs whose kept records were written. ``closed``: a sentence for each
    abandoned run that was closed.
    """

    change: Change = Change({}, {})
    replayed: t.Sequence[str] = ()
    kept: bool = False
    problems: t.Sequence[str] = ()
    closed: t.Sequence[str] = ()


def record_run(request: RunRecordRequest, log: RunLog, check_mode: bool) -> t.Dict[str, t.Any]:
    """Write the known facts of a run to the log database, or keep them in the spool until that is possible.

    :param check_mode: change nothing, only return what would change
    :returns: the module's result
    :raises OptionError: when ``run_uuid`` or a time is malformed
    """
    facts, work_dir = request.facts, request.work_dir
    now = claim_start(work_dir) if work_dir and not facts.run_uuid and not check_mode else utc_now()

    def close_others(connection: Connection[Cursor], state: State) -> t.List[str]:
        if facts.run_uuid or not work_dir:
            return []
        hostname = state.backup["hostname"]
        opening = OpeningRun(state.run_uuid, hostname, work_dir, request.abandoned_after, now)
        return close_abandoned_runs(connection, opening)

    spool = Spool(request.spool_dir, "records")
    patience = _patience(request, log)
    record = _Record(run_state(facts, now), request.log_database, spool, now, close_others, patience)
    result = _deliver(record, check_mode)
    if not facts.run_uuid:
        result.update(name=now.strftime(RUN_NAME), started=timestamp(now))
    if facts.status:
        # Not `finished`: from ansible-core 2.21 on, Ansible reads that as a boolean of its own.
        result["ended"] = timestamp(now)
    return result


def record_restore(request: RestoreRecordRequest, log: RunLog, check_mode: bool) -> t.Dict[str, t.Any]:
    """Write the known facts of a restore to the log database, or keep them in the spool until that is possible.

    :param check_mode: change nothing, only return what would change
    :returns: the module's result
    :raises OptionError: when an identity or a time is malformed
    """
    facts, now = request.facts, utc_now()

    def close_others(connection: Connection[Cursor], state: State) -> t.List[str]:
        if not request.close_others:
            return []
        servers = close_other_restores(connection, state, ABANDONED_RESTORE, timestamp(now))
        return [f"{server}: {ABANDONED_RESTORE}" for server in servers]

    spool = Spool(request.spool_dir, "records")
    patience = _patience(request, log)
    record = _Record(restore_state(facts, now), request.log_database, spool, now, close_others, patience)
    result = _deliver(record, check_mode)
    if not facts.run_uuid:
        result["started"] = timestamp(now)
    if facts.status:
        result["ended"] = timestamp(now)
    return result


def _deliver(record: _Record, check_mode: bool) -> t.Dict[str, t.Any]:
    """Write a record, and the records that are kept in the spool.

    A record that cannot be written is no failure, but a ``message`` in the result: a backup must not wait for its
    record.
    """
    spool = record.spool
    delivery = _preview(record) if check_mode else _write_or_keep(record)
    result: t.Dict[str, t.Any] = {
        "run_uuid": record.state.run_uuid,
        "spooled": delivery.kept and not check_mode,
        "replayed": list(delivery.replayed),
        "abandoned": list(delivery.closed),
        "changed": bool(delivery.kept or delivery.change.after or delivery.replayed or delivery.closed),
        "diff": {"before": _for_diff(delivery.change.before), "after": _for_diff(delivery.change.after)},
    }
    problems = [*delivery.problems, *spool.unreadable()]
    if problems:
        result["message"] = "; ".join(problems)
    # Without duplicates: each attempt may have had the same one.
    warnings = [*dict.fromkeys(spool.warnings), *problems, *delivery.closed]
    if warnings:
        result["warnings"] = warnings
    return result


def _preview(record: _Record) -> _Delivery:
    """Return the delivery that :func:`_write` would make, and change nothing."""
    try:
        with log_database(record.log_database) as connection:
            check_version(connection)
            change = upsert(connection, record.state, timestamp(record.now), dry_run=True)
            return _Delivery(change, replayed=record.spool.names())
    except LogDatabaseUnavailable as error:
        return _Delivery(kept=True, problems=[f"{error}; the record would be kept in {record.spool}"])


def _patience(request: t.Union[RunRecordRequest, RestoreRecordRequest], log: RunLog) -> Patience:
    """Return the patience of a record: no backup waits for one that another will follow, and that brings it along."""
    return log_patience(request.patience if request.facts.status else 0, log)


def _write_or_keep(record: _Record) -> _Delivery:
    """Write a record; keep it in the spool while the log database is away, and after the patience has ended.

    Every attempt has the spool's lock, so that an older state of the run never replaces a newer one. Between attempts
    others have it: a record that waits must not delay another run. A repetition is safe even after a commit whose
    answer was lost, because :func:`upsert` brings the rows to the same state.
    """
    has_ended = "data_encerramento" in {**record.state.backup, **record.state.restore}
    state = "finish" if has_ended else "running"

    def attempt() -> _Delivery:
        with record.spool.lock():
            try:
                with failpoint(f"record:{state}"):
                    return _write(record)
            except LogDatabaseUnavailable:
                # Before the wait: the process may be killed during it.
                with contextlib.suppress(OSError):
                    _keep(record)
                raise

    try:
        return record.patience.attempt(attempt)
    except LogDatabaseUnavailable as error:
        with record.spool.lock():
            try:
                _keep(record)
            except OSError as trouble:
                problem = f"{error}; and the record could not be kept in {record.spool}: {trouble}"
                return _Delivery(problems=[problem])
        problem = f"{error}; the record is kept in {record.spool}; a later run writes it"
        return _Delivery(kept=True, problems=[problem])


def _write(record: _Record) -> _Delivery:
    spool, now = record.spool, timestamp(record.now)
    waiting = spool.read(record.state.run_uuid, _parse)
    state = record.state if waiting is None else combine(waiting, record.state)
    if waiting is not None:
        # Rewritten first: else a crash after the write below would leave a file that replays an older state. A full
        # disk must not keep the record from being written.
        with contextlib.suppress(OSError):
            spool.write(state.run_uuid, state._asdict())
    with log_database(record.log_database) as connection:
        check_version(connection)
        change = upsert(connection, state, now)
        spool.remove(state.run_uuid)
        own = [] if waiting is None else [state.run_uuid]
        others, problems = _replay(connection, spool, now)
        return _Delivery(change, [*own, *others], False, problems, record.close_others(connection, state))


def _keep(record: _Record) -> None:
    """Write a record to the spool, combined with what the spool has of its run.

    :raises OSError: when that is not possible
    """
    waiting = record.spool.read(record.state.run_uuid, _parse)
    state = record.state if waiting is None else combine(waiting, record.state)
    record.spool.write(state.run_uuid, state._asdict())


def _replay(connection: Connection[Cursor], spool: Spool, now: str) -> t.Tuple[t.List[str], t.List[str]]:
    """Write the kept records of other runs; a refused record stays and does not stop the others.

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
    # Only the first reason: all of them may be the same.
    return replayed, [f"{refused[0]}; {len(refused)} of the records in {spool} were refused and stay there"]


def _parse(content: t.Any) -> State:
    # A record that an earlier release kept may have no restore, and one upload instead of one for each destination.
    uploads = content.get("uploads", {SHORT_FORM: content["upload"]} if content.get("upload") else {})
    parts = (dict(content["backup"]), {name: dict(row) for name, row in uploads.items()})
    return State(str(uuid.UUID(content["run_uuid"])), *parts, dict(content.get("restore", {})))


def _for_diff(columns: t.Mapping[str, t.Any]) -> Columns:
    """Return columns for a diff, a long text, such as a log, only by its length."""
    return {
        name: f"<{len(value)} characters>" if isinstance(value, str) and len(value) > SHOWN_CHARACTERS else value
        for name, value in columns.items()
    }
