# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts of one run of the dump's tools: its inputs, and the results of each tool."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump.chunk_compression import CompressedChunk
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import Plan
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import BinlogPosition

if t.TYPE_CHECKING:
    from ansible_collections.vex.backup.plugins.module_utils._dump.dump import DumpRequest


@dataclasses.dataclass(frozen=True)
class ToolRun:
    """One run of the tools.

    ``folder`` is the ``dump/`` directory, ``option_file`` the path of the file with the login. ``lock`` is the
    descriptor of the instance's lock, which the tools inherit. ``compressor`` compresses the chunks of large tables
    during the dump; ``None`` leaves them as they are.
    """

    request: DumpRequest
    plan: Plan
    folder: str
    option_file: str
    deadline: Deadline
    lock: int
    log: RunLog
    compressor: t.Optional[Compressor]

    def append_dump_log(self, heading: str, text: str) -> None:
        """Append a tool's output to the dump log, which only its owner can read."""
        descriptor = os.open(self.request.dump_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with open(descriptor, "a", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(f"# {heading}\n{text.rstrip()}\n" if text.strip() else f"# {heading}\n")


@dataclasses.dataclass(frozen=True)
class ToolResult:
    """The result of one tool.

    ``binlog_positions`` is by database, with ``""`` for one snapshot of the instance. ``chunks`` are the files that
    were compressed during the dump, by their names before that, relative to ``dump/``.
    """

    warnings: t.List[str] = dataclasses.field(default_factory=list)
    errors: t.List[str] = dataclasses.field(default_factory=list)
    binlog_positions: t.Dict[str, BinlogPosition] = dataclasses.field(default_factory=dict)
    chunks: t.Dict[str, CompressedChunk] = dataclasses.field(default_factory=dict)
