"""Fixtures of the fleet: its hosts, and the servers that they share on this machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fleet.fleet import Control, Member
from tests.fleet.hosts import Host, Keys, running
from tests.fleet.images import MARIADB, MYSQL
from tests.fleet.podman import remove_leftovers
from tests.playbook import LogDatabase
from tests.servers.mariadb import MariaDB
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.smtp import SmtpSink

RECIPES = {"mysql-1": MYSQL, "mysql-2": MYSQL, "mariadb-1": MARIADB}


@pytest.fixture(scope="session")
def hosts(server_directory: Path) -> Iterator[dict[str, Host]]:
    """Run two hosts with MySQL 9.7 and one with MariaDB 11.8, without databases; return them by name."""
    if os.geteuid() != 0:
        pytest.skip("containers that have an address which this machine reaches need root")
    remove_leftovers()
    folder = server_directory / "fleet"
    folder.mkdir(mode=0o755)
    # sshd reads the key as another user, which must be able to enter this folder.
    server_directory.chmod(0o711)
    keys = Keys(folder / "keys")
    made = {name: Host(name, recipe, keys, folder / name) for name, recipe in RECIPES.items()}
    with running(made.values()):
        yield made


@pytest.fixture(scope="session")
def control(hosts: dict[str, Host], server_directory: Path) -> Iterator[Control]:
    """Run the log database, the bucket and the mail server, where the hosts reach them."""
    address = hosts["mysql-1"].gateway
    folder = server_directory / "control"
    with (
        MariaDB(folder / "log", address=address) as server,
        SeaweedFS(folder / "s3", address=address) as store,
        SmtpSink(folder / "mail", address=address) as sink,
    ):
        log_database = LogDatabase(server, folder)
        log_database.create()
        yield Control(log_database, store, sink)


@pytest.fixture
def join(hosts: dict[str, Host], control: Control) -> Callable[[str], Member]:
    """Return a function that makes an inventory's entry, under a new name, of the host with the given name."""
    return lambda name: Member(hosts[name], control)


@pytest.fixture
def inventory_directory() -> Iterator[Path]:
    """Make a directory whose path is short enough for SSH's sockets."""
    with tempfile.TemporaryDirectory(prefix="vex-") as name:
        yield Path(name)
