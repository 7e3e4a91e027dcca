# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run of MyDumper."""

from __future__ import annotations

import contextlib
import os
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.process import Completed, Running, running
from ansible_collections.vex.backup.plugins.module_utils._dump.binlog_position import (
    block_writers,
    mydumper_cannot_read_position,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.chunk_compression import (
    Chunks,
    compress_while_running,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import INSTANCE, DatabasePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.repair_0_10 import repair_files
from ansible_collections.vex.backup.plugins.module_utils._dump.stall_guard import stall_guard
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import ToolResult, ToolRun
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, DumpStalled, ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import BinlogPosition, TableNames, list_objects
from ansible_collections.vex.backup.plugins.module_utils._tools import mydumper, mydumper_0_10


class _Ended(t.NamedTuple):
    """The end of a MyDumper; ``position`` is the binlog position if it was read for MyDumper."""

    completed: Completed
    chunks: Chunks
    position: t.Optional[BinlogPosition]


def run_mydumper(run: ToolRun, group: t.Sequence[DatabasePlan]) -> ToolResult:
    """Dump *group*, one database or all databases of the snapshot, and decide the outcome.

    :raises CommandTimeout: when the deadline passes
    :raises DumpFailed, NotEnoughSpace: when a chunk could not be compressed
    """
    plan = run.plan
    dump = _work(run, group)
    os.mkdir(os.path.dirname(dump.output), 0o700)
    _read_and_delete(dump.log)
    heading = ", ".join(dump.databases)
    try:
        ended = _run_again_if_stalled(run, dump)
    except (BackupError, OSError):
        # The log until then shows how far MyDumper got.
        run.append_dump_log(heading, _read_and_delete(dump.log))
        raise
    output = (_read_and_delete(dump.log), ended.completed.stderr, ended.completed.stdout)
    text = "\n".join(part for part in output if part)
    run.append_dump_log(heading, text)

    metadata = _read(os.path.join(dump.output, "metadata"))
    files = os.listdir(dump.output) if os.path.isdir(dump.output) else []
    if plan.version.generation == mydumper.LEGACY:
        repair_files(dump.output, files)
    expected = {one.name: _remaining_tables(run.request.login, one) for one in group}
    outcome = mydumper.decide(
        mydumper.Evidence(
            returncode=ended.completed.returncode,
            log=text,
            metadata=metadata,
            unfinished_metadata="metadata.partial" in files,
            # A position that was read for MyDumper is not missing.
            binlog_enabled=plan.server.binlog_enabled and ended.position is None,
            missing_schemas=mydumper.missing_schemas(plan.version, expected, files, metadata or ""),
            generation=plan.version.generation,
        )
    )
    return _result(run, group, outcome, ended, ended.position or mydumper.parse_binlog_position(metadata or ""))


def _work(run: ToolRun, group: t.Sequence[DatabasePlan]) -> mydumper.Dump:
    request, plan = run.request, run.plan
    return mydumper.Dump(
        databases=[one.name for one in group],
        output=os.path.join(run.folder, plan.tables_directory(group[0])),
        log=f"{request.dump_log}.part",
        option_file=run.option_file,
        threads=request.threads,
        long_query_guard=request.long_query_guard,
        product=plan.server.product,
        server_version=plan.server_version,
        routines=request.routines,
        events=request.events,
        triggers=request.triggers,
        non_transactional_tables=any(one.objects.non_transactional for one in group),
    )


def _result(
    run: ToolRun,
    group: t.Sequence[DatabasePlan],
    outcome: mydumper.Outcome,
    ended: _Ended,
    position: t.Optional[BinlogPosition],
) -> ToolResult:
    directory = run.plan.tables_directory(group[0])
    label, key = ("the instance", "") if run.plan.mode == INSTANCE else (group[0].name, group[0].name)
    return ToolResult(
        warnings=[f"{label}: {message}" for message in outcome.warnings],
        errors=[f"{label}: {message}" for message in outcome.errors],
        binlog_positions={key: position} if position else {},
        chunks={os.path.join(directory, name): chunk for name, chunk in ended.chunks.items()},
    )


def _run_again_if_stalled(run: ToolRun, dump: mydumper.Dump) -> _Ended:
    try:
        return _run_to_end(run, dump)
    except DumpStalled as error:
        run.log.warning(f"dump: {error}. It was ended, and is started again")
    shutil.rmtree(dump.output)
    _read_and_delete(dump.log)
    return _run_to_end(run, dump)


def _run_to_end(run: ToolRun, dump: mydumper.Dump) -> _Ended:
    """Run MyDumper to its end; meanwhile read the binlog position if MyDumper cannot, and compress chunks."""
    plan = run.plan
    position: t.Optional[BinlogPosition] = None
    with contextlib.ExitStack() as stack:
        writers = None
        try:
            if mydumper_cannot_read_position(plan.version, plan.server):
                writers = stack.enter_context(block_writers(run.request.login))
        except ServerUnavailable as error:
            run.log.warning(f"dump: no binlog position: {error}")
        program = stack.enter_context(
            running(
                [plan.mydumper_path, *mydumper.arguments(plan.version, dump)],
                environment=mydumper.environment(),
                keep_open=[run.lock],
            )
        )
        try:
            if writers:
                position = writers.wait_for_snapshots(lambda: _read(dump.log) or "", program.has_ended)
        except ServerUnavailable as error:
            run.log.warning(f"dump: no binlog position: {error}")
        if plan.version.generation == mydumper.LEGACY and dump.non_transactional_tables:
            stack.enter_context(stall_guard(program, dump.log, run.request.login))
        completed, chunks = _wait(run, program, dump.output)
        return _Ended(completed, chunks, position)


def _wait(run: ToolRun, program: Running, output: str) -> t.Tuple[Completed, Chunks]:
    if run.compressor and mydumper_0_10.splits_tables(run.plan.version.text):
        return compress_while_running(program, output, run.compressor, run.deadline)
    return program.wait(run.deadline.remaining()), {}


def _remaining_tables(login: Login, one: DatabasePlan) -> TableNames:
    """Return the planned tables and views that still exist: a table that was dropped meanwhile is not missing."""
    try:
        with connect(login) as connection:
            now = list_objects(connection, one.name)
    except ServerUnavailable:
        return TableNames(one.objects.tables, one.objects.views)
    return TableNames(
        [name for name in one.objects.tables if name in set(now.tables)],
        [name for name in one.objects.views if name in set(now.views)],
    )


def _read(path: str) -> t.Optional[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def _read_and_delete(path: str) -> str:
    """Read a file, then delete it; return an empty text if there is none."""
    text = _read(path) or ""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    return text
