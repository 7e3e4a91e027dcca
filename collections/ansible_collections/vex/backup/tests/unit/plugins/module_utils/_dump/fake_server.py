# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server that answers the queries of a plan, and the dump programs of its host."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump.dump import DumpRequest
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Objects

EMPTY = Objects([], [], [], [], [], [], 0)
MYDUMPER_0_10 = "mydumper 0.10.0, built against MySQL 10.11.14"
MYDUMPER_1_0 = "mydumper v1.0.1-3, built against MySQL 9.7.4"
MARIADB = "10.11.18-MariaDB-log"
MYSQL = "9.7.4-2"


@dataclasses.dataclass
class FakeServer:
    """A connection to a server with *databases*, for an account with *grants*.

    ``version`` is the server's ``@@version``.
    """

    databases: t.Dict[str, Objects]
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
        server = self._server
        objects = server.databases[values["database"]] if values else EMPTY
        names = [(name,) for name in server.databases]
        answers: t.Dict[str, t.Sequence[t.Tuple[t.Any, ...]]] = {
            "@@version": [(server.version, "", "vex@%", 1, 0, "db|3306|/var/lib/mysql/")],
            "SHOW DATABASES": [("mysql",), *names],
            "SHOW GRANTS": [(grant,) for grant in server.grants],
            "CURRENT_ROLE()": [("NONE",)],
            "information_schema.TABLES": [
                ("BASE TABLE", name, "InnoDB", objects.data_bytes // len(objects.tables)) for name in objects.tables
            ],
            "information_schema.ROUTINES": [(program.kind, program.name, 0) for program in objects.programs],
            "information_schema.COLUMNS": [],
        }
        (self._rows,) = (list(rows) for part, rows in answers.items() if part in query)

    def fetchone(self) -> t.Tuple[t.Any, ...]:
        return self._rows[0]

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
        mode="individual",
        threads=4,
        routines=True,
        triggers=True,
        events=True,
        compression="none",
        long_query_guard=60,
        timeout=0,
        space_factor=1.0,
        keep_failed=1,
        run_uuid=None,
        hostname=None,
        check_mode=False,
    )
