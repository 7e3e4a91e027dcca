"""Odd contents of a database, on a server to dump and one to restore to."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.restore.cells import Product
from tests.restore.dumping import Dumped
from tests.servers.contents import contents, differences
from tests.servers.database_server import DatabaseServer
from tests.servers.mariadb import MariaDB

FINE = (
    "CREATE DATABASE odd",
    "USE odd",
    "CREATE TABLE fine (id INT PRIMARY KEY)",
    "INSERT INTO fine VALUES (1)",
    "CREATE VIEW v_fine AS SELECT id FROM fine",
)


class Odd:
    """A server with a database ``odd``, and one to restore to; no other database is dumped."""

    def __init__(self, product: Product, source: DatabaseServer, target: DatabaseServer, folder: Path) -> None:
        self.product = product
        self.source = source
        self.target = target
        self.folder = folder

    def dump(self, *statements: str, databases: tuple[str, ...] = ("odd",), **options: Any) -> Dumped:
        """Create objects in ``odd``, and dump it."""
        self.source.execute("DROP DATABASE IF EXISTS odd", *FINE, *statements)
        return self.dump_again(databases=databases, **options)

    def dump_again(self, *, databases: tuple[str, ...] = ("odd",), **options: Any) -> Dumped:
        """Dump ``odd`` as it is."""
        return Dumped(self.source, Path(tempfile.mkdtemp(dir=self.folder)), databases, **options)

    def install_engine(self, plugin: str) -> None:
        """Install the plugin of an engine on both servers; MySQL has it built in. Skip where no package has it."""
        if isinstance(self.source, MariaDB) and self.product.release is None:
            pytest.skip("the package of this host's MariaDB with its plugins would start a server of its own")
        for server in (self.source, self.target) if isinstance(self.source, MariaDB) else ():
            server.execute(f"INSTALL SONAME 'ha_{plugin}'")

    def differences(self, *databases: str) -> list[str]:
        """Compare both servers by code that is not the product's."""
        found = []
        for server in (self.source, self.target):
            with contextlib.closing(server.connect()) as connection:
                found.append(contents(connection, databases or ("odd",)))
        return differences(*found)
