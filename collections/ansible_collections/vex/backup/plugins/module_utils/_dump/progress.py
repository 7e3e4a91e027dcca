# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The progress of a dump, and the module's result from it, for dumps that failed too."""

from __future__ import annotations

import dataclasses
import datetime
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR
from ansible_collections.vex.backup.plugins.module_utils._dump.left_out import describe_left_out
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import Plan
from ansible_collections.vex.backup.plugins.module_utils._dump.run_tools import DumpResult
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server

# A record holds 64 KiB of notes.
_MOST_SHOWN = 50


@dataclasses.dataclass
class Progress:
    """The facts about a dump so far; ``None`` is not known yet.

    Times are UTC. ``status`` is the dump's status so far: error until a better one is known. ``needs`` are those that
    check mode tried: the message of each by its name, empty when it is met; ``notes`` are sentences on those that are
    met.
    """

    path: str
    status: int = ERROR
    server: t.Optional[Server] = None
    plan: t.Optional[Plan] = None
    dump_started: t.Optional[datetime.datetime] = None
    dump_finished: t.Optional[datetime.datetime] = None
    dumped: t.Optional[DumpResult] = None
    compression_started: t.Optional[datetime.datetime] = None
    compression_finished: t.Optional[datetime.datetime] = None
    compressed_bytes: t.Optional[int] = None
    needs: t.Optional[t.Dict[str, str]] = None
    notes: t.Dict[str, str] = dataclasses.field(default_factory=dict)

    def result(self, *, changed: bool) -> t.Dict[str, t.Any]:
        """Return the result of ``mysql_dump`` without what is not known."""
        result: t.Dict[str, t.Any] = {"changed": changed, "status": self.status, "dump_path": self.path}
        if self.needs is not None:
            result.update(needs=self.needs, notes=self.notes)
        if self.server:
            result["server_version"] = self.server.name
        if self.plan:
            result.update(_planned(self.plan))
        if self.dumped:
            result.update(_dumped(self.dumped))
        for key in ("dump_started", "dump_finished", "compression_started", "compression_finished"):
            moment = getattr(self, key)
            if moment is not None:
                result[key] = timestamp(moment)
        if self.compressed_bytes is not None:
            result["manifest"] = os.path.join(self.path, "manifest.json")
            result["compressed_bytes"] = self.compressed_bytes
        return result

    def failure(self, message: str) -> t.Dict[str, t.Any]:
        """Return the result of a dump that failed with *message*, even if it had no error before."""
        result = self.result(changed=self.compressed_bytes is not None)
        dumped = self.dumped or DumpResult()
        return {**result, "status": ERROR, "dump_errors": [*dumped.lost, *(dumped.errors or [message])]}


def _planned(plan: Plan) -> t.Dict[str, t.Any]:
    return {
        "databases": list(plan.names),
        "tables": sum(len(one.tables) for one in plan.databases),
        "left_out": describe_left_out(plan.databases, most=_MOST_SHOWN),
        "server": {"product": plan.server.product, "version": plan.server.version},
        "tool_version": plan.tools,
        "snapshot": plan.mode,
    }


def _dumped(result: DumpResult) -> t.Dict[str, t.Any]:
    return {
        "dump_bytes": result.bytes,
        "dump_warnings": list(result.warnings),
        "dump_errors": [*result.errors, *result.lost],
        "binlog_coordinates": result.binlog_position_text,
        "consistent": result.consistent,
    }
