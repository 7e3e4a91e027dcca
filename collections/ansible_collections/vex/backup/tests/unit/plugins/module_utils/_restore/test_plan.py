# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the plan of a restore, and of the files that it needs."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestUnusable, OptionError
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Program
from ansible_collections.vex.backup.plugins.module_utils._restore.files import placed_files, wanted_files
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import (
    DatabaseRestore,
    RestorePlan,
    read_plan,
)
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, MODERN

SHOP = {
    "name": "shop",
    "directory": "dump/shop",
    "tables": [{"name": "a", "rows": 3, "sha256": ""}, {"name": "b", "rows": None, "sha256": None}],
    "views": ["v"],
    "programs": [{"kind": "PROCEDURE", "name": "p"}, {"kind": "TRIGGER", "name": "g"}],
    "mysqldump": "",
}
OLD = {"name": "old", "directory": "dump/old", "tables": ["t"], "views": [], "programs": [], "mysqldump": "why"}
MANIFEST = {
    "tools": {"mydumper": "0.10.1"},
    "mode": "individual",
    "compression": "zstd",
    "dump_bytes": 100,
    "databases": [SHOP, OLD],
}
NAMES = [
    "metadata",
    "shop-schema-create.sql",
    "shop.a-schema.sql",
    "shop.a.sql",
    "shop.a.00001.sql",
    "shop.aa.sql",
    "shop.v-schema.sql",
    "shop.v-schema-view.sql",
    "shopping-schema-create.sql",
    "shopping.a.sql",
]


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
    assert plan == RestorePlan(plan.databases, LEGACY, shared=False, compression="zstd", dump_bytes=100)
    assert plan.databases == [
        DatabaseRestore(
            name="shop",
            target="shop",
            directory="dump/shop",
            table=None,
            tables={"a": 3, "b": None},
            views=["v"],
            programs=[Program("PROCEDURE", "p"), Program("TRIGGER", "g")],
            by_client=False,
        ),
        DatabaseRestore("old", "old", "dump/old", None, {"t": None}, [], [], by_client=True),
    ]


def test_one_database_or_one_table(tmp_path: pathlib.Path) -> None:
    (one,) = plan_of(tmp_path, MANIFEST, "shop", "before").databases
    assert (one.name, one.target, one.views) == ("shop", "before", ["v"])
    (one,) = plan_of(tmp_path, MANIFEST, "shop", None, "a").databases
    assert (one.target, one.tables, one.views) == ("shop", {"a": 3}, [])
    assert one.programs == [Program("TRIGGER", "g")]


@pytest.mark.parametrize(
    ("database", "target", "table", "message"),
    [
        ("none", None, None, "the backup holds no database 'none': choose one of 'shop', 'old'"),
        (None, "x", None, "set database too"),
        (None, None, "a", "set database too"),
        ("shop", "MySQL", None, "a system database of the server"),
        ("shop", None, "v", r"shop.v is a view: choose a table of the backup \(a, b\)"),
        ("shop", None, "x", "shop.x is not in the backup"),
    ],
)
def test_options_that_cannot_work(
    tmp_path: pathlib.Path, database: t.Optional[str], target: t.Optional[str], table: t.Optional[str], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        plan_of(tmp_path, MANIFEST, database, target, table)


@pytest.mark.parametrize("manifest", [{}, [], "x", {**MANIFEST, "databases": [{}]}])
def test_a_manifest_that_cannot_be_read(tmp_path: pathlib.Path, manifest: t.Any) -> None:
    with pytest.raises(ManifestUnusable, match="cannot be read"):
        plan_of(tmp_path, manifest)


@pytest.mark.parametrize(
    ("changes", "table", "expected"),
    [
        ({}, None, NAMES),
        ({"mode": "instance"}, None, NAMES[:8]),
        ({}, "a", NAMES[:5]),
        ({"tools": {"mydumper": "1.0.1"}}, "a", NAMES),
    ],
)
def test_the_files_of_a_database_or_table(
    tmp_path: pathlib.Path, changes: t.Dict[str, t.Any], table: t.Optional[str], expected: t.List[str]
) -> None:
    plan = plan_of(tmp_path, {**MANIFEST, **changes}, "shop", None, table)
    assert wanted_files(NAMES, plan, plan.databases[0]) == expected


def test_views_of_0_10_have_a_directory_of_their_own(tmp_path: pathlib.Path) -> None:
    plan = plan_of(tmp_path, MANIFEST, "shop")
    assert plan.generation == LEGACY
    placed = placed_files(NAMES, plan)
    assert "shop.v-schema.sql" not in placed
    assert {name for name, place in placed.items() if place == "views"} == {"shop.v-schema-view.sql"}
    newer = plan._replace(generation=MODERN)
    assert set(placed_files(NAMES, newer)) == set(NAMES)
    assert set(placed_files(NAMES, newer).values()) == {"tables"}
