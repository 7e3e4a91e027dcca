# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The run of the dump's tools, one snapshot after the other: one of each database, or one of all."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR, SUCCESS, WARNING
from ansible_collections.vex.backup.plugins.module_utils._dump.left_out import mark_views
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import INSTANCE
from ansible_collections.vex.backup.plugins.module_utils._dump.snapshot import SnapshotResult, dump_snapshot
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import DatabaseDump, ToolRun
from ansible_collections.vex.backup.plugins.module_utils._errors import ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect


@dataclasses.dataclass(frozen=True)
class DumpResult:
    """The result of all tools; ``bytes`` is the size of the files with rows before compression.

    ``lost`` are sentences on tables whose rows the server cannot read: the dump holds all others. With ``errors`` there
    is no dump.
    """

    databases: t.Sequence[DatabaseDump] = ()
    warnings: t.Sequence[str] = ()
    lost: t.Sequence[str] = ()
    errors: t.Sequence[str] = ()
    consistent: bool = True
    bytes: int = 0

    @property
    def status(self) -> int:
        """The status of the dump."""
        return ERROR if self.errors or self.lost else WARNING if self.warnings else SUCCESS

    @property
    def binlog_position_text(self) -> str:
        """``file:position`` and GTID of the snapshot, or ``name=file:position`` of each database's own."""
        positions = {one.plan.name: one.position for one in self.databases if one.position}
        if len(set(positions.values())) == 1:
            only = next(iter(positions.values()))
            return f"{only.file}:{only.position} {only.gtid}".strip()
        return "; ".join(f"{name}={at.file}:{at.position}" for name, at in positions.items())


def run_tools(run: ToolRun) -> DumpResult:
    """Dump into ``run.folder``, which is created.

    The other databases are dumped even if one fails, unless the server stopped answering.

    :raises CommandTimeout: when the deadline passes
    :raises DumpFailed, NotEnoughSpace: when the work on a file with rows fails
    """
    os.mkdir(run.folder, 0o700)
    names = run.plan.names
    groups = [names] if run.plan.mode == INSTANCE else [[name] for name in names]
    results: t.List[SnapshotResult] = []
    for group in groups:
        results.append(dump_snapshot(run, group))
        reasons = _reasons_to_end(run.request.login, results[-1], has_more=group is not groups[-1])
        if reasons:
            results.append(SnapshotResult(errors=reasons))
            break
    errors = [message for result in results for message in result.errors]
    return DumpResult(
        databases=mark_views([one for result in results for one in result.databases]),
        warnings=[*run.plan.warnings, *(message for result in results for message in result.warnings)],
        lost=[message for result in results for message in result.lost],
        errors=errors,
        consistent=len(groups) == 1 and not errors,
    )


def _reasons_to_end(login: Login, result: SnapshotResult, *, has_more: bool) -> t.List[str]:
    """Return why no other database can be dumped, nothing when one can.

    :param has_more: whether databases are left
    """
    not_dumped = ["the remaining databases are not dumped"] if has_more else []
    if result.is_last:
        return not_dumped
    if result.errors:
        try:
            connect(login).close()
        except ServerUnavailable:
            return ["the server no longer answers", *not_dumped]
    return []
