# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run of mysqldump."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.process import run as run_program
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import ToolResult, ToolRun
from ansible_collections.vex.backup.plugins.module_utils._tools import mysqldump
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import NO_POSITION_WARNING

_END_BYTES = 4096


def run_mysqldump(run: ToolRun, one: DatabasePlan) -> ToolResult:
    """Dump the tables and views of one database, and decide the outcome.

    :raises CommandTimeout: when the deadline passes
    """
    # The plan has found it, since a database needs it.
    tool = t.cast("mysqldump.Tool", run.plan.mysqldump_tool)
    server = run.plan.server
    folder = os.path.join(run.folder, one.directory)
    os.makedirs(folder, 0o700, exist_ok=True)
    output = os.path.join(folder, "database.sql")
    run.log.info(f"dump: {one.name} by mysqldump because of {one.reason}")
    arguments = mysqldump.arguments(
        tool,
        option_file=run.option_file,
        database=one.name,
        output=output,
        # MariaDB's mysqldump uses a statement that MySQL 8.4 removed.
        binlog_position=server.binlog_enabled and tool.mariadb == (server.product == "mariadb"),
    )
    done = run_program([tool.path, *arguments], timeout=run.deadline.remaining(), keep_open=[run.lock])
    run.append_dump_log(f"{one.name}: by {tool.text}", done.stderr)
    first_lines, last_lines = _first_and_last_lines(output)
    position = mysqldump.parse_binlog_position(first_lines)
    has_no_position = server.binlog_enabled and position is None
    failures = mysqldump.failures(done.returncode, done.stderr, last_lines)
    return ToolResult(
        warnings=[f"{one.name}: {NO_POSITION_WARNING}"] if has_no_position else [],
        errors=[f"{one.name}: {message}" for message in failures],
        binlog_positions={one.name: position} if position else {},
    )


def _first_and_last_lines(path: str) -> t.Tuple[str, str]:
    """Read the first and the last lines of a file that may be large; return empty texts if there is none."""
    try:
        with open(path, "rb") as stream:
            first = stream.read(_END_BYTES)
            stream.seek(max(0, os.path.getsize(path) - _END_BYTES))
            return first.decode("utf-8", "replace"), stream.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return "", ""
