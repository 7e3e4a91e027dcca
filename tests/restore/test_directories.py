"""Tables whose files are in directories of their own: a restore puts them into the server's, and says so."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.restore.cells import Product, use_tools
from tests.restore.dumping import Dumped
from tests.restore.scratching import scratch_server
from tests.servers.database_server import DatabaseServer

PLACED = "placed"
OF_ANY = {
    "own": "(id INT PRIMARY KEY, w TEXT) DATA DIRECTORY = '{}' COMMENT = 'it''s DATA DIRECTORY=''/nowhere'''",
    "parts": (
        "(id INT PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (5) DATA DIRECTORY = '{}',"
        " PARTITION z VALUES LESS THAN MAXVALUE COMMENT = ' DATA DIRECTORY = ''/nowhere''')"
    ),
    "subparts": (
        "(id INT PRIMARY KEY) PARTITION BY RANGE (id) SUBPARTITION BY HASH (id) (PARTITION a VALUES LESS THAN MAXVALUE"
        " (SUBPARTITION s DATA DIRECTORY = '{}', SUBPARTITION t))"
    ),
    "isam": "(id INT PRIMARY KEY) ENGINE = MyISAM DATA DIRECTORY = '{}' INDEX DIRECTORY = '{}'",
}
OF_MARIADB = {
    "aria": "(id INT PRIMARY KEY) ENGINE = Aria DATA DIRECTORY = '{}' INDEX DIRECTORY = '{}'",
    "isam_parts": (
        "(id INT PRIMARY KEY) ENGINE = MyISAM PARTITION BY HASH (id)"
        " (PARTITION a DATA DIRECTORY = '{}' INDEX DIRECTORY = '{}', PARTITION z)"
    ),
}


class Placed(NamedTuple):
    """A server with tables in *directory*, their names, and the dump of them."""

    server: DatabaseServer
    directory: Path
    tables: list[str]
    dumped: Dumped

    @property
    def files(self) -> list[Path]:
        """The files in the directory, without those of a restore into another database."""
        return sorted(self.directory.rglob("*"))


@pytest.fixture(scope="module")
def placed(product: Product) -> Iterator[Placed]:
    with tempfile.TemporaryDirectory(prefix="vex-") as name, pytest.MonkeyPatch.context() as patch:
        use_tools(patch, product, "0.10")
        Path(name).chmod(0o711)
        directory = Path(name) / "else where"
        directory.mkdir()
        is_mysql = product.name.startswith("MySQL")
        tables = OF_ANY if is_mysql else {**OF_ANY, **OF_MARIADB}
        with product.server(Path(name) / "source", options=product.directories(str(directory))) as server:
            server.execute(f"CREATE DATABASE {PLACED}", f"USE {PLACED}", "CREATE TABLE plain (id INT)")
            for table, text in tables.items():
                server.execute(
                    f"USE {PLACED}",
                    f"CREATE TABLE {table} {text.replace('{}', str(directory))}",
                    f"INSERT INTO {table} (id) VALUES (1), (2)",
                )
            yield Placed(server, directory, sorted(tables), Dumped(server, Path(name), (PLACED,)))


def test_a_copy_on_the_same_server_shares_no_file(placed: Placed) -> None:
    before = placed.files
    assert before
    placed.server.execute("FLUSH BINARY LOGS")
    log = placed.server.execute("SHOW BINARY LOGS")[-1][0]
    result = placed.dumped.run(placed.server, database=PLACED, target="copy")
    assert placed.files == before
    # A replica would execute the same statements.
    logged = [str(event) for event in placed.server.execute(f"SHOW BINLOG EVENTS IN '{log}'")]
    assert any("CREATE TABLE `parts`" in event for event in logged)
    assert [event for event in logged if str(placed.directory) in event] == []
    assert result["status"] == 2
    for name, warning in zip(placed.tables, sorted(result["restore_warnings"]), strict=True):
        assert f"table copy.{name} is in the server's data directory, and not in {placed.directory}" in warning
    for name in placed.tables:
        assert placed.server.execute(f"SELECT id FROM copy.{name} ORDER BY id") == ((1,), (2,))
    # The comments are as they were.
    shown = placed.server.execute("SHOW CREATE TABLE copy.own")[0][1]
    assert "COMMENT='it''s DATA DIRECTORY=''/nowhere'''" in shown


def test_a_replaced_table_leaves_the_directory(placed: Placed, product: Product, tmp_path: Path) -> None:
    with product.server(tmp_path / "target", options=placed.server.options) as target:
        placed.dumped.run(target)
        assert placed.dumped.run(target, overwrite=True)["status"] == 2
        only = placed.dumped.run(target, database=PLACED, table="own", overwrite=True)
    assert [text.split()[1] for text in only["restore_warnings"]] == [f"{PLACED}.own"]


def test_a_proof_is_not_about_places(placed: Placed) -> None:
    before = placed.files
    with scratch_server(placed.server, placed.directory.parent, {}) as server:
        result = placed.dumped.run(server, make_definers=True)
    assert (result["status"], result["restore_warnings"]) == (1, [])
    assert placed.files == before


def test_the_commands_of_the_manifest_leave_them_out(placed: Placed, product: Product, tmp_path: Path) -> None:
    before = placed.files
    shutil.copytree(placed.dumped.path, tmp_path / placed.dumped.path.name)
    manifest = json.loads((placed.dumped.path / "manifest.json").read_text(encoding="utf-8"))
    with product.server(tmp_path / "target", options=placed.server.options) as target:
        login = f"[client]\nsocket={target.socket}\nuser=root\n"
        (tmp_path / "LOGIN.cnf").write_text(login, encoding="utf-8")
        subprocess.run(["sh", "-e", "-c", "\n".join(manifest["restore"])], cwd=tmp_path, check=True)
        for name in placed.tables:
            assert target.execute(f"SELECT id FROM {PLACED}.{name} ORDER BY id") == ((1,), (2,))
    assert placed.files == before
