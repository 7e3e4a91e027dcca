# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifest of a dump: what it is of, every file of it, and the commands that bring it back by hand."""

from __future__ import annotations

import shlex
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._dump.compression import DECOMPRESS, SUFFIXES
from ansible_collections.vex.backup.plugins.module_utils._dump.files import File
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import (
    INSTANCE,
    INSTANCE_DIRECTORY,
    DatabasePlan,
    Plan,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.run_tools import DumpResult
from ansible_collections.vex.backup.plugins.module_utils._dump.table_files import Contents

FORMAT = 1
# What the reader puts in place of it: an option file with the login of the server to restore to.
LOGIN = "--defaults-file=LOGIN.cnf"


def dump_manifest(
    name: str,
    params: t.Mapping[str, t.Any],
    plan: Plan,
    facts: t.Mapping[str, t.Any],
    result: DumpResult,
    contents: Contents,
    files: t.Sequence[File],
) -> t.Dict[str, t.Any]:
    """The content of ``manifest.json``: JSON types only, times in UTC, sizes in bytes.

    :param name: the run's name, ``backup_YYYYMMDD_HHMMSS``
    """
    return {
        "format": FORMAT,
        "name": name,
        "run_uuid": params["run_uuid"],
        "hostname": params["hostname"],
        "server": {
            "product": plan.server.product,
            "version": plan.server.version,
            "lower_case_table_names": plan.server.lower_case_table_names,
        },
        "tools": {
            "mydumper": plan.version.text,
            "mysqldump": plan.mysqldump_tool.text if plan.mysqldump_tool else None,
        },
        "status": facts["status"],
        "warnings": list(result.warnings),
        "mode": plan.mode,
        "consistent": result.consistent,
        "compression": params["compression"],
        "started": facts["dump_started"],
        "finished": facts["dump_finished"],
        "dump_bytes": result.bytes,
        "databases": [_database(one, plan, result, contents) for one in plan.databases],
        "files": [dict(file) for file in files],
        "restore": restore_commands(name, plan, params["compression"]),
    }


def restore_commands(name: str, plan: Plan, compression: str) -> t.List[str]:
    """Shell commands, in order, that restore the unpacked dump; ``LOGIN.cnf`` stands for an option file."""
    commands = []
    if compression != "none":
        files = f"find {name}/dump -name '*{SUFFIXES[compression]}'"
        commands.append(f"{files} -exec {DECOMPRESS[compression]} -- {{}} +")
    # A table's rows may refer to another database's: all data goes in before anything that looks at it.
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


def _database(one: DatabasePlan, plan: Plan, result: DumpResult, contents: Contents) -> t.Dict[str, t.Any]:
    coordinates = result.coordinates.get("" if plan.mode == INSTANCE else one.name)
    return {
        "name": one.name,
        "directory": f"dump/{INSTANCE_DIRECTORY if plan.mode == INSTANCE else one.directory}",
        "tables": [dict(table) for table in contents.tables(one)],
        "views": list(one.objects.views),
        "programs": [program._asdict() for program in one.objects.programs],
        "mysqldump": one.reason,
        "binlog": coordinates._asdict() if coordinates else None,
    }


def _client(plan: Plan) -> str:
    # Without --comments, the client would take them out of the stored programs.
    program = "mariadb" if plan.server.product == "mariadb" else "mysql"
    return f"{program} {LOGIN} --default-character-set=utf8mb4 --comments --binary-mode"


def _load(folder: str) -> str:
    return f"myloader {LOGIN} --threads=4 --directory={shlex.quote(folder)}"
