# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the plan of a restore."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestUnusable, OptionError
from ansible_collections.vex.backup.plugins.module_utils._mysql.broken_tables import Broken
from ansible_collections.vex.backup.plugins.module_utils._mysql.limits import HEAP
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Program
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import (
    DatabaseRestore,
    RestorePlan,
    Source,
    TableRestore,
    read_plan,
)

FINGERPRINT = {"columns": [["id", "int", "", "", ""]], "sampled": 0}
SHOP = {
    "name": "shop",
    "directory": "dump/shop",
    "collation": "utf8mb4_bin",
    "tables": [
        {
            "name": "a",
            "engine": "InnoDB",
            "rows": 3,
            "longest_statement": 70001,
            "sha256": "",
            "files": ["tables/a.sql"],
            "exact": "",
            "schema_only": False,
            "fingerprint": FINGERPRINT,
        },
        {
            "name": "b",
            "engine": "MyISAM",
            "rows": 5,
            "sha256": "",
            "files": ["exact/b.sql"],
            "exact": "why",
            "schema_only": True,
            "fingerprint": FINGERPRINT,
        },
    ],
    "views": ["v"],
    "programs": [{"kind": "PROCEDURE", "name": "p"}, {"kind": "TRIGGER", "name": "g"}],
    "definitions": [
        {"kind": "VIEW", "name": "v", "sha256": "ab", "unusable": "why", "needs": {"packet": ["70000"]}},
        {"kind": "TABLE", "name": "a", "sha256": "cd", "needs": {"engine": ["InnoDB"]}},
    ],
    "left_out": ["c"],
    "broken": [
        {"kind": "TABLE", "name": "m", "reason": "of others", "is_lost": False},
        {"kind": "TABLE", "name": "x", "reason": "it crashed", "is_lost": True},
        {"kind": "PROCEDURE", "name": "q", "reason": "no syntax", "is_lost": True},
    ],
}
OLD = {
    **SHOP,
    "name": "old",
    "directory": "dump/old",
    "tables": [],
    "views": [],
    "programs": [],
    "definitions": [],
    "left_out": [],
    "broken": [],
}
MANIFEST = {
    "format": 2,
    "server": {"product": "mariadb", "version": "10.11.4-MariaDB", "lower_case_table_names": 0, "limits": {"x": "1"}},
    "fingerprint": "sample",
    "compression": "zstd",
    "dump_bytes": 100,
    "server_objects": ["server s"],
    "databases": [SHOP, OLD],
}
A = TableRestore("InnoDB", 3, ["tables/a.sql"], is_exact=False, fingerprint=FINGERPRINT, longest=70001)
B = TableRestore("MyISAM", 5, ["exact/b.sql"], is_exact=True, fingerprint=FINGERPRINT, schema_only=True)


def plan_of(
    path: pathlib.Path,
    manifest: t.Any,
    database: t.Optional[str] = None,
    target: t.Optional[str] = None,
    table: t.Optional[str] = None,
) -> RestorePlan:
    (path / "manifest.json").write_text(json.dumps(manifest))
    return read_plan(str(path / "manifest.json"), database=database, target=target, table=table)


def test_a_whole_backup(tmp_path: pathlib.Path) -> None:
    plan = plan_of(tmp_path, MANIFEST)
    source = Source("mariadb", "10.11.4-MariaDB", 0, {"x": "1"})
    assert plan == RestorePlan(
        plan.databases, source, compression="zstd", dump_bytes=100, accounts=[], server_objects=["server s"]
    )
    assert plan_of(tmp_path, MANIFEST, "shop").server_objects == []
    assert plan_of(tmp_path, {**MANIFEST, "accounts": ["`a`@`%`"]}).accounts == ["`a`@`%`"]
    assert plan.databases == [
        DatabaseRestore(
            name="shop",
            target="shop",
            directory="dump/shop",
            collation="utf8mb4_bin",
            table=None,
            tables={"a": A, "b": B},
            views=["v"],
            programs=[Program("PROCEDURE", "p"), Program("TRIGGER", "g")],
            digests={("VIEW", "v"): "ab", ("TABLE", "a"): "cd"},
            unusable={("VIEW", "v"): "why"},
            left_out=["c"],
            broken={
                ("TABLE", "m"): Broken("of others", is_lost=False),
                ("TABLE", "x"): Broken("it crashed", is_lost=True),
                ("PROCEDURE", "q"): Broken("no syntax", is_lost=True),
            },
            needs={("VIEW", "v"): {"packet": ["70000"]}, ("TABLE", "a"): {"engine": ["InnoDB"]}},
        ),
        DatabaseRestore("old", "old", "dump/old", "utf8mb4_bin", None, {}, [], [], {}, {}, [], {}, {}),
    ]
    assert plan.databases[0].missing == [
        "shop.c was left out of the backup by exclude_tables",
        "shop.m is not in the backup, because its server could not read it: of others",
        "shop.b is in the backup without rows, by schema_only_tables",
    ]


def test_tables_that_were_lost(tmp_path: pathlib.Path) -> None:
    shop, old = plan_of(tmp_path, MANIFEST).databases
    assert shop.lost == [
        "shop.x is not in the backup, because its server could not read it: it crashed",
        "procedure shop.q is not in the backup, because its server could not read it: no syntax",
    ]
    assert old.lost == []
    (one,) = plan_of(tmp_path, MANIFEST, "shop", None, "a").databases
    assert one.lost == []


def test_the_needs_of_objects(tmp_path: pathlib.Path) -> None:
    shop, _old = plan_of(tmp_path, MANIFEST).databases
    assert {key: shop.needs_of(*key) for key in shop.objects} == {
        ("VIEW", "v"): {"packet": ["70000"]},
        ("TABLE", "a"): {"engine": ["InnoDB"], "packet": ["70001"]},
    }
    (one,) = plan_of(tmp_path, MANIFEST, "shop", None, "a").databases
    assert one.objects == [("TABLE", "a")]


def test_one_database_or_one_table(tmp_path: pathlib.Path) -> None:
    (one,) = plan_of(tmp_path, MANIFEST, "shop", "before").databases
    assert (one.name, one.target, one.views) == ("shop", "before", ["v"])
    (one,) = plan_of(tmp_path, MANIFEST, "shop", None, "a").databases
    assert (one.target, one.tables, one.views) == ("shop", {"a": A}, [])
    assert one.programs == [Program("TRIGGER", "g")]


@pytest.mark.parametrize(
    ("database", "target", "table", "message"),
    [
        ("none", None, None, "the backup holds no database 'none': choose one of 'shop', 'old'"),
        (None, "x", None, "set database too"),
        (None, None, "a", "set database too"),
        ("shop", "MySQL", None, "a system database of the server"),
        ("shop", None, "v", r"shop.v is a view: choose a table of the backup \(a, b\)"),
        ("shop", None, "x", "shop.x is not in the backup, because its server could not read it"),
        ("shop", None, "y", r"shop.y is not in the backup: choose"),
    ],
)
def test_options_that_cannot_work(
    tmp_path: pathlib.Path, database: t.Optional[str], target: t.Optional[str], table: t.Optional[str], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        plan_of(tmp_path, MANIFEST, database, target, table)


@pytest.mark.parametrize(("number", "message"), [(1, "made by an earlier release"), (3, "made by a later release")])
def test_the_layout_of_another_release(tmp_path: pathlib.Path, number: int, message: str) -> None:
    with pytest.raises(ManifestUnusable, match=message):
        plan_of(tmp_path, {**MANIFEST, "format": number})


SERVER = {"product": "mysql", "version": "9", "lower_case_table_names": 0}
NO_NUMBER: t.Dict[str, t.Any] = {"kind": "TABLE", "name": "a", "sha256": "cd", "needs": {"packet": ["many"]}}


@pytest.mark.parametrize(
    "manifest",
    [
        {},
        [],
        "x",
        {**MANIFEST, "databases": [{}]},
        {**MANIFEST, "databases": [{**SHOP, "definitions": [NO_NUMBER]}]},
        {
            **MANIFEST,
            "server": {"product": "mysql", "version": "9", "lower_case_table_names": 0, "limits": {HEAP: "much"}},
        },
    ],
)
def test_a_manifest_that_cannot_be_read(tmp_path: pathlib.Path, manifest: t.Any) -> None:
    with pytest.raises(ManifestUnusable, match="cannot be read"):
        plan_of(tmp_path, manifest)
