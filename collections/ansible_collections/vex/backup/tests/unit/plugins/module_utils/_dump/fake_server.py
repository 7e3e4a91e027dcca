# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server that answers the queries of a plan, and the dump programs of its host."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import typing as t

import pymysql.err
import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump.dump import DumpRequest
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan, Plan
from ansible_collections.vex.backup.plugins.module_utils._dump.table_filter import TableFilter
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import ToolRun
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login
from ansible_collections.vex.backup.plugins.module_utils._mysql.grants import DumpScope
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Program, Server
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Table
from ansible_collections.vex.backup.plugins.module_utils._tools.client import Client
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import Version, parse_version

MYDUMPER_0_10 = "mydumper 0.10.1, built against MySQL 10.11.14"
MYDUMPER_1 = "mydumper v1.0.1-3, built against MySQL 9.7.4"
MARIADB_CLIENT = "mariadb  Ver 15.1 Distrib 10.11.18-MariaDB, for debian-linux-gnu"
MYSQL_CLIENT = "mysql  Ver 9.7.4 for Linux on x86_64"
MARIADB = "10.11.18-MariaDB-log"
MYSQL = "9.7.4-2"
SERVER = Server("mariadb", MARIADB, (10, 11, 18), "'vex'@'%'", "abc", False)


class Contents(t.NamedTuple):
    """The objects of a database."""

    tables: t.Sequence[Table] = ()
    views: t.Sequence[str] = ()
    programs: t.Sequence[Program] = ()


@dataclasses.dataclass
class FakeServer:
    """A connection to a server with *databases*, for an account with *grants*.

    ``version`` is the server's ``@@version``.
    """

    databases: t.Dict[str, Contents]
    grants: t.List[str] = dataclasses.field(default_factory=lambda: ["GRANT ALL PRIVILEGES ON *.* TO `vex`@`%`"])
    version: str = MARIADB

    def cursor(self) -> t.ContextManager[Cursor]:
        return contextlib.nullcontext(Cursor(self))

    def close(self) -> None:
        """Close nothing."""


class Cursor:
    """The rows of the last query."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self._rows: t.List[t.Tuple[t.Any, ...]] = []

    def execute(self, query: str, values: t.Optional[t.Mapping[str, str]] = None) -> None:
        if "FROM mysql." in query:
            raise pymysql.err.OperationalError(1142, "denied")
        server = self._server
        contents = server.databases[values["database"]] if values else Contents()
        answers: t.Dict[str, t.Sequence[t.Tuple[t.Any, ...]]] = {
            "@@version": [(server.version, "", "vex@%", 1, 0, "db|3306|/var/lib/mysql/")],
            "SHOW DATABASES": [("mysql",), *((name,) for name in server.databases)],
            "SHOW GLOBAL VARIABLES": [("max_allowed_packet", "67108864"), ("innodb_page_size", "16384")],
            "SHOW GRANTS": [(grant,) for grant in server.grants],
            "CURRENT_ROLE()": [("NONE",)],
            "TABLE_TYPE NOT LIKE": [
                (table.name, table.kind, table.engine, table.rows, table.data_bytes) for table in contents.tables
            ],
            "LOWER(DATA_TYPE)": [
                (table.name, column.name, column.type, column.definition, column.charset, column.extra, "")
                for table in contents.tables
                for column in table.columns
            ],
            "information_schema.STATISTICS": [],
            " LIMIT 1": [(1,)],
            "SET ": [],
            "TABLE_NAME = 'LIBRARIES'": [],
            "SELECT TABLE_TYPE": [("VIEW", name) for name in contents.views],
            "@@event_scheduler": [(0,)],
            "information_schema.EVENTS": [(one.name,) for one in contents.programs if one.kind == "EVENT"],
            "information_schema.ROUTINES": [
                (one.kind, one.name, 0) for one in contents.programs if one.kind != "EVENT"
            ],
        }
        (self._rows,) = (list(rows) for part, rows in answers.items() if part in query)

    def fetchone(self) -> t.Tuple[t.Any, ...]:
        return self._rows[0]

    def fetchmany(self, _size: int) -> t.List[t.Tuple[t.Any, ...]]:
        rows, self._rows = self._rows, []
        return rows

    def fetchall(self) -> t.List[t.Tuple[t.Any, ...]]:
        return self._rows


def install_programs(folder: pathlib.Path, versions: t.Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make programs that print their version, by name, the only ones of this host.

    :param folder: the directory that shall hold them
    """
    folder.mkdir(exist_ok=True)
    for program in folder.iterdir():
        program.unlink()
    for name, version in versions.items():
        (folder / name).write_text(f"#!/bin/sh\necho '{version}'\n", encoding="ascii")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def dump_request(path: pathlib.Path) -> DumpRequest:
    """Return the request for a dump of all databases in *path*."""
    return DumpRequest(
        login=Login("db", 3306, None, "vex", "", None),
        path=str(path),
        dump_log="/nowhere/dump.log",
        run_log=None,
        databases=[],
        exclude_databases=[],
        exclude_tables=[],
        schema_only_tables=[],
        mode="individual",
        threads=4,
        routines=True,
        triggers=True,
        events=True,
        accounts=False,
        compression="none",
        checksums="sample",
        long_query_guard=60,
        timeout=0,
        space_factor=1.0,
        keep_failed=1,
        run_uuid=None,
        hostname=None,
        check_mode=False,
    )


def make_plan(
    *databases: DatabasePlan,
    mydumper: str = "/bin/mydumper",
    version: t.Optional[Version] = None,
    client: str = "/bin/mariadb",
    server: Server = SERVER,
    mode: str = "individual",
) -> Plan:
    """Return a plan for a server with *databases*."""
    scope = DumpScope(server.product, server.numbers, routines=True, triggers=True, events=True)
    found = version or parse_version(MYDUMPER_0_10)
    limits = {"max_allowed_packet": str(64 * 1024 * 1024)}
    none = TableFilter("exclude_tables", [], ignore_case=False)
    return Plan(
        server, mode, databases, mydumper, found, Client(client, "mariadb 10.11.18"), scope, "", none, none, limits
    )


def make_run(folder: pathlib.Path, plan: Plan, seconds: int = 0, **options: t.Any) -> ToolRun:
    """Return a run of the tools that writes below *folder*.

    :param options: of the request
    """
    private = folder / "private"
    private.mkdir()
    option_file = private / "client.cnf"
    option_file.touch()
    changed = {"dump_log": str(folder / "dump.log"), **options}
    request = dataclasses.replace(dump_request(folder / "backup"), **changed)
    files = t.cast("t.Any", FakeFiles(folder / "dump"))
    deadline = Deadline(seconds, "the dump")
    return ToolRun(request, plan, str(folder / "dump"), str(option_file), deadline, 0, RunLog(None), files)


@dataclasses.dataclass
class FakeFiles:
    """Data files that are only listed, in the order in which they came; ``failure`` is that of one of them.

    ``sizes`` are those that they had then, by name.
    """

    root: pathlib.Path
    names: t.List[str] = dataclasses.field(default_factory=list)
    sizes: t.Dict[str, int] = dataclasses.field(default_factory=dict)
    failure: t.Optional[Exception] = None

    def add(self, names: t.Iterable[str]) -> None:
        """List files, which must be complete."""
        for name in names:
            self.sizes[name] = (self.root / name).stat().st_size
            self.names.append(name)

    def discard(self, directories: t.Container[str]) -> None:
        """Forget the files in directories."""
        self.names = [name for name in self.names if name.split("/")[0] not in directories]

    def check(self) -> None:
        """Raise the failure."""
        if self.failure:
            raise self.failure
