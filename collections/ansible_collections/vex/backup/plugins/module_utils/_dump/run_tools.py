# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The run of MyDumper and mysqldump according to the plan, one database after the other or all in one snapshot."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import list_files
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR, SUCCESS, WARNING
from ansible_collections.vex.backup.plugins.module_utils._dump.chunk_compression import CompressedChunk
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import INSTANCE, DatabasePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.run_mydumper import run_mydumper
from ansible_collections.vex.backup.plugins.module_utils._dump.run_mysqldump import run_mysqldump
from ansible_collections.vex.backup.plugins.module_utils._dump.stored_programs import write_programs
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import ToolResult, ToolRun
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed, ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect


@dataclasses.dataclass(frozen=True)
class DumpResult(ToolResult):
    """The result of all tools; ``bytes`` is the dump's size before compression."""

    bytes: int = 0
    consistent: bool = True

    @property
    def status(self) -> int:
        """The status of the dump."""
        return ERROR if self.errors else WARNING if self.warnings else SUCCESS

    @property
    def binlog_position_text(self) -> str:
        """``file:position`` and GTID of the snapshot, or ``name=file:position`` of each database's own."""
        if len(self.binlog_positions) == 1:
            only = next(iter(self.binlog_positions.values()))
            return f"{only.file}:{only.position} {only.gtid}".strip()
        return "; ".join(f"{name}={at.file}:{at.position}" for name, at in self.binlog_positions.items())


def run_tools(run: ToolRun) -> DumpResult:
    """Dump into ``run.folder``, which is created.

    The other databases are dumped even if one fails, unless the server stopped answering or a chunk could not be
    compressed.

    :raises CommandTimeout: when the deadline passes
    :raises DumpFailed, NotEnoughSpace: when a chunk could not be compressed
    """
    os.mkdir(run.folder, 0o700)
    plan = run.plan
    groups = [list(plan.databases)] if plan.mode == INSTANCE else [[one] for one in plan.databases]
    results: t.List[ToolResult] = []
    for group in groups:
        results.append(_dump_group(run, group))
        if results[-1].errors and not _server_answers(run.request.login):
            message = "the server no longer answers; the remaining databases are not dumped"
            results.append(ToolResult(errors=[message]))
            break
    total = _merge(results)
    return DumpResult(
        **vars(total),
        bytes=_size(run.folder, total.chunks),
        consistent=len(groups) == 1 and not total.errors,
    )


def _dump_group(run: ToolRun, group: t.Sequence[DatabasePlan]) -> ToolResult:
    results = [run_mysqldump(run, group[0]) if group[0].reason else run_mydumper(run, group)]
    for one in group:
        # Each attempt on a server that does not answer would wait for its timeout.
        if one.programs and not results[-1].errors:
            results.append(_dump_programs(run, one))
    return _merge(results)


def _dump_programs(run: ToolRun, one: DatabasePlan) -> ToolResult:
    folder = os.path.join(run.folder, one.directory)
    os.makedirs(folder, 0o700, exist_ok=True)
    try:
        with connect(run.request.login, raw=True) as connection:
            write_programs(connection, one.name, one.programs, os.path.join(folder, "programs.sql"))
    except (DumpFailed, ServerUnavailable) as error:
        return ToolResult(errors=[f"{one.name}: {error}"])
    return ToolResult()


def _merge(results: t.Sequence[ToolResult]) -> ToolResult:
    return ToolResult(
        warnings=[message for result in results for message in result.warnings],
        errors=[message for result in results for message in result.errors],
        binlog_positions={name: at for result in results for name, at in result.binlog_positions.items()},
        chunks={name: chunk for result in results for name, chunk in result.chunks.items()},
    )


def _size(folder: str, chunks: t.Mapping[str, CompressedChunk]) -> int:
    """Return the bytes of all files below *folder* before compression."""
    names = [name for name in list_files(folder) if os.path.splitext(name)[0] not in chunks]
    size = sum(os.path.getsize(os.path.join(folder, name)) for name in names)
    return size + sum(chunk.size for chunk in chunks.values())


def _server_answers(login: Login) -> bool:
    try:
        connect(login).close()
    except ServerUnavailable:
        return False
    return True
