"""One content of the catalogue, and the databases that hold all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from tests.servers.database_server import DatabaseServer
from tests.servers.definitions import quoted
from tests.servers.mariadb import MariaDB11
from tests.servers.mysql import MySQL

MYSQL, MARIADB, MARIADB_11 = "MySQL", "MariaDB", "MariaDB 11"
ANY = (MYSQL, MARIADB, MARIADB_11)
BOTH_MARIADB = (MARIADB, MARIADB_11)


class Content(NamedTuple):
    """Something that a database can hold.

    ``statements`` create it, and say ``{t}`` for a name of its own, with which the names of all its tables begin, and
    ``{dir}`` for a directory in which the server may create files. ``products`` have it.
    """

    name: str
    statements: tuple[str, ...]
    products: tuple[str, ...] = ANY

    @property
    def stem(self) -> str:
        """The beginning of the names of its objects."""
        return f"c_{re.sub(r'[^a-z0-9]+', '_', self.name.lower()).strip('_')}"


def values(kind: str, *literals: str, products: tuple[str, ...] = ANY, name: str = "") -> Content:
    """Return a table with a column of a type, with a row for each literal and one for ``NULL``."""
    rows = ", ".join(f"({number}, {literal})" for number, literal in enumerate((*literals, "NULL")))
    return Content(name or kind, (f"CREATE TABLE {{t}} (id INT PRIMARY KEY, v {kind} NULL)", _insert(rows)), products)


def table(name: str, columns: str, *rows: str, options: str = "", products: tuple[str, ...] = ANY) -> Content:
    """Return a table with these columns, rows and table options."""
    create = f"CREATE TABLE {{t}} ({columns}) {options}"
    return Content(name, (create, *([_insert(", ".join(f"({row})" for row in rows))] if rows else [])), products)


def _insert(rows: str) -> str:
    return f"INSERT INTO {{t}} VALUES {rows}"


def product_of(server: DatabaseServer) -> str:
    """Return the product of a server, as contents name it."""
    return MYSQL if isinstance(server, MySQL) else MARIADB_11 if isinstance(server, MariaDB11) else MARIADB


def create(server: DatabaseServer, database: str, contents: Iterable[Content], directory: str = "") -> None:
    """Create a database with these contents."""
    server.execute(f"CREATE DATABASE {quoted(database)} CHARACTER SET utf8mb4")
    for content in contents:
        texts = (statement.replace("{t}", content.stem) for statement in content.statements)
        statements = (text.replace("{dir}", directory) for text in texts)
        server.execute(f"USE {quoted(database)}", "SET SESSION sql_mode = '', time_zone = '+00:00'", *statements)
