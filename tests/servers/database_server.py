"""A private database server: its directory, its process, its accounts."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import pymysql
from pymysql.connections import Connection

from tests.servers.cache import cache_directory
from tests.servers.ports import LOOPBACK, free_port
from tests.servers.process import Process

SOCKET_PATH_LIMIT = 107

# Small and fast: the tests back the server up, they do not cut its power.
OPTIONS = [
    "--skip-name-resolve",
    "--server-id=1",
    "--log-bin=binlog",
    "--sync-binlog=0",
    "--event-scheduler=ON",
    "--max-connections=60",
    "--max-allowed-packet=64M",
    "--key-buffer-size=8M",
    "--innodb-buffer-pool-size=96M",
    "--innodb-flush-log-at-trx-commit=2",
]


class DatabaseServer(ABC):
    """One server below *directory*; ``root`` logs in without a password, through the socket only.

    :param directory: holds the data, the log and the socket; created when absent, accessible to its owner only
    :param port: preferred TCP port
    :param options: more options of the server
    :param address: TCP address to listen on; on another than loopback, accounts accept clients of any address
    :param detached: whether the server continues after the end of this program
    :param encrypts: whether the server has keys for encrypted tables, if its packages have the means
    """

    program: ClassVar[str]
    own_options: ClassVar[Sequence[str]]

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        options: Sequence[str] = (),
        address: str = LOOPBACK,
        detached: bool = False,
        encrypts: bool = False,
    ) -> None:
        self.directory = directory.absolute()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.data = self.directory / "data"
        self.socket = str(_socket_path(self.directory))
        self.process = Process(self.program, self.directory, detached=detached)
        self.port = port if port is not None and self.process.pid is not None else free_port(port, address=address)
        self.address = address
        self.options = list(options)
        self.encrypts = encrypts

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server unless it runs; create its system database the first time."""
        if self.process.pid is not None:
            return
        if not self.data.exists():
            partial = self.directory / "data.partial"
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(self._empty_data(), partial)
            partial.rename(self.data)
        Path(self.socket).parent.mkdir(mode=0o700, exist_ok=True)
        self.process.start(self._argv(), self._answers)

    def stop(self) -> None:
        """Shut down the server."""
        self.process.stop()
        if Path(self.socket).parent != self.directory:
            shutil.rmtree(Path(self.socket).parent, ignore_errors=True)

    def kill(self) -> None:
        """Kill the server, as in a crash."""
        self.process.kill()

    def connect(self, user: str = "root", password: str = "", database: str | None = None) -> Connection[Any]:
        """Return a new connection through the socket, in autocommit mode."""
        return pymysql.connect(
            unix_socket=self.socket,
            user=user,
            password=password,
            database=database,
            charset="utf8mb4",
            autocommit=True,
        )

    def execute(self, *statements: str) -> tuple[tuple[Any, ...], ...]:
        """Execute statements as root; return the rows of the last one."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return tuple(cursor.fetchall())

    @property
    def client_hosts(self) -> tuple[str, str]:
        """The host parts of accounts for the socket and for TCP."""
        return "localhost", LOOPBACK if self.address == LOOPBACK else "%"

    def create_account(self, user: str, password: str, *grants: str) -> None:
        """Create or replace an account, for the socket and for TCP.

        :param grants: privileges and their level, such as ``SELECT ON *.*``
        """
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            for host in self.client_hosts:
                cursor.execute("DROP USER IF EXISTS %s@%s", (user, host))
                cursor.execute("CREATE USER %s@%s IDENTIFIED BY %s", (user, host, password))
                for grant in grants:
                    cursor.execute(f"GRANT {grant.replace('%', '%%')} TO %s@%s", (user, host))

    def _argv(self) -> list[str]:
        return [
            *self._command(),
            f"--datadir={self.data}",
            f"--tmpdir={self.directory}",
            f"--socket={self.socket}",
            f"--pid-file={self.directory / 'server.pid'}",
            f"--bind-address={self.address}",
            f"--port={self.port}",
            *OPTIONS,
            *self.own_options,
            *self.options,
            *(self._give_keys() if self.encrypts else []),
        ]

    @abstractmethod
    def _command(self) -> list[str]:
        """Return the program and the arguments that it needs with any data."""

    @abstractmethod
    def _empty_data(self) -> Path:
        """Return a data directory with only the system tables and root, prepared once per server version."""

    def _give_keys(self) -> list[str]:
        """Write keys for encrypted tables; return the options that the server needs for them."""
        return []

    def _answers(self) -> bool:
        # PyMySQL does not close the socket of a refused connection, so this probe comes first.
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(self.socket) != 0:
                return False
        try:
            self.connect().close()
        except pymysql.err.OperationalError:
            return False
        return True


def _socket_path(directory: Path) -> Path:
    wanted = directory / "server.sock"
    if len(os.fsencode(wanted)) <= SOCKET_PATH_LIMIT:
        return wanted
    # The kernel limits the length of socket paths. The same directory always has the same short path.
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"vex-backup-{os.getuid()}-{digest}" / "server.sock"


def as_root() -> list[str]:
    """Return the option without which a server refuses to run as root."""
    return ["--user=root"] if os.geteuid() == 0 else []


def prepared_data(name: str, recipe: str, make: Callable[[Path], None]) -> Path:
    """Return a data directory that *make* makes, as ``data`` below an empty directory, once for each *recipe*."""
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    cached = cache_directory() / f"{name}-{digest}"
    if not cached.exists():
        with _scratch(cached.parent) as scratch:
            make(scratch)
            with contextlib.suppress(OSError):  # another program has renamed its own
                (scratch / "data").rename(cached)
    return cached


@contextlib.contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=parent, prefix="preparing-") as name:
        yield Path(name)
