# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is to be dumped with what, and whether it can be: everything that is found out before anything starts."""

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
from ansible_collections.vex.backup.plugins.module_utils._tools import mydumper, mysqldump

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

INSTANCE = "instance"
# Never the result of safe_name, so no database can have it.
INSTANCE_DIRECTORY = "+instance"
_LONGEST_DIRECTORY = 200
_SPARE_BYTES = 64 * 1024 * 1024


class DatabasePlan(t.NamedTuple):
    """One database: ``directory`` is its place under ``dump/``, ``reason`` why mysqldump takes all of it, or empty.

    ``objects`` are those that the dump is to hold, ``programs`` those routines, triggers and events of them that are
    written apart, since MyDumper 0.10 spoils them.
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
        """The databases' names."""
        return [one.name for one in self.databases]

    @property
    def tools(self) -> str:
        """What dumps, for people."""
        return f"MyDumper {self.version.text}"

    @property
    def session_variables(self) -> t.Dict[str, str]:
        """What MyDumper must set in its sessions; 0.10.x cannot and need not."""
        if self.version.generation == mydumper.LEGACY:
            return {}
        return mydumper.session_variables(self.server.product, self.server_version)

    @property
    def first_statement(self) -> str:
        """What MyDumper 0.10 must say first: it writes strings as the session's SQL mode has them read.

        Where the server's is NO_BACKSLASH_ESCAPES it would leave quotes in them as they are, and what it writes then
        cannot be loaded (seen with 0.10.1); under ANSI_QUOTES names come in the quotes of its strings.
        """
        return "SET SESSION sql_mode = ''" if self.version.generation == mydumper.LEGACY else ""

    @property
    def server_version(self) -> str:
        """The server's version, numeric: ``9.7.4``."""
        return ".".join(map(str, self.server.numbers))


def make_plan(connection: Connection[Cursor], server: servers.Server, params: t.Mapping[str, t.Any]) -> Plan:
    """Look at the server, the account, the programs and the disk.

    :raises BackupError: naming what stands in the way
    """
    mydumper_path = find_program(["mydumper"], "install the package mydumper, 0.10.x or 0.20 and later")
    version = mydumper.parse_version(run([mydumper_path, "--version"], timeout=60).stdout)
    _check_path(version, params["path"])
    wanted = {key: params[key] for key in ("routines", "triggers", "events")}
    names = servers.choose_databases(connection, params["databases"], params["exclude_databases"])
    databases = [
        _plan_database(version, server.product, name, servers.list_objects(connection, name), wanted) for name in names
    ]
    _check_mode(params["mode"], databases)
    lacking = grants.missing(
        servers.grants(connection, server),
        names,
        product=server.product,
        server_version=server.numbers,
        stored_programs=wanted,
        every_database=not params["databases"],
    )
    grants.require(lacking, server.account)
    _check_space(os.path.dirname(params["path"]), databases, params["space_factor"])
    mysqldump_tool = _find_mysqldump(server.product) if any(one.reason for one in databases) else None
    return Plan(server, params["mode"], databases, mydumper_path, version, mysqldump_tool)


def directory_name(database: str) -> str:
    """The folder of a database under ``dump/``: its safe name; one that is too long is cut and gets a digest."""
    name = safe_name(database)
    if len(name) <= _LONGEST_DIRECTORY:
        return name
    return f"{name[:_LONGEST_DIRECTORY]}+{hashlib.sha256(database.encode()).hexdigest()[:12]}"


def _plan_database(
    version: mydumper.Version, product: str, name: str, objects: servers.Objects, wanted: t.Mapping[str, bool]
) -> DatabasePlan:
    reason = mysqldump.reason_for_mysqldump(version, product, name, objects)
    options = {"TRIGGER": "triggers", "EVENT": "events"}
    # What is not to be dumped is not in the dump: nobody must look for it there.
    objects = objects._replace(programs=[one for one in objects.programs if wanted[options.get(one.kind, "routines")]])
    programs = objects.programs if version.generation == mydumper.LEGACY else []
    return DatabasePlan(name, directory_name(name), objects, reason, programs)


def _check_path(version: mydumper.Version, path: str) -> None:
    if mydumper.splits_tables(version) and mydumper.FIRST_PIECE in path:
        raise OptionError(
            f"path {path}: MyDumper 0.10 takes {mydumper.FIRST_PIECE} in it for a piece of a table; choose a work "
            "directory without"
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
    version = run([path, "--version"], timeout=60)
    return mysqldump.parse_tool(path, version.stdout, run([path, "--help"], timeout=60).stdout)
