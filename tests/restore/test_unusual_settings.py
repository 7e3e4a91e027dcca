"""Everything comes back although the servers' settings change what sessions read and write, or the setting is named."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._mysql.session import LOAD, LOOK
from tests.restore.cells import GENERATIONS, PRODUCTS, Product, use_tools
from tests.restore.dumping import Dumped
from tests.restore.harmful_settings import HARMFUL, HARMLESS, session_variables, set_up
from tests.servers import kinds
from tests.servers.contents import Contents, contents, differences
from tests.servers.database_server import DatabaseServer

ACCOUNT: dict[str, Any] = {"login_user": "backup", "login_password": "canary"}
DATABASES = (*kinds.DATABASES, "settings")
# The releases whose variables were all looked at.
KNOWN = ("10.11.19", "11.8.9", "9.7.4")

# Contents that would show what these settings do.
CONTENTS = (
    "CREATE DATABASE settings COLLATE utf8mb4_bin",
    "USE settings",
    "SET SESSION sql_mode = ''",
    *(
        statement
        for engine in ("InnoDB", "MyISAM", "MEMORY")
        for statement in (
            f"CREATE TABLE counts_{engine} (id INT AUTO_INCREMENT PRIMARY KEY, n INT) ENGINE = {engine}",
            f"INSERT INTO counts_{engine} (n) VALUES (1), (2), (3)",
        )
    ),
    "CREATE TABLE padded (c CHAR(10) PRIMARY KEY, v VARCHAR(10) NOT NULL, b BINARY(4))",
    "INSERT INTO padded VALUES ('a', 'a  ', 'a'), ('', '', '')",
    "CREATE TABLE filled (w VARCHAR(200), n INT) ENGINE = MEMORY",
    "INSERT INTO filled SELECT REPEAT('x', 200), id FROM sizes.number WHERE id <= 1000",
    "CREATE TABLE parent (id INT PRIMARY KEY)",
    "CREATE TABLE orphan (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES parent (id))",
    "SET SESSION foreign_key_checks = OFF",
    "INSERT INTO orphan VALUES (1, 99)",
    "SET SESSION explicit_defaults_for_timestamp = OFF",
    "CREATE TABLE stamps (id INT PRIMARY KEY, a TIMESTAMP, b TIMESTAMP NULL)",
    "INSERT INTO stamps VALUES (1, '2024-01-01 00:00:00', NULL)",
    "SET SESSION explicit_defaults_for_timestamp = ON",
    "CREATE TABLE new_stamps (id INT PRIMARY KEY, a TIMESTAMP, b TIMESTAMP NOT NULL)",
    "INSERT INTO new_stamps VALUES (1, NULL, '2024-01-01 00:00:00')",
    "CREATE TABLE fractions (id INT PRIMARY KEY, t TIME(2), d DATETIME(2))",
    "INSERT INTO fractions VALUES (1, '10:00:00.99', '2024-01-01 23:59:59.99')",
    "CREATE TABLE computed (id INT PRIMARY KEY, a INT, n BOOL AS (NOT a BETWEEN 1 AND 5) STORED)",
    "INSERT INTO computed (id, a) VALUES (1, 10), (2, 3)",
    "CREATE TABLE `keys` (id INT, `group` INT, `Order by` INT, KEY (`group`), UNIQUE KEY (`Order by`)) COMMENT = ''''",
    "INSERT INTO `keys` VALUES (1, 1, 1)",
    "CREATE VIEW chosen AS SELECT `group` FROM `keys` ORDER BY 1 LIMIT 5",
)
CONTENTS_OF_MARIADB = (
    "CREATE TABLE checked (id INT PRIMARY KEY, n INT, CHECK (n > 0))",
    "SET SESSION check_constraint_checks = OFF",
    "INSERT INTO checked VALUES (1, -1)",
)
CONTENTS_OF_MARIADB_11 = (
    "CREATE TABLE vectors (id INT PRIMARY KEY, v VECTOR(3) NOT NULL, VECTOR INDEX (v))",
    "INSERT INTO vectors VALUES (1, VEC_FromText('[1,2,3]'))",
)


class Source:
    """A server with the databases of every kind, set up afterwards, and its contents before that."""

    def __init__(self, product: Product, server: DatabaseServer) -> None:
        self.product = product
        self.server = server
        kinds.fill(server)
        of_product = {
            "MariaDB 10.11": CONTENTS_OF_MARIADB,
            "MariaDB 11.8": CONTENTS_OF_MARIADB + CONTENTS_OF_MARIADB_11,
        }
        server.execute(*CONTENTS, *of_product.get(product.name, ()))
        self.expected = contents_of(server)
        self.variables = session_variables(server)
        server.create_account(ACCOUNT["login_user"], ACCOUNT["login_password"], product.grants)
        # An account of MySQL needs a privilege to set this one.
        set_up(server, without=("max_error_count",) if product.name.startswith("MySQL") else ())


def contents_of(server: DatabaseServer) -> Contents:
    with contextlib.closing(server.connect()) as connection:
        return contents(connection, DATABASES)


@pytest.fixture(scope="module", params=PRODUCTS, ids=[one.name.replace(" ", "-") for one in PRODUCTS])
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    """Run a server of each product in turn."""
    product: Product = request.param
    of_mariadb = ["--skip-character-set-client-handshake", "--thread-handling=pool-of-threads"]
    options = of_mariadb if product.name.startswith("MariaDB") else []
    with (
        tempfile.TemporaryDirectory(prefix="vex-") as folder,
        product.server(Path(folder), options=options) as server,
    ):
        yield Source(product, server)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_settings_change_nothing(
    source: Source, generation: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_tools(monkeypatch, source.product, generation)
    dumped = Dumped(source.server, tmp_path, DATABASES, **ACCOUNT)
    assert dumped.warnings == []
    with (
        tempfile.TemporaryDirectory(prefix="vex-") as folder,
        source.product.server(Path(folder), options=source.product.defaults) as target,
    ):
        set_up(target)
        assert "gone@nowhere" in " ".join(dumped.run(target)["restore_warnings"])
        assert differences(source.expected, contents_of(target)) == []


def test_every_variable_of_a_session_is_known(source: Source) -> None:
    """A new variable of a known release cannot appear, and a new series of releases is to be looked at.

    A later release of the same series is the distribution's choice: it must not fail the tests of every change.
    """
    ((version,),) = source.server.execute("SELECT VERSION()")
    release = version.partition("-")[0]
    new = {name for name in source.variables - {*LOOK, *LOAD, *HARMFUL} if not name.startswith(HARMLESS)}
    if release not in KNOWN and release.rpartition(".")[0] in {known.rpartition(".")[0] for known in KNOWN} and new:
        pytest.skip(f"{version} has new variables of a session, to add to a list: {', '.join(sorted(new))}")
    assert new == set()
