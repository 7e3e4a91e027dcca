"""Random tables of every type of each server come back as they were, by each generation of MyDumper.

CONTRIBUTING.md says how to search with other tables than the ones that are always drawn.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pymysql
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from pymysql.cursors import Cursor

from ansible_collections.vex.backup.plugins.module_utils._dump import snapshot_reader
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError
from ansible_collections.vex.backup.plugins.module_utils._mysql.fingerprint import MOST_ROWS, take
from tests.restore.cells import GENERATIONS, PRODUCTS, Product, use_tools
from tests.restore.dumping import Dumped
from tests.restore.random_tables import SESSION, RandomDatabase, RandomTable, databases
from tests.restore.random_values import Facts, facts
from tests.servers.contents import contents, differences
from tests.servers.database_server import DatabaseServer
from tests.servers.definitions import quoted

# How many databases to search with; each run draws others.
SEARCHED = int(os.environ.get("VEX_RANDOM_DATABASES", "0"))
# Without a search, always the same few.
DRAWN = 3
TABLES = 16
# Said of large tables without a key.
NOT_SAMPLED = " is large and has no key: its rows were not compared"
DRAWING = settings(
    max_examples=SEARCHED or DRAWN,
    derandomize=not SEARCHED,
    database=None,
    deadline=None,
    # Fewer tables would not say more about a fault: the differences name the tables that have it.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


# Tables of every server that did not come back once.
KEPT = (
    RandomTable(
        "numbers of fixed places that a DECIMAL cannot hold",
        "(id INT PRIMARY KEY, a DOUBLE(255,30), b FLOAT(255,30))",
        "id, a, b",
        ("1, 1.7976931348623157e308, 3.4028234e38", "2, -1.23456789e200, -1e30", "3, 1e-30, 0"),
    ),
    RandomTable("fixed", "(id INT PRIMARY KEY, a DOUBLE(66,2))", "id, a", ("1, 1.7976931348623157e308", "2, -0.01")),
    RandomTable(
        "negative zeros",
        "(id INT PRIMARY KEY, f FLOAT, d DOUBLE, z DOUBLE ZEROFILL)",
        "id, f, d, z",
        ("1, -0e0, -0e0, -0e0", "2, 0, 0, 0"),
    ),
    RandomTable(
        "more characters than MySQL prints of computed numbers",
        "(id INT PRIMARY KEY, f FLOAT, d DOUBLE, z DOUBLE ZEROFILL)",
        "id, f, d, z",
        ("1, -1.1754944e-38, -1.2336237766807595e-124, 1.2336237766807595e-124",),
    ),
    RandomTable("0", "(`0` INT PRIMARY KEY, a INT) ENGINE = MyISAM", "`0`, a", ("2, 1", "1, 2", "3, 3")),
    RandomTable("(", "(`(` INT PRIMARY KEY) ENGINE = MyISAM", "`(`", ("2", "1")),
    RandomTable(
        "halves of surrogate pairs",
        "(k VARCHAR(9) CHARACTER SET ucs2 PRIMARY KEY)",
        "k",
        ("X'D83D'", "X'0061'", "X'DE02'"),
    ),
    RandomTable(
        "halves of surrogate pairs without a key",
        "(k VARCHAR(9) CHARACTER SET utf8mb4)",
        "k",
        ("X'EDA0BDEDB882'", "X'61'"),
    ),
    RandomTable(
        "bytes as defaults",
        "(id INT PRIMARY KEY, a VARBINARY(9) DEFAULT X'8300275C0AFF', b BINARY(3) DEFAULT X'83')",
        "id",
        ("1",),
    ),
    RandomTable("choices", "(e ENUM('', '?', 'a'), s SET('?', 'b'))", "e, s", ("1, 0", "2, 3", "0, 1", "NULL, NULL")),
)


class Pair(NamedTuple):
    """A server to dump, what it takes, an empty one to restore to, and a folder for dumps."""

    source: DatabaseServer
    known: Facts
    target: DatabaseServer
    folder: Path


class Taken:
    """The numbers of tables and rows that the source took and refused."""

    def __init__(self) -> None:
        self.tables = [0, 0]
        self.rows = [0, 0]

    def fill(self, server: DatabaseServer, database: RandomDatabase) -> None:
        """Create tables, without those, and without the rows, that the server refuses."""
        with contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(SESSION)
            cursor.execute(f"USE {quoted(database.name)}")
            for table in database.tables:
                if self._is_taken(cursor, table.create, self.tables):
                    for row in table.inserts:
                        self._is_taken(cursor, row, self.rows)

    def require_most(self) -> None:
        """Fail when too many tables or rows were refused for the test to prove something."""
        for count, refused in (self.tables, self.rows):
            assert count > refused, self

    def __repr__(self) -> str:
        return f"tables: {self.tables[0]}, refused: {self.tables[1]}; rows: {self.rows[0]}, refused: {self.rows[1]}"

    @staticmethod
    def _is_taken(cursor: Cursor, statement: str, counts: list[int]) -> bool:
        try:
            cursor.execute(statement)
        except pymysql.err.MySQLError:
            counts[1] += 1
            return False
        counts[0] += 1
        return True


@pytest.fixture(scope="module", params=PRODUCTS, ids=[one.name.replace(" ", "-") for one in PRODUCTS])
def servers(request: pytest.FixtureRequest) -> Iterator[tuple[Product, Pair]]:
    product: Product = request.param
    with (
        tempfile.TemporaryDirectory(prefix="vex-") as folder,
        product.server(Path(folder) / "source") as source,
        product.server(Path(folder) / "target") as target,
    ):
        yield product, Pair(source, facts(source), target, Path(folder))


@pytest.fixture(scope="module", params=GENERATIONS)
def pair(request: pytest.FixtureRequest, servers: tuple[Product, Pair]) -> Iterator[Pair]:
    product, found = servers
    with pytest.MonkeyPatch.context() as patch:
        use_tools(patch, product, request.param)
        yield found


def test_random_tables_come_back(pair: Pair) -> None:
    taken = Taken()

    @DRAWING
    @given(databases(pair.known, TABLES))
    def comes_back(database: RandomDatabase) -> None:
        require_no_faults(pair, database, taken)

    comes_back()
    taken.require_most()


@pytest.mark.parametrize("most_rows", [MOST_ROWS, 1])
def test_tables_that_failed_once_come_back(pair: Pair, most_rows: int) -> None:
    taken = Taken()
    require_no_faults(pair, RandomDatabase("kept", "", KEPT, most_rows), taken)
    assert taken.tables == [len(KEPT), 0]


def require_no_faults(pair: Pair, database: RandomDatabase, taken: Taken) -> None:
    """Fail with what a backup and a restore changed or wrongly reported, and with the tables that it names.

    Those can be kept in ``KEPT``.
    """
    found = faults(pair, database, taken)
    named = [table for table in database.tables if any(table.name in text for text in found)]
    assert not found, "\n".join([*found[:20], *map(repr, named)])


def faults(pair: Pair, database: RandomDatabase, taken: Taken) -> list[str]:
    """Return what a backup and a restore of a database changed or wrongly reported, a sentence each."""
    name = database.name
    servers = (pair.source, pair.target)
    folder = Path(tempfile.mkdtemp(dir=pair.folder))
    try:
        pair.source.execute(f"CREATE DATABASE {quoted(name)}{database.options}")
        taken.fill(pair.source, database)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(snapshot_reader, "take", functools.partial(take, most_rows=database.most_rows))
            dumped = Dumped(pair.source, folder, (name,), checksums=database.checksums)
        result = dumped.run(pair.target)
        held = []
        for server in servers:
            with contextlib.closing(server.connect()) as connection:
                held.append(contents(connection, (name,)))
        warnings = [text for text in result["restore_warnings"] if not text.endswith(NOT_SAMPLED)]
        return [*differences(*held), *dumped.warnings, *warnings]
    except BackupError as error:
        return [str(error), *error.details.get("differences", [])]
    finally:
        shutil.rmtree(folder)
        for server in servers:
            server.execute(f"DROP DATABASE IF EXISTS {quoted(name)}")
