# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifest of a dump, and the commands in it. tests/integration/test_round_trip.py runs them."""

from __future__ import annotations

import dataclasses
import datetime
import json
import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump.manifest import (
    Dumped,
    dump_manifest,
    restore_commands,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan, Plan, TablePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count
from ansible_collections.vex.backup.plugins.module_utils._dump.run_tools import DumpResult
from ansible_collections.vex.backup.plugins.module_utils._dump.table_files import DumpedTable
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import DatabaseDump
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import Definition
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import BinlogPosition, Program
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._dump.fake_server import dump_request, make_plan
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.made_tables import make_table

POSITION = BinlogPosition("binlog.000001", "42", "0-1-9")
SHOP = DatabasePlan(
    "we ird",
    "we%20ird",
    [TablePlan(make_table("t"), ""), TablePlan(make_table("é"), "the name 'é'"), TablePlan(make_table("empty"), "")],
    ["v"],
    [Program("TRIGGER", "g")],
)
DUMP = DatabaseDump(
    SHOP,
    {"t": ["tables/we.t.00000.sql", "tables/we.t.00000.00001.sql"], "é": ["exact/%C3%A9.00000.sql"], "empty": []},
    "utf8mb4_bin",
    [
        Definition(kind, name, [], [b"x ENGINE=X"])
        for kind, name in [("DATABASE", "we ird"), ("TABLE", "t"), ("VIEW", "v"), ("TRIGGER", "g")]
    ],
    {"t": {"sampled": 2}, "é": {"sampled": 1}, "empty": {"sampled": 0}},
    POSITION,
)
EMPTY = DatabaseDump(
    DatabasePlan("empty", "empty", [], [], []), {}, "x", [Definition("DATABASE", "empty", [], [b"x"])], {}, None
)
NOON = datetime.datetime(2026, 1, 2, 12, 0, 0)


def manifest(
    accounts: t.Sequence[str] = (), server_objects: t.Sequence[str] = (), **options: t.Any
) -> t.Dict[str, t.Any]:
    request = dataclasses.replace(dump_request(pathlib.Path("/w/backup_20260102_120000")), **options)
    counts = {"t": [Count(2, "2f", ("id",), 9), Count(1, "1f", ("id",), 70000)], "é": [Count(1, "3f")], "empty": []}
    tables = [DumpedTable(plan, DUMP.files[plan.table.name], counts[plan.table.name], 70) for plan in SHOP.tables]
    result = DumpResult([DUMP, EMPTY], bytes=7)
    files: t.Any = [{"path": "dump/empty/database.sql", "size": 1, "sha256": "f"}]
    dumped = Dumped(make_plan(), result, NOON, NOON, {"we ird": tables, "empty": []}, files, accounts, server_objects)
    made = dump_manifest(request, dumped)
    assert json.loads(json.dumps(made)) == made
    return made


def test_manifest() -> None:
    made = manifest(run_uuid="u", hostname="db1", checksums="full")
    shop, empty = made["databases"]
    assert (made["format"], made["name"], made["status"], made["dump_bytes"]) == (2, "backup_20260102_120000", 1, 7)
    assert made["tools"] == {"mydumper": "0.10.1", "client": "mariadb 10.11.18"}
    assert made["fingerprint"] == "full"
    assert (shop["name"], shop["directory"], shop["collation"]) == ("we ird", "dump/we%20ird", "utf8mb4_bin")
    assert [(one["name"], one["rows"], one["exact"], one["fingerprint"]) for one in shop["tables"]] == [
        ("t", 3, "", {"sampled": 2}),
        ("é", 1, "the name 'é'", {"sampled": 1}),
        ("empty", 0, "", {"sampled": 0}),
    ]
    assert [one["files"] for one in shop["tables"]] == list(DUMP.files.values())
    assert [one["longest_statement"] for one in shop["tables"]] == [70000, 0, 0]
    assert [one["bytes"] for one in shop["tables"]] == [70, 70, 70]
    assert made["server"]["limits"] == {"max_allowed_packet": "67108864"}
    assert [one["needs"] for one in shop["definitions"]] == [{}, {"engine": ["X"]}, {}, {}]
    assert (shop["views"], shop["programs"]) == (["v"], [{"kind": "TRIGGER", "name": "g"}])
    assert [(one["kind"], one["name"]) for one in shop["definitions"]] == [
        (one.kind, one.name) for one in DUMP.definitions
    ]
    assert len({one["sha256"] for one in shop["definitions"]}) == 4
    assert (shop["binlog"], empty["binlog"]) == (POSITION._asdict(), None)
    assert (empty["tables"], empty["views"], empty["programs"]) == ([], [], [])
    assert made["files"] == [{"path": "dump/empty/database.sql", "size": 1, "sha256": "f"}]
    assert made["accounts"] == []


def test_accounts_are_listed_and_restored_by_hand_as_an_option() -> None:
    made = manifest(accounts=["`a`@`%`"], compression="none")
    assert made["accounts"] == ["`a`@`%`"]
    *others, last = made["restore"]
    assert others == manifest(compression="none")["restore"]
    assert last.startswith("# mariadb --defaults-file=LOGIN.cnf ")
    assert last.endswith(" < backup_20260102_120000/dump/accounts.sql")


def test_objects_of_the_server_are_listed_and_restored_by_hand_as_an_option() -> None:
    made = manifest(accounts=["`a`@`%`"], server_objects=["server s"], compression="none")
    assert made["server_objects"] == ["server s"]
    *_others, before, last = made["restore"]
    assert before == last.replace("accounts.sql", "server_objects.sql")


@pytest.mark.parametrize(
    ("compression", "first"),
    [
        ("zstd", ["find backup/dump -name '*.zst' -exec zstd -q -d --rm -- {} +"]),
        ("gzip", ["find backup/dump -name '*.gz' -exec gzip -d -- {} +"]),
        ("none", []),
    ],
)
def test_commands_are_in_the_order_of_use(compression: str, first: t.List[str]) -> None:
    plan: Plan = make_plan()
    commands = restore_commands("backup", plan, [DUMP, EMPTY], compression)
    assert commands[: len(first)] == first
    rest = commands[len(first) :]
    places = [
        "we%20ird/database.sql",
        "empty/database.sql",
        "tables.sql",
        "/tables/*.sql",
        "/exact/*.sql",
        "views.sql",
        "triggers.sql",
    ]
    assert [place for command, place in zip(rest, places) if place in command] == places
    assert len(rest) == len(places)
    assert all(command.startswith("mariadb --defaults-file=LOGIN.cnf ") for command in rest if "for f" not in command)
    assert "--database='we ird'" in rest[2]
    assert "--default-character-set=binary" in rest[3]
    assert "--default-character-set=utf8mb4" in rest[4]
