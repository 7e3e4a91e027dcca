# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a dump: the databases, the tools for each, and the checks before anything starts."""

from __future__ import annotations

import hashlib
import os
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.process import find_program, run
from ansible_collections.vex.backup.plugins.module_utils._common.safe_name import safe_name
from ansible_collections.vex.backup.plugins.module_utils._errors import NotEnoughSpace, OptionError, ProgramMissing
from ansible_collections.vex.backup.plugins.module_utils._mysql import grants
from ansible_collections.vex.backup.plugins.module_utils._mysql import server as servers
from ansible_collections.vex.backup.plugins.module_utils._tools import mydumper, mydumper_0_10, mysqldump

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

    from ansible_collections.vex.backup.plugins.module_utils._dump.dump import DumpRequest

INSTANCE = "instance"
# safe_name never returns this, so no database can have it.
INSTANCE_DIRECTORY = "+instance"
_LONGEST_DIRECTORY = 200
_SPARE_BYTES = 64 * 1024 * 1024
_PROGRAM_SECONDS = 60


class DatabasePlan(t.NamedTuple):
    """The plan for one database.

    ``directory`` is its directory in ``dump/``. ``reason`` is why mysqldump dumps its tables and views; it is empty
    where MyDumper does. ``objects`` are the objects to dump, ``programs`` the stored programs among them that
    this collection writes itself, because MyDumper 0.10 cannot.
    """

    name: str
    directory: str
    objects: servers.Objects
    reason: str
    programs: t.Sequence[servers.Program]


class Plan(t.NamedTuple):
    """A dump that can start."""

    server: servers.Server
    mode: str
    databases: t.Sequence[DatabasePlan]
    mydumper_path: str
    version: mydumper.Version
    mysqldump_tool: t.Optional[mysqldump.Tool]

    @property
    def names(self) -> t.List[str]:
        """The names of the databases."""
        return [one.name for one in self.databases]

    @property
    def tools(self) -> str:
        """The name and version of the dump's tool, for people."""
        return f"MyDumper {self.version.text}"

    @property
    def session_variables(self) -> t.Dict[str, str]:
        """The variables that MyDumper must set in its sessions."""
        return mydumper.session_variables(self.version, self.server.product, self.server_version)

    @property
    def first_statement(self) -> str:
        """The statement that MyDumper must execute first in its sessions; empty for none."""
        return mydumper_0_10.FIRST_STATEMENT if self.version.generation == mydumper.LEGACY else ""

    @property
    def server_version(self) -> str:
        """The numeric version of the server: ``9.7.4``."""
        return ".".join(map(str, self.server.numbers))

    def tables_directory(self, one: DatabasePlan) -> str:
        """Return MyDumper's output directory for a database, relative to ``dump/``."""
        return os.path.join(INSTANCE_DIRECTORY if self.mode == INSTANCE else one.directory, "tables")


def make_plan(connection: Connection[Cursor], server: servers.Server, request: DumpRequest) -> Plan:
    """Check the server, the account, the programs and the disk, and plan the dump.

    :raises OptionError, ProgramMissing, MissingGrants, NotEnoughSpace: when the dump cannot start
    :raises ServerUnavailable: when the server stops answering
    """
    mydumper_path = find_program(["mydumper"], "install the package mydumper, 0.10.x or 0.20 and later")
    version = mydumper.parse_version(run([mydumper_path, "--version"], timeout=_PROGRAM_SECONDS).stdout)
    _check_path(version, request.path)
    scope = grants.DumpScope(server.product, server.numbers, request.routines, request.triggers, request.events)
    names = servers.choose_databases(connection, request.databases, request.exclude_databases)
    databases = [_plan_database(version, scope, name, servers.list_objects(connection, name)) for name in names]
    _check_mode(request.mode, databases)
    held = servers.grants(connection, server)
    lacking = grants.missing(held, names, scope, every_database=not request.databases)
    grants.require(lacking, server.account)
    _check_space(os.path.dirname(request.path), databases, request.space_factor)
    mysqldump_tool = _find_mysqldump(server.product) if any(one.reason for one in databases) else None
    return Plan(server, request.mode, databases, mydumper_path, version, mysqldump_tool)


def directory_name(database: str) -> str:
    """Return the directory of a database in ``dump/``: its safe name, or its start and a digest if too long."""
    name = safe_name(database)
    if len(name) <= _LONGEST_DIRECTORY:
        return name
    return f"{name[:_LONGEST_DIRECTORY]}+{hashlib.sha256(database.encode()).hexdigest()[:12]}"


def _plan_database(
    version: mydumper.Version, scope: grants.DumpScope, name: str, objects: servers.Objects
) -> DatabasePlan:
    reason = mysqldump.reason_for_mysqldump(version, scope.product, name, objects)
    wanted = {"TRIGGER": scope.triggers, "EVENT": scope.events}
    # The manifest lists only programs that are in the dump.
    programs = [one for one in objects.programs if wanted.get(one.kind, scope.routines)]
    objects = objects._replace(programs=programs)
    own = programs if version.generation == mydumper.LEGACY else []
    return DatabasePlan(name, directory_name(name), objects, reason, own)


def _check_path(version: mydumper.Version, path: str) -> None:
    if mydumper_0_10.splits_tables(version.text) and mydumper_0_10.FIRST_CHUNK in path:
        raise OptionError(
            f"path {path} contains {mydumper_0_10.FIRST_CHUNK}, which MyDumper 0.10 mistakes for a chunk of a table; "
            "choose a work directory without it"
        )


def _check_mode(mode: str, databases: t.Sequence[DatabasePlan]) -> None:
    for one in databases:
        if mode == INSTANCE and one.reason:
            raise OptionError(
                f"mode instance: MyDumper 0.10 cannot dump the database {one.name!r} because of {one.reason}; "
                "use mode individual, exclude it, or install MyDumper 0.20 or later"
            )


def _check_space(folder: str, databases: t.Sequence[DatabasePlan], factor: float) -> None:
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    needed = int(sum(one.objects.data_bytes for one in databases) * factor) + _SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if factor and free < needed:
        raise NotEnoughSpace(
            f"{folder} has {free // 10**6} MB free and the dump needs about {needed // 10**6} MB: make room, "
            "choose another work directory, or lower space_factor if the data is known to dump smaller"
        )


def _find_mysqldump(product: str) -> mysqldump.Tool:
    names = ["mariadb-dump", "mysqldump"] if product == "mariadb" else ["mysqldump", "mariadb-dump"]
    try:
        path = find_program(names, "install the package mariadb-client or mysql-client")
    except ProgramMissing as error:
        raise ProgramMissing(f"{error} (needed for what MyDumper 0.10 cannot dump)") from None
    version = run([path, "--version"], timeout=_PROGRAM_SECONDS)
    return mysqldump.parse_tool(path, version.stdout, run([path, "--help"], timeout=_PROGRAM_SECONDS).stdout)
