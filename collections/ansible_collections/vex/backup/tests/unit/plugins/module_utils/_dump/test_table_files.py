# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files that hold the rows of each table; those of MyDumper 0.20 and later are from a capture of 1.0.1."""

from __future__ import annotations

import hashlib
import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump.chunk_compression import CompressedChunk
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan, Plan
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count
from ansible_collections.vex.backup.plugins.module_utils._dump.table_files import (
    Table,
    count_tables,
    data_files,
    find_table_files,
)
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


def tables_of(
    folder: pathlib.Path, plan: Plan, chunks: t.Optional[t.Dict[str, CompressedChunk]] = None
) -> t.Dict[str, t.List[Table]]:
    files = find_table_files(str(folder), plan)
    counters = {name: new() for name, new in files.new_counters.items() if name not in (chunks or {})}
    for name, counter in counters.items():
        counter.update((folder / name).read_bytes())
    return count_tables(files, counters, chunks or {})


def test_data_files_by_the_stem_of_their_names() -> None:
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
    tables = tables_of(tmp_path, plan(LEGACY, "individual", shop, odd))
    assert tables["shop"] == [
        {"name": "empty", "rows": 0, "sha256": EMPTY},
        {"name": "t", "rows": 1, "sha256": hashlib.sha256(ONE_ROW).hexdigest()},
    ]
    assert [(table["name"], table["rows"]) for table in tables["odd"]] == [("a.b", 2), ("none", 0)]


def test_table_in_chunks_is_one_table(tmp_path: pathlib.Path) -> None:
    files = {"shop.t-schema.sql": b"", "shop.t.00001.sql": ONE_ROW, "shop.t.00002.sql.zst": b""}
    write(tmp_path / "shop" / "tables", files)
    shop = database("shop", "t")
    # The compressed chunk was counted during the dump.
    chunks = {"shop/tables/shop.t.00002.sql": CompressedChunk(9, Count(2, "1f"))}
    tables = tables_of(tmp_path, plan(LEGACY, "individual", shop), chunks)
    digests = hashlib.sha256(files["shop.t.00001.sql"]).hexdigest() + "1f"
    digest = hashlib.sha256(digests.encode()).hexdigest()
    assert tables == {"shop": [{"name": "t", "rows": 3, "sha256": digest}]}


def test_one_snapshot_of_several_databases(tmp_path: pathlib.Path) -> None:
    files = {"a.t-schema.sql": b"", "b.t-schema.sql": b"", "b.t.sql": ONE_ROW}
    write(tmp_path / "+instance" / "tables", files)
    a, b = database("a", "t"), database("b", "t")
    tables = tables_of(tmp_path, plan(LEGACY, "instance", a, b))
    assert [tables[name][0]["rows"] for name in ("a", "b")] == [0, 1]


@pytest.mark.parametrize("mode", ["individual", "instance"])
def test_aliases_are_resolved_where_one_database_was_dumped(tmp_path: pathlib.Path, mode: str) -> None:
    metadata = (FIXTURES / "v1-weird.metadata").read_bytes()
    rows = b"INSERT INTO `a b` VALUES(1)\n,(2)\n;\n"
    files = {"metadata": metadata, "mydumper_0.a b.00000.sql": rows, "shop.customers.00000.sql": rows}
    place = "+instance" if mode == "instance" else "we ird-é"
    write(tmp_path / place / "tables", files)
    odd, shop, alias = database("we ird-é", "a b"), database("shop", "customers"), database("mydumper_0", "a b")
    databases = [odd] if mode == "individual" else [odd, shop, alias]
    tables = tables_of(tmp_path, plan(MODERN, mode, *databases))
    found = {one.name: [table["rows"] for table in tables[one.name]] for one in databases}
    assert (
        found
        == {
            "individual": {"we ird-é": [2]},
            "instance": {"we ird-é": [None], "shop": [2], "mydumper_0": [None]},
        }[mode]
    )
