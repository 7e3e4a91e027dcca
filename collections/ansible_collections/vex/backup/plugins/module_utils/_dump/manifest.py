# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifest of a dump: its source, its files, the content of its tables, and the commands of a manual restore."""

from __future__ import annotations

import datetime
import os
import shlex
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp
from ansible_collections.vex.backup.plugins.module_utils._dump.definition_files import ACCOUNTS, SCRIPTS, SERVER_OBJECTS
from ansible_collections.vex.backup.plugins.module_utils._dump.dump_format import FORMAT
from ansible_collections.vex.backup.plugins.module_utils._dump.exact_dump import EXACT
from ansible_collections.vex.backup.plugins.module_utils._dump.finish_files import File
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import Plan
from ansible_collections.vex.backup.plugins.module_utils._dump.run_tools import DumpResult
from ansible_collections.vex.backup.plugins.module_utils._dump.table_files import TABLES, DumpedTable
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import DatabaseDump
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import (
    PROGRAMS,
    TABLE,
    VIEW,
    Definition,
    digest,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.needs import needs_of
from ansible_collections.vex.backup.plugins.module_utils._mysql.session import LOAD
from ansible_collections.vex.backup.plugins.module_utils._tools.compressors import SUFFIXES, compressor_tool

if t.TYPE_CHECKING:
    from ansible_collections.vex.backup.plugins.module_utils._dump.dump import DumpRequest

# The reader replaces it by an option file with the login of the server to restore to.
LOGIN = "--defaults-file=LOGIN.cnf"
_TABLES = "rows"
_SETTINGS = (
    "SET foreign_key_checks = 0, unique_checks = 0, time_zone = '+00:00', "
    # A restore leaves the directories of tables out, and here the server does.
    f"sql_mode = CONCAT({LOAD['sql_mode']}, ',NO_DIR_IN_CREATE') "
    # For MariaDB alone: the rows of a table with a history come with their times.
    "/*M!101100 , system_versioning_insert_history = 1 */"
)


class Dumped(t.NamedTuple):
    """A complete dump: its start and end (UTC), its tables by database, its files, its accounts and server objects."""

    plan: Plan
    result: DumpResult
    started: datetime.datetime
    finished: datetime.datetime
    tables: t.Mapping[str, t.Sequence[DumpedTable]]
    files: t.Sequence[File]
    accounts: t.Sequence[str]
    server_objects: t.Sequence[str]


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
            "limits": dict(plan.limits),
        },
        "tools": {
            "mydumper": plan.version.text,
            "client": plan.client.text,
        },
        "fingerprint": request.checksums,
        "status": result.status,
        "warnings": list(result.warnings),
        "errors": list(result.lost),
        "mode": plan.mode,
        "consistent": result.consistent,
        "compression": request.compression,
        "started": timestamp(dumped.started),
        "finished": timestamp(dumped.finished),
        "dump_bytes": result.bytes,
        "databases": [_database(one, dumped.tables[one.plan.name], plan.limits) for one in result.databases],
        "accounts": list(dumped.accounts),
        "server_objects": list(dumped.server_objects),
        "files": [dict(file) for file in dumped.files],
        "restore": [
            *restore_commands(name, plan, result.databases, request.compression),
            *([_command_of_server(name, plan, SERVER_OBJECTS)] if dumped.server_objects else []),
            *([_command_of_server(name, plan, ACCOUNTS)] if dumped.accounts else []),
        ],
    }


def restore_commands(name: str, plan: Plan, databases: t.Sequence[DatabaseDump], compression: str) -> t.List[str]:
    """Return the shell commands that restore the unpacked dump, in order; ``LOGIN.cnf`` stands for an option file."""
    commands = []
    if compression != "none":
        files = f"find {name}/dump -name '*{SUFFIXES[compression]}'"
        commands.append(f"{files} -exec {compressor_tool(compression).shell_decompress} -- {{}} +")
    client = _client(plan)
    # A view or a program may use another database, so all data is loaded before.
    for script in ("database.sql", "tables.sql", _TABLES, "routines.sql", "views.sql", "triggers.sql", "events.sql"):
        for one in databases:
            folder = shlex.quote(f"{name}/dump/{one.plan.directory}")
            use = "" if script == "database.sql" else f" --database={shlex.quote(one.plan.name)}"
            if script == _TABLES:
                commands += _load_rows(one, folder, f"{client}{use}")
            elif any(definition.kind in SCRIPTS[script] for definition in one.definitions):
                commands.append(f"{client}{use} {_settings('utf8mb4')} < {folder}/{script}")
    return commands


def _command_of_server(name: str, plan: Plan, script: str) -> str:
    """Return the command for a script about the server as a comment: a person decides about it.

    It goes on after the failures for what exists.
    """
    return f"# {_client(plan)} --force {_settings('utf8mb4')} < {name}/dump/{script}"


def _client(plan: Plan) -> str:
    return f"{plan.server.product} {LOGIN} --binary-mode --comments --max-allowed-packet=1G"


def _load_rows(one: DatabaseDump, folder: str, client: str) -> t.Iterator[str]:
    names = [name for files in one.files.values() for name in files]
    for kind, character_set in ((TABLES, "binary"), (EXACT, "utf8mb4")):
        if any(name.startswith(f"{kind}/") for name in names):
            # The lines before the rows would set the SQL mode of the dumped server.
            load = f"sed '/^\\/\\*!/d' \"$f\" | {client} {_settings(character_set)}"
            yield f"for f in {folder}/{kind}/*.sql; do {load} || exit 1; done"


def _settings(character_set: str) -> str:
    return f"--default-character-set={character_set} --init-command={shlex.quote(_SETTINGS)}"


def _database(one: DatabaseDump, tables: t.Sequence[DumpedTable], limits: t.Mapping[str, str]) -> t.Dict[str, t.Any]:
    return {
        "name": one.plan.name,
        "directory": f"dump/{one.plan.directory}",
        "collation": one.collation,
        "tables": [_table(table, one.fingerprints[table.plan.table.name]) for table in tables],
        "views": [definition.name for definition in one.definitions if definition.kind == VIEW],
        "programs": [
            {"kind": definition.kind, "name": definition.name}
            for definition in one.definitions
            if definition.kind in PROGRAMS
        ],
        "definitions": [_definition(definition, one.plan.name, limits) for definition in one.definitions],
        "left_out": list(one.plan.left_out),
        "broken": [
            *({"kind": TABLE, "name": name, **broken._asdict()} for name, broken in one.plan.broken.items()),
            *({**lost._asdict(), "is_lost": True} for lost in one.lost),
        ],
        "binlog": one.position._asdict() if one.position else None,
    }


def _table(table: DumpedTable, fingerprint: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    content = table.content
    return {
        "name": table.plan.table.name,
        "engine": table.plan.table.engine,
        "rows": content.rows,
        "bytes": table.size,
        "longest_statement": content.longest,
        "sha256": content.sha256,
        "files": list(table.files),
        "exact": table.plan.reason,
        "schema_only": table.plan.schema_only,
        "fingerprint": fingerprint,
    }


def _definition(definition: Definition, database: str, limits: t.Mapping[str, str]) -> t.Dict[str, t.Any]:
    return {
        "kind": definition.kind,
        "name": definition.name,
        "sha256": digest(definition, database),
        "unusable": definition.unusable,
        "needs": needs_of(definition, limits),
    }
