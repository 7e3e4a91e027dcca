"""One host of the fleet: a container with sshd, cron and a MySQL or MariaDB server."""

from __future__ import annotations

import contextlib
import secrets
import shlex
import subprocess
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import pymysql
from pymysql.connections import Connection

from tests.fleet.images import Recipe, image
from tests.fleet.podman import address_of, gateway_of, podman, remove_container, start_container

ADMIN = "admin"
# The modules' Python on an equipped host.
PYTHON = "/opt/modules/bin/python"
READY_WITHIN = 600


class Keys:
    """The session's SSH key below *directory*, and the known host keys."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700)
        self.private = directory / "key"
        self.known_hosts = directory / "known_hosts"
        self.authorized = directory / "authorized"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.private], check=True)
        self.authorized.mkdir(mode=0o755)
        (self.authorized / ADMIN).write_bytes(self.private.with_suffix(".pub").read_bytes())

    @property
    def options(self) -> list[str]:
        """Return options of ssh: use this key alone, and accept a host's key the first time."""
        return [
            *("-i", str(self.private), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"),
            *("-o", "StrictHostKeyChecking=accept-new", "-o", f"UserKnownHostsFile={self.known_hosts}"),
        ]


class Host:
    """A host made from *recipe*, which runs within its context.

    :param directory: what it shares with this machine, as ``/exchange``
    """

    def __init__(self, name: str, recipe: Recipe, keys: Keys, directory: Path) -> None:
        self.name = name
        self.recipe = recipe
        self.keys = keys
        self.exchange = directory
        self.exchange.mkdir(mode=0o755)
        self.tester = ("tester", secrets.token_hex(12))
        self.container = ""
        self.address = ""
        self.gateway = ""

    def __enter__(self) -> Self:
        volumes = {str(self.keys.authorized): "/etc/ssh/keys:ro", str(self.exchange): "/exchange"}
        self.container = start_container(image(self.recipe), self.name, volumes)
        try:
            self.gateway = gateway_of(self.container)
            self._await_services()
            self._create_tester()
        except BaseException:
            remove_container(self.container)
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        remove_container(self.container)

    def shell(self, command: str, answer: str = "", directory: str = "/") -> subprocess.CompletedProcess[str]:
        """Run a shell command over SSH as root.

        :param answer: what to type where it asks
        """
        remote = f"cd {shlex.quote(directory)} && sudo sh -ec {shlex.quote(command)}"
        return subprocess.run(
            ["ssh", *self.keys.options, f"{ADMIN}@{self.address}", remote],
            input=answer,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )

    def connect(self, database: str | None = None) -> Connection[Any]:
        """Connect from this machine with all privileges, in autocommit mode."""
        user, password = self.tester
        return pymysql.connect(
            host=self.address,
            user=user,
            password=password,
            database=database,
            charset="utf8mb4",
            autocommit=True,
        )

    def execute(self, *statements: str) -> tuple[tuple[Any, ...], ...]:
        """Run statements with all privileges; return the rows of the last one."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return tuple(cursor.fetchall())

    def switch_off(self) -> None:
        """Switch the host off, as a power cut does."""
        podman("kill", self.container)

    def switch_on(self) -> None:
        """Start the host again when it is off. It gets another address."""
        podman("start", self.container)
        self._await_services()

    def _await_services(self) -> None:
        self.address = address_of(self.container)
        deadline = time.monotonic() + READY_WITHIN
        while self.shell(f"{self._client} -e 'SELECT 1'").returncode != 0:
            assert time.monotonic() < deadline, f"{self.name} is not ready: {self._log()}"
            time.sleep(0.2)

    def _create_tester(self) -> None:
        user, password = self.tester
        made = self.shell(
            f"{self._client} -e \"CREATE USER {user} IDENTIFIED BY '{password}'; "
            f'GRANT ALL ON *.* TO {user} WITH GRANT OPTION"'
        )
        assert made.returncode == 0, made.stderr

    @property
    def _client(self) -> str:
        return self.recipe.product

    def _log(self) -> str:
        said = podman("logs", "--tail", "20", self.container, check=False)
        return said.stdout + said.stderr


@contextlib.contextmanager
def running(hosts: Iterable[Host]) -> Iterator[None]:
    """Run hosts within the context; they start at the same time."""
    with contextlib.ExitStack() as started:
        with ThreadPoolExecutor() as pool:
            list(pool.map(started.enter_context, hosts))
        yield
