# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifest of a dump: its source, its files, the content of its tables, and the commands of a manual restore."""

from __future__ import annotations

import datetime
import os
import shlex
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp
from ansible_collections.vex.backup.plugins.module_utils._dump.finish_files import File
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import (
    INSTANCE,
    INSTANCE_DIRECTORY,
    DatabasePlan,
    Plan,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.run_tools import DumpResult
from ansible_collections.vex.backup.plugins.module_utils._dump.table_files import Table
from ansible_collections.vex.backup.plugins.module_utils._tools.compressors import SUFFIXES, compressor_tool

if t.TYPE_CHECKING:
    from ansible_collections.vex.backup.plugins.module_utils._dump.dump import DumpRequest

FORMAT = 1
# The reader replaces it by an option file with the login of the server to restore to.
LOGIN = "--defaults-file=LOGIN.cnf"


class Dumped(t.NamedTuple):
    """A complete dump: its start and end (UTC), its tables by database, and its files."""

    plan: Plan
    result: DumpResult
    started: datetime.datetime
    finished: datetime.datetime
    tables: t.Mapping[str, t.Sequence[Table]]
    files: t.Sequence[File]


def dump_manifest(request: DumpRequest, dumped: Dumped) -> t.Dict[str, t.Any]:
    """Return the content of ``manifest.json``: JSON types only, times in UTC, sizes in bytes."""
    plan, result = dumped.plan, dumped.result
    name = os.path.basename(request.path)
    return {
        "format": FORMAT,
        "name": name,
        "run_uuid": request.run_uuid,
        "hostname": request.hostname,
        "server": {
            "product": plan.server.product,
            "version": plan.server.version,
            "lower_case_table_names": plan.server.lower_case_table_names,
        },
        "tools": {
            "mydumper": plan.version.text,
            "mysqldump": plan.mysqldump_tool.text if plan.mysqldump_tool else None,
        },
        "status": result.status,
        "warnings": list(result.warnings),
        "mode": plan.mode,
        "consistent": result.consistent,
        "compression": request.compression,
        "started": timestamp(dumped.started),
        "finished": timestamp(dumped.finished),
        "dump_bytes": result.bytes,
        "databases": [_database(one, dumped) for one in plan.databases],
        "files": [dict(file) for file in dumped.files],
        "restore": restore_commands(name, plan, request.compression),
    }


def restore_commands(name: str, plan: Plan, compression: str) -> t.List[str]:
    """Return the shell commands that restore the unpacked dump, in order; ``LOGIN.cnf`` stands for an option file."""
    commands = []
    if compression != "none":
        files = f"find {name}/dump -name '*{SUFFIXES[compression]}'"
        commands.append(f"{files} -exec {compressor_tool(compression, 1).shell_decompress} -- {{}} +")
    # A table's rows may refer to another database, so all data is loaded before the programs that read it.
    if plan.mode == INSTANCE:
        commands.append(_load(f"{name}/dump/{INSTANCE_DIRECTORY}/tables"))
    programs = []
    for one in plan.databases:
        folder = f"{name}/dump/{one.directory}"
        if one.reason:
            commands.append(f"{_client(plan)} < {shlex.quote(f'{folder}/database.sql')}")
        elif plan.mode != INSTANCE:
            commands.append(_load(f"{folder}/tables"))
        if one.programs:
            database = shlex.quote(f"--database={one.name}")
            programs.append(f"{_client(plan)} {database} < {shlex.quote(f'{folder}/programs.sql')}")
    return commands + programs


def _database(one: DatabasePlan, dumped: Dumped) -> t.Dict[str, t.Any]:
    is_instance = dumped.plan.mode == INSTANCE
    position = dumped.result.binlog_positions.get("" if is_instance else one.name)
    return {
        "name": one.name,
        "directory": f"dump/{INSTANCE_DIRECTORY if is_instance else one.directory}",
        "tables": [dict(table) for table in dumped.tables.get(one.name, [])],
        "views": list(one.objects.views),
        "programs": [program._asdict() for program in one.objects.programs],
        "mysqldump": one.reason,
        "binlog": position._asdict() if position else None,
    }


def _client(plan: Plan) -> str:
    # Without --comments, the client removes comments from stored programs.
    program = "mariadb" if plan.server.product == "mariadb" else "mysql"
    return f"{program} {LOGIN} --default-character-set=utf8mb4 --comments --binary-mode"


def _load(folder: str) -> str:
    return f"myloader {LOGIN} --threads=4 --directory={shlex.quote(folder)}"
