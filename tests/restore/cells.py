"""The cells of the matrix: a product, a generation of MyDumper, and what backs up, restores and proves there."""

from __future__ import annotations

import os
import subprocess
from typing import Any, NamedTuple

import pytest

from tests.catalogue import databases as catalogue
from tests.fleet import mysql_databases
from tests.integration import hard_databases, odd_databases
from tests.playbook import HANGS, PLAYBOOK, ROOT, Installation, environment, write_private
from tests.servers import debian, kinds, recorded
from tests.servers.database_server import DatabaseServer
from tests.servers.mariadb import MariaDB, MariaDB11
from tests.servers.mysql import MySQL

OF_ANY = "SELECT, RELOAD, PROCESS, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT"
# Servers with rows of the catalogue's size have such settings.
LARGE_ROWS = "--max-allowed-packet=1G"


# The catalogue has databases with the other odd names.
ODD_NAMES = ("plain", "mydumper_0")


class Product(NamedTuple):
    """A server that is backed up.

    ``logs`` is the option for large transactions; ``defaults`` are options that the tests' servers change, with the
    product's own values; ``grants`` are the backup account's privileges; ``plugins`` are options for engines.
    """

    name: str
    server: type[DatabaseServer]
    release: debian.Release | None
    logs: str
    defaults: tuple[str, ...]
    grants: str
    plugins: tuple[str, ...] = ()

    def directories(self, path: str) -> list[str]:
        """Return the options with which tables may have files in a directory."""
        return ["--symbolic-links=ON", f"--innodb-directories={path}"] if self.server is MySQL else []

    @property
    def path(self) -> list[str]:
        """Return the folders in which the product's hosts look for programs."""
        own = [str(debian.programs(self.release))] if self.release else []
        return [*own, os.environ["PATH"]]


PRODUCTS = (
    Product(
        "MariaDB 10.11",
        MariaDB,
        None,
        "--innodb-log-file-size=256M",
        ("--character-set-server=latin1", "--collation-server=latin1_swedish_ci", "--event-scheduler=OFF"),
        f"{OF_ANY}, BINLOG MONITOR ON *.*",
    ),
    Product(
        "MariaDB 11.8",
        MariaDB11,
        debian.MARIADB,
        "--innodb-log-file-size=256M",
        ("--collation-server=utf8mb4_uca1400_ai_ci", "--event-scheduler=OFF"),
        f"{OF_ANY}, BINLOG MONITOR, SHOW CREATE ROUTINE ON *.*",
        ("--plugin-load-add=ha_archive", "--plugin-load-add=ha_blackhole"),
    ),
    Product(
        "MySQL 9.7",
        MySQL,
        debian.MYSQL,
        "--innodb-redo-log-capacity=512M",
        (),
        f"{OF_ANY}, REPLICATION CLIENT, BACKUP_ADMIN ON *.*",
    ),
)
GENERATIONS = ("0.10", "1")


def fill(server: DatabaseServer) -> tuple[str, ...]:
    """Create the databases of the tests on *server*; return their names."""
    names = kinds.fill(server)
    if isinstance(server, MySQL):
        names += (*mysql_databases.fill(server), *odd_databases.fill(server, (), ODD_NAMES))
        names += recorded.fill(server) if recorded.DUMPS.exists() else ()
    else:
        names += odd_databases.fill(server, names=ODD_NAMES)
    names += (*hard_databases.fill_few(server), hard_databases.EMPTY, *catalogue.fill(server))
    # A value that tells which database it is in: several databases have tables of the same names.
    for name in names:
        server.execute(
            f"CREATE TABLE {odd_databases.quoted(name)}.who_am_i (id INT PRIMARY KEY, name VARCHAR(99) CHARACTER SET"
            " utf8mb4)",
            f"INSERT INTO {odd_databases.quoted(name)}.who_am_i VALUES (1, {_literal(name)})",
        )
    return names


def use_tools(monkeypatch: pytest.MonkeyPatch, product: Product, generation: str) -> None:
    """Put the product's programs and a generation of MyDumper first in ``PATH``; skip where it is not installed."""
    first = []
    if generation != "0.10":
        folder = os.environ.get("VEX_MYDUMPER_DIR")
        if not folder:
            pytest.skip("MyDumper 1.x is in no package: VEX_MYDUMPER_DIR is to name a folder with one")
        first.append(folder)
    monkeypatch.setenv("PATH", ":".join([*first, *product.path]))


def restore(setup: Installation, server: DatabaseServer, **variables: Any) -> str:
    """Restore the newest backup of *setup* into *server* by the playbook; return Ansible's output.

    :param variables: variables without ``vex_backup_restore_``
    """
    given = {
        "login_unix_socket": server.socket,
        "login_user": "root",
        "dir": str(setup.directory / "restore"),
        "yes": True,
        "poll_seconds": 1,
        **variables,
    }
    changed = {f"vex_backup_restore_{name}": value for name, value in given.items()}
    inventory = setup.directory / "restore.json"
    write_private(inventory, {"all": {"hosts": {setup.hostname: {**setup.variables, **changed}}}})
    done = subprocess.run(
        [*PLAYBOOK, "playbooks/restore.yml", "--inventory", str(inventory)],
        cwd=ROOT,
        env=environment({"ANSIBLE_HOME": str(setup.temporary / "ansible")}),
        capture_output=True,
        text=True,
        timeout=4 * HANGS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _literal(name: str) -> str:
    return f"_utf8mb4 0x{name.encode().hex()}"
