"""A server that cannot hold a backup is refused by name, by the plan and before a restore writes anything."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import TargetUnfit
from tests.restore.cells import PRODUCTS, Product, use_tools
from tests.restore.dumping import Dumped
from tests.restore.scratching import scratch_server
from tests.servers import debian
from tests.servers.contents import contents, differences
from tests.servers.database_server import DatabaseServer
from tests.servers.mysql import MySQL

LIMITED = "limited"
# Tables that a server with other settings cannot hold.
TABLES = (
    "CREATE TABLE long_row (id INT PRIMARY KEY, b LONGBLOB)",
    "INSERT INTO long_row VALUES (1, REPEAT('x', 3000000)), (2, 'y')",
    "CREATE TABLE long_exact (id INT PRIMARY KEY, b LONGBLOB) ENGINE = MyISAM",
    "INSERT INTO long_exact VALUES (1, REPEAT('x', 2000000)), (2, 'y')",
    "CREATE TABLE long_key (id INT PRIMARY KEY, k VARCHAR(250) CHARACTER SET utf8mb4, KEY (k))",
    "CREATE TABLE keyless (id INT)",
    "CREATE TABLE in_memory (id INT, c CHAR(200), PRIMARY KEY (id) USING BTREE) ENGINE = MEMORY",
    "CREATE TABLE parts (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2",
    "CREATE TABLE compressed (id INT PRIMARY KEY) ROW_FORMAT = COMPRESSED",
)
IN_MEMORY = """INSERT INTO in_memory WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
  SELECT i, i FROM n"""
RECURSIONS = {"mysql": "cte_max_recursion_depth", "mariadb": "max_recursive_iterations"}
WITH_PAGES = {"mysql": "COMPRESSION = 'zlib'", "mariadb": "PAGE_COMPRESSED = 1"}
MARS = (
    'GEOGCS["Mars",DATUM["Mars",SPHEROID["Mars",3396190,169.8]],PRIMEM["Airy",0],UNIT["degree",0.0174532925],'
    'AXIS["Lat",NORTH],AXIS["Lon",EAST]]'
)


class Wrong(NamedTuple):
    """A global setting under which a server cannot hold some tables, the reason that names them, and a remedy."""

    name: str
    value: str
    reason: str
    remedy: str
    tables: tuple[str, ...]


OF_ANY = (
    Wrong(
        "max_allowed_packet",
        "1048576",
        "its max_allowed_packet is 1048576 and must be 4000768",
        "SET GLOBAL max_allowed_packet = 4000768",
        ("long_exact", "long_row"),
    ),
    Wrong(
        "innodb_default_row_format",
        "compact",
        "its innodb_default_row_format is compact",
        "SET GLOBAL innodb_default_row_format = dynamic",
        ("long_key",),
    ),
    Wrong(
        "innodb_file_per_table",
        "OFF",
        "its innodb_file_per_table is OFF",
        "SET GLOBAL innodb_file_per_table = ON",
        ("compressed", "paged"),
    ),
)
OF_MARIADB = (
    Wrong(
        "innodb_force_primary_key",
        "ON",
        "its innodb_force_primary_key is ON",
        "SET GLOBAL innodb_force_primary_key = OFF",
        ("keyless",),
    ),
    Wrong(
        "innodb_read_only_compressed",
        "ON",
        "its innodb_read_only_compressed is ON",
        "SET GLOBAL innodb_read_only_compressed = OFF",
        ("compressed",),
    ),
)
SETTINGS = {"mysql": OF_ANY, "mariadb": OF_ANY + OF_MARIADB}


class Lacking(NamedTuple):
    """A table that another server of the product cannot hold, and what makes the source accept it.

    ``release`` is set when only that one has the plugin in its packages.
    """

    table: str
    reason: str
    before: tuple[str, ...] = ()
    release: debian.Release | None = None


LACKING = {
    "mysql": (
        Lacking("my (id INT) ENGINE = MyISAM", "its disabled_storage_engines names MyISAM: start it without"),
        Lacking(
            "parsed (t TEXT, FULLTEXT KEY (t) WITH PARSER simple_parser)",
            "it has no full-text parser simple_parser: install its plugin",
            ("INSTALL PLUGIN simple_parser SONAME 'mypluglib.so'",),
        ),
        Lacking(
            "spaced (id INT) TABLESPACE `t s`",
            "it has no tablespace t s: CREATE TABLESPACE `t s`",
            ("CREATE TABLESPACE `t s` ADD DATAFILE 'ts.ibd'",),
        ),
        Lacking(
            "placed (p POINT NOT NULL SRID 990001)",
            "it has no spatial reference system 990001: CREATE SPATIAL REFERENCE SYSTEM 990001 as on the dumped server",
            (f"CREATE SPATIAL REFERENCE SYSTEM 990001 NAME 'mars' DEFINITION '{MARS}'",),
        ),
    ),
    "mariadb": (
        Lacking(
            "divided (id INT) PARTITION BY HASH (id) PARTITIONS 2",
            "it has no partitions: start it without skip_partition",
        ),
        Lacking(
            "archived (id INT) ENGINE = ARCHIVE",
            "it has no engine ARCHIVE: install its plugin",
            ("INSTALL SONAME 'ha_archive'",),
            debian.MARIADB,
        ),
        Lacking(
            "secret (id INT) ENCRYPTED = YES",
            "it has no keys to encrypt tables: load its keyring or encryption plugin",
            (),
            debian.MARIADB,
        ),
    ),
}
LACKING_OPTIONS = {"mysql": "--disabled-storage-engines=MyISAM", "mariadb": "--skip-partition"}


class Elsewhere(NamedTuple):
    """Objects of one product that another cannot hold; the products are beginnings of their names."""

    source: str
    target: str
    statement: str
    reason: str
    objects: str


ELSEWHERE = (
    Elsewhere(
        "MySQL",
        "MariaDB",
        "CREATE TABLE later (c VARCHAR(9) COLLATE utf8mb4_0900_as_cs) COLLATE latin1_bin",
        "it has no collation utf8mb4_0900_as_cs",
        "table odd.later",
    ),
    Elsewhere(
        "M",
        "MariaDB 10.11",
        "CREATE TABLE x (v VECTOR(3)) COLLATE latin1_bin",
        "it has no type VECTOR",
        "table odd.x",
    ),
    Elsewhere("MariaDB", "MySQL", "CREATE TABLE u (u UUID) COLLATE latin1_bin", "it has no type UUID", "table odd.u"),
    Elsewhere("MariaDB", "MySQL", "CREATE SEQUENCE s", "it has no objects of this kind", "sequence odd.s"),
    Elsewhere(
        "MariaDB",
        "MySQL",
        "CREATE TABLE a (id INT) ENGINE = Aria COLLATE latin1_bin",
        "it has no engine Aria: install its plugin",
        "table odd.a",
    ),
)


class Servers(NamedTuple):
    """A server with a database ``limited``, an empty server, and the dump of the first.

    ``path`` is where programs are searched without those of the product.
    """

    product: Product
    source: DatabaseServer
    target: DatabaseServer
    dumped: Dumped
    folder: Path
    path: str

    def dump(self, *statements: str) -> Dumped:
        """Dump a database ``odd`` that *statements* fill."""
        self.source.execute(
            "DROP DATABASE IF EXISTS odd", "CREATE DATABASE odd COLLATE latin1_bin", "USE odd", *statements
        )
        return Dumped(self.source, Path(tempfile.mkdtemp(dir=self.folder)), ("odd",))


@pytest.fixture(scope="module", params=PRODUCTS, ids=[one.name.replace(" ", "-") for one in PRODUCTS])
def servers(request: pytest.FixtureRequest) -> Iterator[Servers]:
    product: Product = request.param
    path = os.environ["PATH"]
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="vex-") as name,
        product.server(Path(name) / "source", options=encrypting(product, Path(name))) as source,
        product.server(Path(name) / "target", options=["--max-heap-table-size=16K"]) as target,
    ):
        use_tools(patch, product, "0.10")
        folder = Path(name)
        # The account of a scratch server must be able to enter it.
        folder.chmod(0o711)
        (folder / "dump").mkdir()
        kind = product_of(source)
        source.execute(
            f"CREATE DATABASE {LIMITED}",
            f"USE {LIMITED}",
            *TABLES,
            f"CREATE TABLE paged (id INT PRIMARY KEY) {WITH_PAGES[kind]}",
            f"SET SESSION {RECURSIONS[kind]} = 9000",
            IN_MEMORY,
        )
        yield Servers(product, source, target, Dumped(source, folder / "dump", (LIMITED,)), folder, path)


def encrypting(product: Product, folder: Path) -> list[str]:
    """Return the options of a server that encrypts tables, where the packages have its plugin."""
    if product.release is not debian.MARIADB:
        return []
    keys = folder / "keys"
    keys.write_text(f"1;{'0f' * 16}\n", encoding="ascii")
    return ["--plugin-load-add=file_key_management", f"--file-key-management-filename={keys}"]


def product_of(server: DatabaseServer) -> str:
    return "mysql" if isinstance(server, MySQL) else "mariadb"


def refused(dumped: Dumped, target: DatabaseServer, *reasons: str) -> None:
    """Check that a server is refused for these reasons, and that nothing was written."""
    before = target.execute("SHOW DATABASES")
    for check_mode in (True, False):
        message = str(dumped.refusal(TargetUnfit, target, check_mode=check_mode))
        found = message.partition(" cannot hold the backup: ")[2].partition(". Nothing was changed")[0]
        assert sorted(found.split("; ")) == sorted(reasons)
    assert target.execute("SHOW DATABASES") == before


def test_settings_that_no_session_can_change(servers: Servers) -> None:
    for wrong in SETTINGS[product_of(servers.source)]:
        servers.target.execute(f"SET GLOBAL {wrong.name} = {wrong.value}")
        named = ", ".join(f"table {LIMITED}.{name}" for name in wrong.tables)
        refused(servers.dumped, servers.target, f"{wrong.reason}: {wrong.remedy} ({named})")
        servers.target.execute(wrong.remedy)
    # The remedies help, and the limit of MEMORY tables is no obstacle.
    assert servers.dumped.run(servers.target)["restore_warnings"] == []
    # The comparison prints long values.
    servers.target.execute("SET GLOBAL max_allowed_packet = 67108864")
    found = []
    for server in (servers.source, servers.target):
        with contextlib.closing(server.connect()) as connection:
            found.append(contents(connection, (LIMITED,)))
    assert differences(*found) == []
    servers.target.execute(f"DROP DATABASE {LIMITED}")


def test_one_table_needs_only_what_it_needs_itself(servers: Servers) -> None:
    servers.target.execute("SET GLOBAL max_allowed_packet = 1048576")
    servers.dumped.refusal(TargetUnfit, servers.target, database=LIMITED, table="long_row")
    servers.dumped.run(servers.target, database=LIMITED, table="keyless", check_mode=True)
    servers.target.execute("SET GLOBAL max_allowed_packet = 67108864")


def test_a_proof_runs_with_the_limits_of_the_dumped_server(servers: Servers) -> None:
    """It has no more than that one, except for tablespaces and engines."""
    manifest = json.loads((servers.dumped.path / "manifest.json").read_text(encoding="utf-8"))
    limits: dict[str, str] = manifest["server"]["limits"]
    before, tables = [], ["CREATE TABLE plain (id INT)"]
    if isinstance(servers.source, MySQL):
        before = [
            "CREATE TABLESPACE `a b` ADD DATAFILE 'ab.ibd'",
            "CREATE TABLESPACE small ADD DATAFILE 'small.ibd' FILE_BLOCK_SIZE = 8192",
        ]
        tables = [
            "CREATE TABLE one (id INT PRIMARY KEY) TABLESPACE `a b`",
            "CREATE TABLE two (id INT PRIMARY KEY) TABLESPACE small ROW_FORMAT = COMPRESSED KEY_BLOCK_SIZE = 8",
        ]
    elif servers.product.release is not None:
        before = ["INSTALL SONAME 'ha_archive'"]
        tables = ["CREATE TABLE old (id INT) ENGINE = ARCHIVE", "INSERT INTO old VALUES (1)"]
    servers.source.execute("SELECT 1", *before)
    special = servers.dump(*tables)
    with scratch_server(servers.source, servers.folder, limits) as server:
        for name in set(limits) - {"max_heap_table_size"}:
            assert server.execute(f"SELECT @@GLOBAL.{name}") == servers.source.execute(f"SELECT @@GLOBAL.{name}")
        for dumped in (servers.dumped, special):
            assert dumped.run(server, make_definers=True)["restore_warnings"] == []


def test_smaller_pages_and_small_letters(servers: Servers) -> None:
    dumped = servers.dump(
        "CREATE TABLE narrow (id INT PRIMARY KEY, t LONGTEXT, w VARCHAR(180) CHARACTER SET utf8mb4, KEY (w))",
        "CREATE TABLE long_key (id INT, k VARCHAR(250) CHARACTER SET utf8mb4 PRIMARY KEY)",
        f"CREATE TABLE wide ({', '.join(f'c{number} CHAR(100)' for number in range(30))}) CHARACTER SET latin1",
        "CREATE TABLE Orders (id INT)",
        "CREATE TABLE orders (id INT)",
    )
    with scratch_server(
        servers.source, servers.folder, {"innodb_page_size": "4096"}, lower_case_table_names=1
    ) as server:
        refused(
            dumped,
            server,
            "its innodb_page_size is 4096, and keys or rows may need 8192 (table odd.long_key, table odd.wide)",
            "its lower_case_table_names is 1, so that these have the same name (table odd.Orders, table odd.orders)",
        )
        dumped.run(server, database="odd", table="narrow")


def test_what_a_server_lacks(servers: Servers) -> None:
    """Another server of the same product, without some plugins and with other options."""
    tables = LACKING[product_of(servers.source)]
    lacking = [one for one in tables if one.release in (None, servers.product.release)]
    servers.source.execute("SELECT 1", *(statement for one in lacking for statement in one.before))
    dumped = servers.dump(*(f"CREATE TABLE {one.table}" for one in lacking))
    options = [LACKING_OPTIONS[product_of(servers.source)]]
    with servers.product.server(servers.folder / "lacking", options=options) as target:
        refused(dumped, target, *(f"{one.reason} (table odd.{one.table.split()[0]})" for one in lacking))


@pytest.mark.parametrize("name", ["MariaDB 10.11", "MySQL 9.7"])
def test_what_another_product_lacks(servers: Servers, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another product, or an earlier release of it."""
    if servers.product.name == name:
        pytest.skip("this is the same product")
    product = next(one for one in PRODUCTS if one.name == name)
    lacking = [one for one in ELSEWHERE if servers.product.name.startswith(one.source) and name.startswith(one.target)]
    dumped = servers.dump(*(one.statement for one in lacking))
    monkeypatch.setenv("PATH", servers.path)
    use_tools(monkeypatch, product, "0.10")
    with product.server(servers.folder / name) as target:
        refused(dumped, target, *(f"{one.reason} ({one.objects})" for one in lacking))


PLAIN = (
    "SET NAMES utf8mb4 COLLATE utf8mb4_general_ci",
    "CREATE TABLE old (w VARCHAR(9) CHARACTER SET utf8 COLLATE utf8_general_ci) CHARACTER SET latin1",
    "INSERT INTO old VALUES ('ção')",
    "CREATE TABLE tree (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES tree (id)) COLLATE utf8mb4_bin",
    "CREATE VIEW both_of_them AS SELECT up, HEX(w) FROM old LEFT JOIN tree ON TRUE",
)


@pytest.mark.parametrize("name", [one.name for one in PRODUCTS])
def test_any_product_takes_plain_tables(servers: Servers, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    product = next(one for one in PRODUCTS if one.name == name)
    dumped = servers.dump("ALTER DATABASE COLLATE utf8mb4_general_ci", *PLAIN)
    monkeypatch.setenv("PATH", servers.path)
    use_tools(monkeypatch, product, "0.10")
    with product.server(servers.folder / f"plain {name}") as target:
        dumped.run(target)
        assert target.execute("SELECT * FROM odd.both_of_them") == ((None, "C3A7C3A36F"),)
