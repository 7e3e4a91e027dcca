# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a dump: the databases, the tool for each table, and the checks before anything starts."""

from __future__ import annotations

import os
import shutil
import types
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.process import find_program, run
from ansible_collections.vex.backup.plugins.module_utils._dump.definition_files import directory_of
from ansible_collections.vex.backup.plugins.module_utils._dump.table_filter import TableFilter
from ansible_collections.vex.backup.plugins.module_utils._errors import NotEnoughSpace, OptionError
from ansible_collections.vex.backup.plugins.module_utils._mysql import grants
from ansible_collections.vex.backup.plugins.module_utils._mysql import server as servers
from ansible_collections.vex.backup.plugins.module_utils._mysql.broken_tables import Broken, find_broken
from ansible_collections.vex.backup.plugins.module_utils._mysql.limits import PACKET, read_limits
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Table, read_tables
from ansible_collections.vex.backup.plugins.module_utils._tools import mydumper, mydumper_0_10
from ansible_collections.vex.backup.plugins.module_utils._tools.client import Client, find_client
from ansible_collections.vex.backup.plugins.module_utils._tools.dump_driver import LEGACY, reason_against_any

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

    from ansible_collections.vex.backup.plugins.module_utils._dump.dump import DumpRequest

INSTANCE = "instance"
_SPARE_BYTES = 64 * 1024 * 1024
_PROGRAM_SECONDS = 60


class TablePlan(t.NamedTuple):
    """A table to dump.

    ``reason`` is why the server's client dumps its rows; it is empty where MyDumper does. ``schema_only`` is set when
    its rows are left out.
    """

    table: Table
    reason: str
    schema_only: bool = False


class DatabasePlan(t.NamedTuple):
    """The plan for one database.

    ``directory`` is its directory in ``dump/``, ``left_out`` are the tables and views that are not to be dumped.
    ``broken`` are tables that cannot be dumped, because the server cannot read them.
    """

    name: str
    directory: str
    tables: t.Sequence[TablePlan]
    views: t.Sequence[str]
    programs: t.Sequence[servers.Program]
    left_out: t.Sequence[str] = ()
    broken: t.Mapping[str, Broken] = types.MappingProxyType({})

    @property
    def mydumper_tables(self) -> t.List[Table]:
        """The tables whose rows MyDumper dumps."""
        return [one.table for one in self.tables if not one.reason and not one.schema_only]

    @property
    def client_tables(self) -> t.List[Table]:
        """The tables whose rows the server's client dumps."""
        return [one.table for one in self.tables if one.reason and not one.schema_only]

    @property
    def not_for_mydumper(self) -> t.List[str]:
        """The tables and views that MyDumper must not dump."""
        own = {table.name for table in self.mydumper_tables}
        return [*(one.table.name for one in self.tables if one.table.name not in own), *self.left_out, *self.broken]

    @property
    def names(self) -> t.Set[str]:
        """The names of all tables and views of the database."""
        return {*(one.table.name for one in self.tables), *self.views, *self.left_out, *self.broken}

    @property
    def data_bytes(self) -> int:
        """The server's estimate of the size."""
        return sum(one.table.data_bytes for one in self.tables if not one.schema_only)


class Tools(t.NamedTuple):
    """The programs that a dump needs of this server."""

    mydumper_path: str
    version: mydumper.Version
    client: Client


class Plan(t.NamedTuple):
    """A dump that can start."""

    server: servers.Server
    mode: str
    databases: t.Sequence[DatabasePlan]
    mydumper_path: str
    version: mydumper.Version
    client: Client
    scope: grants.DumpScope
    # Why MyDumper cannot dump any table, empty if it can.
    reason: str
    excluded: TableFilter
    schema_only: TableFilter
    # The settings of the server that limit what it takes, by name.
    limits: t.Mapping[str, str]
    warnings: t.Sequence[str] = ()

    @property
    def names(self) -> t.List[str]:
        """The names of the databases."""
        return [one.name for one in self.databases]

    @property
    def tools(self) -> str:
        """The name and version of the dump's tool, for people."""
        return f"MyDumper {self.version.text}"

    @property
    def packet_bytes(self) -> int:
        """The server's ``max_allowed_packet``."""
        return int(self.limits[PACKET])

    @property
    def server_version(self) -> str:
        """The numeric version of the server: ``9.7.4``."""
        return ".".join(map(str, self.server.numbers))


def make_plan(connection: Connection[Cursor], server: servers.Server, request: DumpRequest) -> Plan:
    """Check the server, the account, the programs and the disk, and plan the dump.

    :raises OptionError, ProgramMissing, MissingGrants, NotEnoughSpace: when the dump cannot start
    :raises ServerUnavailable: when the server stops answering
    """
    tools = Tools(*find_mydumper(request), find_client(server.product))
    names = servers.choose_databases(connection, request.databases, request.exclude_databases)
    plan = draft_plan(connection, server, request, tools, names)
    check_grants(connection, server, request, names)
    check_space(request, plan)
    return plan


def find_mydumper(request: DumpRequest) -> t.Tuple[str, mydumper.Version]:
    """Return the path and the version of MyDumper.

    :raises ProgramMissing, OptionError: when it is absent, or cannot do the request
    """
    path = find_program(["mydumper"], mydumper.REMEDY)
    version = mydumper.parse_version(run([path, "--version"], timeout=_PROGRAM_SECONDS).stdout)
    _check_path(version, request.path)
    return path, version


def draft_plan(
    connection: Connection[Cursor],
    server: servers.Server,
    request: DumpRequest,
    tools: Tools,
    names: t.Sequence[str],
) -> Plan:
    """Plan the dump of databases with these *names*, without a look at the account and the disk.

    :raises OptionError: for a pattern that cannot be used
    """
    version = tools.version
    reason = ""
    if request.mode == INSTANCE:
        reason = version.driver.reason_against_instance(server.product, servers.list_databases(connection))
    ignore_case = server.lower_case_table_names > 0
    plan = Plan(
        server,
        request.mode,
        [],
        tools.mydumper_path,
        version,
        tools.client,
        _scope_of(server, request),
        reason,
        TableFilter("exclude_tables", request.exclude_tables, ignore_case=ignore_case),
        TableFilter("schema_only_tables", request.schema_only_tables, ignore_case=ignore_case),
        read_limits(connection),
        _stray_directories(connection, request),
    )
    return plan._replace(databases=[plan_database(connection, plan, name) for name in names])


def check_grants(
    connection: Connection[Cursor], server: servers.Server, request: DumpRequest, names: t.Sequence[str]
) -> None:
    """Check that the account may dump databases with these *names*.

    :raises MissingGrants: when it may not
    """
    held = servers.grants(connection, server)
    lacking = grants.missing(held, names, _scope_of(server, request), every_database=not request.databases)
    grants.require(lacking, server.account)


def check_space(request: DumpRequest, plan: Plan) -> None:
    """Check that the disk has room for the dump.

    :raises NotEnoughSpace: when it has not
    """
    folder = os.path.dirname(request.path)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    needed = int(sum(one.data_bytes for one in plan.databases) * request.space_factor) + _SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if request.space_factor and free < needed:
        raise NotEnoughSpace(
            f"{folder} has {free // 10**6} MB free and the dump needs about {needed // 10**6} MB: make room, "
            "choose another work directory, or lower space_factor if the data is known to dump smaller"
        )


def plan_database(
    connection: Connection[Cursor],
    plan: Plan,
    name: str,
    unreadable: t.Mapping[str, Broken] = types.MappingProxyType({}),
) -> DatabasePlan:
    """Return the plan for the objects that a database holds now.

    :param unreadable: tables of which an earlier attempt could not read all rows
    """
    objects = servers.list_objects(connection, name)
    tables = read_tables(connection, name)
    left_out = plan.excluded.chosen(name, [*(table.name for table in tables), *objects.views])
    schema_only = plan.schema_only.chosen(name, [table.name for table in tables])
    wanted_tables = [table for table in tables if table.name not in left_out]
    # It may have been dropped since.
    still_unreadable = {one.name: unreadable[one.name] for one in wanted_tables if one.name in unreadable}
    broken = {**find_broken(connection, name, wanted_tables, schema_only), **still_unreadable}
    absent = [*left_out, *broken]
    wanted = {"TRIGGER": plan.scope.triggers, "EVENT": plan.scope.events}
    gone = servers.triggers_of(connection, name, absent)
    # The manifest lists only programs that are in the dump.
    programs = [one for one in objects.programs if wanted.get(one.kind, plan.scope.routines) and one not in gone]
    return DatabasePlan(
        name,
        directory_of(name),
        [_plan_table(plan, name, table, schema_only) for table in tables if table.name not in absent],
        [view for view in objects.views if view not in left_out],
        programs,
        left_out,
        broken,
    )


def _scope_of(server: servers.Server, request: DumpRequest) -> grants.DumpScope:
    kinds = request.routines, request.triggers, request.events, request.accounts
    return grants.DumpScope(server.product, server.numbers, *kinds)


def _plan_table(plan: Plan, database: str, table: Table, schema_only: t.Sequence[str]) -> TablePlan:
    driver = plan.version.driver
    reasons = (plan.reason, reason_against_any(database, table), driver.reason_against(plan.server.product, table))
    return TablePlan(table, next(filter(None, reasons), ""), table.name in schema_only)


def _stray_directories(connection: Connection[Cursor], request: DumpRequest) -> t.List[str]:
    """Return a warning for each directory that the server takes for a database, unless the request decides about it."""
    return [
        f"{name} is a directory in the data directory of the server, and not a database: name it in the server's "
        "ignore_db_dirs, or in exclude_databases"
        for name in servers.list_databases(connection)
        if servers.is_stray(name) and not request.databases and name not in request.exclude_databases
    ]


def _check_path(version: mydumper.Version, path: str) -> None:
    if version.driver.generation == LEGACY and mydumper_0_10.FIRST_CHUNK in path:
        raise OptionError(
            f"path {path} contains {mydumper_0_10.FIRST_CHUNK}, which MyDumper 0.10 mistakes for a chunk of a table; "
            "choose a work directory without it"
        )
