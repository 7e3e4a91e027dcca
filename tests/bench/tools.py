"""The database servers and the MyDumper that a backup can be measured with."""

from __future__ import annotations

import os
import re
import subprocess
from typing import NamedTuple

from tests.bench.failure import BenchFailed
from tests.servers import debian
from tests.servers.database_server import DatabaseServer
from tests.servers.mariadb import MariaDB
from tests.servers.mysql import MySQL

MYDUMPER_DIR = "VEX_MYDUMPER_DIR"
SERVERS: dict[str, type[DatabaseServer]] = {"mariadb": MariaDB, "mysql": MySQL}


class MyDumper(NamedTuple):
    """A MyDumper: its version, and whether it is one of the generation after 0.10."""

    version: str
    modern: bool

    @property
    def generation(self) -> str:
        """Return ``0.10`` or ``1.x``."""
        return "1.x" if self.modern else "0.10"


def extend_path(server: str) -> None:
    """Let both backups find the programs: MyDumper of :data:`MYDUMPER_DIR`, and the clients of the server's version."""
    first = [os.environ[MYDUMPER_DIR]] if os.environ.get(MYDUMPER_DIR) else []
    if server == "mysql":
        first.append(str(debian.programs(debian.MYSQL)))
    os.environ["PATH"] = os.pathsep.join([*first, os.environ["PATH"]])


def mydumper() -> MyDumper:
    """Describe the MyDumper on PATH.

    :raises BenchFailed: when it does not tell its version
    """
    printed = subprocess.run(["mydumper", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v?(\d+)\.(\d+)\.\d+", printed)
    if not found:
        raise BenchFailed(f"mydumper --version printed {printed!r}, which holds no version")
    return MyDumper(found[0].lstrip("v"), (int(found[1]), int(found[2])) >= (0, 20))


def tools_line(server: DatabaseServer) -> str:
    """Return the versions of server and MyDumper as one line."""
    given = "is set" if os.environ.get(MYDUMPER_DIR) else "is not set"
    return f"{type(server).__name__} {version(server)}, MyDumper {mydumper().version} ({MYDUMPER_DIR} {given})"


def version(server: DatabaseServer) -> str:
    """Return the server's version, without the distribution's suffix."""
    return str(server.execute("SELECT VERSION()")[0][0]).partition("-")[0]
