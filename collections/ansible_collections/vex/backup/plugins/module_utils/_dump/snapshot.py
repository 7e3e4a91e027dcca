# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The dump of one snapshot: a database, or all of them. MyDumper and this collection read it side by side."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from concurrent.futures import Future, wait

from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._dump.culprits import (
    Unreadable,
    find_changes,
    find_culprits,
    start_again,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.left_out import describe_broken
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan, plan_database
from ansible_collections.vex.backup.plugins.module_utils._dump.read_lock import read_lock
from ansible_collections.vex.backup.plugins.module_utils._dump.run_mydumper import MyDumperRun, started_mydumper
from ansible_collections.vex.backup.plugins.module_utils._dump.snapshot_reader import SnapshotReader
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import DatabaseDump, ToolRun
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    DumpFailed,
    PlanOutdated,
    ServerUnavailable,
    TableFailed,
    TablesInUse,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import BinlogPosition, has_database

_PERIOD_SECONDS = 0.2
# Some servers create and drop tables all the time.
_MOST_PLANS = 4
NO_POSITION_WARNING = "the server writes a binary log, but the dump has no binlog position"


@dataclasses.dataclass(frozen=True)
class SnapshotResult:
    """The databases of a snapshot, none of them when there are errors.

    ``lost`` are sentences on tables and programs that are not in the dump, because they cannot be read. With errors,
    ``planned`` are the plans of the databases, ``failed`` is the table that made the snapshot fail, if it is known,
    ``change`` the change of a table that did. ``is_last`` is set when further snapshots would fail as well, and hold up
    the writers of the server.
    """

    databases: t.Sequence[DatabaseDump] = ()
    warnings: t.Sequence[str] = ()
    lost: t.Sequence[str] = ()
    errors: t.Sequence[str] = ()
    planned: t.Sequence[DatabasePlan] = ()
    failed: t.Optional[TableFailed] = None
    change: str = ""
    is_last: bool = False


def dump_snapshot(run: ToolRun, names: t.Sequence[str]) -> SnapshotResult:
    """Dump databases from one snapshot; when it fails at a table that cannot be read, from another one without that.

    It is planned again when tables were created, changed or dropped meanwhile.

    :raises CommandTimeout: when the deadline passes
    :raises NotEnoughSpace: when a file with rows cannot be compressed
    """
    unreadable: Unreadable = {}
    left = _MOST_PLANS
    while True:
        result = _dump_once(run, names, unreadable, is_last=left == 1)
        if not result.errors or result.is_last:
            return result
        change = result.change or find_changes(run, result.planned, result.errors)
        if change:
            left -= 1
            if not left:
                return SnapshotResult(errors=[f"{change} during each of {_MOST_PLANS} attempts: start at another time"])
            run.log.info(f"{change} during the dump: it begins again")
        elif not _without(run, unreadable, find_culprits(run, result.planned, result.errors, result.failed)):
            return result
        start_again(run, names)


def _without(run: ToolRun, unreadable: Unreadable, more: Unreadable) -> bool:
    """Add *more* tables to those that are known as unreadable; return whether there are any."""
    for name, tables in more.items():
        unreadable.setdefault(name, {}).update(tables)
        for table, broken in tables.items():
            run.log.warning(f"{name}.{table} cannot be read: {broken.reason}; the dump begins again without it")
    return bool(more)


def _dump_once(run: ToolRun, names: t.Sequence[str], unreadable: Unreadable, *, is_last: bool) -> SnapshotResult:
    """Dump databases from one snapshot, without the tables that are known as *unreadable*.

    :param is_last: whether tables that are not in the plan make a warning, because there is no other attempt
    """
    label = names[0] if len(names) == 1 else "the instance"
    # A failure stops the readers of this snapshot alone.
    run = dataclasses.replace(run, deadline=run.deadline.part())
    databases: t.List[DatabasePlan] = []
    try:
        with contextlib.ExitStack() as stack:
            # It ends before the lock, as the session of the plan does.
            with connect(run.request.login) as connection:
                present = [name for name in names if has_database(connection, name)]
                databases = [plan_database(connection, run.plan, name, unreadable.get(name, {})) for name in present]
            gone = [name for name in names if name not in present]
            dropped = [f"{name}: it was dropped before its dump began" for name in gone]
            if any(name in run.request.databases for name in gone):
                return SnapshotResult(errors=dropped)
            if not databases:
                return SnapshotResult(warnings=dropped)
            snapshot = _Snapshot(run, databases, stack, is_last=is_last)
            failures = snapshot.read()
    except PlanOutdated as error:
        return SnapshotResult(errors=[str(error)], change=str(error))
    except (DumpFailed, ServerUnavailable) as error:
        return SnapshotResult(
            errors=[f"{label}: {error}"],
            planned=databases,
            failed=error if isinstance(error, TableFailed) else None,
            is_last=isinstance(error, TablesInUse),
        )
    if failures:
        return SnapshotResult(errors=[f"{label}: {message}" for message in failures], planned=databases)
    has_no_position = run.plan.server.binlog_enabled and snapshot.position is None
    no_position = [f"{label}: {NO_POSITION_WARNING}"] if has_no_position else []
    found = snapshot.result()
    unusable = [
        f"{one.plan.name}: the server cannot use the {definition.label}: {definition.unusable}. Its definition is in "
        "the dump; repair or drop it"
        for one in found
        for definition in one.definitions
        if definition.unusable
    ]
    broken = [text for one in databases for text in describe_broken(one, is_lost=False)]
    lost = [text for one in databases for text in describe_broken(one, is_lost=True)]
    lost += [f"{each.reason}. Repair or drop it" for one in found for each in one.lost]
    warnings = [*dropped, *no_position, *broken, *unusable, *snapshot.warnings]
    return SnapshotResult(found, warnings, lost)


class _Snapshot:
    """The readers of one snapshot; they end with *stack*."""

    def __init__(
        self,
        run: ToolRun,
        databases: t.Sequence[DatabasePlan],
        stack: contextlib.ExitStack,
        *,
        is_last: bool,
    ) -> None:
        self._run = run
        self._databases = databases
        self._reader = SnapshotReader(run, databases, stack)
        self._mydumper: t.Optional[MyDumperRun] = None
        self.position: t.Optional[BinlogPosition] = None
        self.warnings = self._reader.warnings
        request = run.request
        patience, lock_tables = request.long_query_guard, self._reader.lock_tables
        with read_lock(request.login, run.plan.server, patience, run.deadline, lock_tables) as lock:
            self.position = lock.position
            created, dropped = self._reader.changed_tables()
            if dropped or (created and not is_last):
                raise PlanOutdated(f"{dropped[0]} was dropped" if dropped else f"{created[0]} was created")
            self.warnings += [f"{name} was created while the dump began, and is not in it" for name in created]
            if any(one.mydumper_tables for one in databases):
                self._mydumper = stack.enter_context(started_mydumper(run, databases))
            self._reader.begin()
            if self._mydumper:
                self._mydumper.wait_for_snapshots()
            # Its success shows that the lock existed all the time.
            lock.release()

    def read(self) -> t.List[str]:
        """Read everything; return the reasons why MyDumper failed."""
        with Threads(1) as pool:
            reading = pool.submit(self._reader.read)
            try:
                failures = self._mydumper.wait(lambda: _raise_failure(reading)) if self._mydumper else []
                if failures:
                    self._reader.stop()
                    return failures
                while not wait([reading], _PERIOD_SECONDS).done:
                    self._run.deadline.remaining()
                reading.result()
            except BaseException:
                self._reader.stop()
                raise
        return []

    def result(self) -> t.List[DatabaseDump]:
        """Return the databases, after :meth:`read` without a failure."""
        files = {**self._reader.files, **(self._mydumper.files if self._mydumper else {})}
        found = []
        for one in self._databases:
            read = self._reader.definitions[one.name]
            by_table = {plan.table.name: files.get((one.name, plan.table.name), []) for plan in one.tables}
            fingerprints = self._reader.fingerprints[one.name]
            found.append(
                DatabaseDump(
                    one,
                    by_table,
                    read.collation,
                    read.definitions,
                    fingerprints,
                    self.position,
                    read.broken,
                    read.lost,
                )
            )
        return found


def _raise_failure(reading: Future[None]) -> None:
    """Raise the error of the reader if it has failed."""
    if reading.done():
        reading.result()
