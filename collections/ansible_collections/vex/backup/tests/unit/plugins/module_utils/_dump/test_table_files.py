# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which files hold which table's rows; what MyDumper 0.20 and later writes is from a capture of 1.0.1."""

from __future__ import annotations

import hashlib
import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan, Plan
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count
from ansible_collections.vex.backup.plugins.module_utils._dump.table_files import Contents, data_files
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Objects, Server
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, MODERN, Version

FIXTURES = pathlib.Path(__file__).parent.parent / "_tools" / "fixtures" / "mydumper"
EMPTY = hashlib.sha256(b"").hexdigest()
ONE_ROW = b"INSERT INTO `t` VALUES\n(1);\n"


def database(name: str, *tables: str, reason: str = "") -> DatabasePlan:
    return DatabasePlan(name, name, Objects(tables, [], [], [], [], [], 0), reason, [])


def plan(generation: str, mode: str, *databases: DatabasePlan) -> Plan:
    server = Server("mariadb", "10.11", (10, 11, 0), "root@localhost", "one", True)
    return Plan(server, mode, databases, "mydumper", Version("x", generation), None)


def write(folder: pathlib.Path, files: t.Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def read(contents: Contents, folder: pathlib.Path) -> None:
    for part in contents.parts:
        assert part.tally
        part.tally.update((folder / part.file).read_bytes())


def test_files_go_to_the_table_whose_name_they_begin_with() -> None:
    names = [
        "d.t.sql",
        "d.7.00001.sql",
        "d.7.00000.sql",
        "d.7.00001.00002.sql",
        "d.t-schema.sql",
        "d.t.txt",
        "metadata",
    ]
    assert data_files({"d.t", "d.7", "d.empty"}, names) == {
        "d.t": ["d.t.sql"],
        "d.7": ["d.7.00000.sql", "d.7.00001.00002.sql", "d.7.00001.sql"],
        "d.empty": [],
    }


def test_tables_of_mydumper_0_10_and_of_mysqldump(tmp_path: pathlib.Path) -> None:
    schemas = {f"shop.{table}-schema.sql": b"" for table in ("empty", "t")}
    write(tmp_path / "shop" / "tables", {**schemas, "shop.t.sql": ONE_ROW, "metadata": b""})
    write(tmp_path / "odd", {"database.sql": b"INSERT INTO `a.b` VALUES (1),(2);\n"})
    shop, odd = database("shop", "dropped", "empty", "t"), database("odd", "a.b", "none", reason="its name")
    contents = Contents(str(tmp_path), plan(LEGACY, "individual", shop, odd), {})
    read(contents, tmp_path)
    assert contents.tables(shop) == [
        {"name": "empty", "rows": 0, "sha256": EMPTY},
        {"name": "t", "rows": 1, "sha256": hashlib.sha256(ONE_ROW).hexdigest()},
    ]
    assert [(table["name"], table["rows"]) for table in contents.tables(odd)] == [("a.b", 2), ("none", 0)]


def test_a_table_in_pieces_is_one_table(tmp_path: pathlib.Path) -> None:
    files = {"shop.t-schema.sql": b"", "shop.t.00001.sql": ONE_ROW, "shop.t.00002.sql.zst": b""}
    write(tmp_path / "shop" / "tables", files)
    shop = database("shop", "t")
    # The one that is compressed was counted before.
    known = {"shop/tables/shop.t.00002.sql": Count(2, "1f")}
    contents = Contents(str(tmp_path), plan(LEGACY, "individual", shop), known)
    read(contents, tmp_path)
    assert [part.file for part in contents.parts] == ["shop/tables/shop.t.00001.sql"]
    digests = hashlib.sha256(files["shop.t.00001.sql"]).hexdigest() + "1f"
    digest = hashlib.sha256(digests.encode()).hexdigest()
    assert contents.tables(shop) == [{"name": "t", "rows": 3, "sha256": digest}]


def test_one_snapshot_holds_several_databases(tmp_path: pathlib.Path) -> None:
    files = {"a.t-schema.sql": b"", "b.t-schema.sql": b"", "b.t.sql": ONE_ROW}
    write(tmp_path / "+instance" / "tables", files)
    a, b = database("a", "t"), database("b", "t")
    contents = Contents(str(tmp_path), plan(LEGACY, "instance", a, b), {})
    read(contents, tmp_path)
    assert [contents.tables(one)[0]["rows"] for one in (a, b)] == [0, 1]


@pytest.mark.parametrize("mode", ["individual", "instance"])
def test_aliases_of_newer_ones_are_resolved_where_they_can_be(tmp_path: pathlib.Path, mode: str) -> None:
    metadata = (FIXTURES / "v1-weird.metadata").read_bytes()
    rows = b"INSERT INTO `a b` VALUES(1)\n,(2)\n;\n"
    files = {"metadata": metadata, "mydumper_0.a b.00000.sql": rows, "shop.customers.00000.sql": rows}
    place = "+instance" if mode == "instance" else "we ird-é"
    write(tmp_path / place / "tables", files)
    odd, shop, alias = database("we ird-é", "a b"), database("shop", "customers"), database("mydumper_0", "a b")
    databases = [odd] if mode == "individual" else [odd, shop, alias]
    contents = Contents(str(tmp_path), plan(MODERN, mode, *databases), {})
    read(contents, tmp_path)
    found = {one.name: [table["rows"] for table in contents.tables(one)] for one in databases}
    assert (
        found
        == {
            "individual": {"we ird-é": [2]},
            "instance": {"we ird-é": [None], "shop": [2], "mydumper_0": [None]},
        }[mode]
    )
