# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""MyDumper 0.10: its file names, its metadata, and the repair of its schema files."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._mysql.server import BinlogPosition, TableNames
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper_0_10 import (
    finished_chunks,
    is_later_chunk,
    missing_schemas,
    parse_binlog_position,
    repair_schema,
)

LEGACY_METADATA = (
    "Started dump at: 2026-11-22 18:27:02\n"
    "SHOW MASTER STATUS:\n\tLog: binlog.000004\n\tPos: 1374\n\tGTID:{gtid}\n\n"
    "SHOW SLAVE STATUS:\n\tConnection name: x\n\tHost: 10.0.0.1\n\tLog: source-bin.000007\n\tPos: 4\n\tGTID:0-1-9\n\n"
    "Finished dump at: 2026-11-22 18:27:02\n"
)
GTIDS = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5,\n4e11fa47-71ca-11e1-9e33-c80aa9429562:1-7:9"


@pytest.mark.parametrize(
    ("written", "read"),
    [("0-7-226", "0-7-226"), ("", ""), ("(null)", ""), (GTIDS, GTIDS.replace("\n", ""))],
)
def test_binlog_position_is_that_of_the_server_itself(written: str, read: str) -> None:
    assert parse_binlog_position(LEGACY_METADATA.format(gtid=written)) == BinlogPosition("binlog.000004", "1374", read)


def test_binlog_position_without_a_gtid_line() -> None:
    text = "Started dump at: x\nSHOW MASTER STATUS:\n\tLog: my bin.000001\n\tPos: 106\n\nFinished dump at: x\n"
    assert parse_binlog_position(text) == BinlogPosition("my bin.000001", "106", "")


LEGACY_FILES = ["metadata", "shop.orders-schema.sql", "shop.v-schema.sql", "shop.v-schema-view.sql", "shop.orders.sql"]


@pytest.mark.parametrize(
    ("without", "missing"),
    [
        ("metadata", []),
        ("shop.orders-schema.sql", ["shop.orders"]),
        ("shop.v-schema.sql", ["shop.v"]),
        ("shop.v-schema-view.sql", ["shop.v"]),
    ],
)
def test_schema_files_have_the_names_of_tables(without: str, missing: t.List[str]) -> None:
    files = [name for name in LEGACY_FILES if name != without]
    assert missing_schemas({"shop": TableNames(["orders"], ["v"])}, set(files)) == missing


def test_chunk_is_finished_when_the_next_one_exists() -> None:
    names = [
        "metadata.partial",
        "d.one.00001.sql",
        "d.t-schema.sql",
        "d.t.00001.sql",
        "d.t.00002.sql",
        "d.t.00003.sql.zst",
        "d.u.00001.sql.zst",
        "d.u.00002.sql",
        "d.v\n.99999.sql",
        "d.v\n.100000.sql",
        "d.7.sql",
        "d.8.sql",
    ]
    assert sorted(finished_chunks(names)) == ["d.t.00001.sql", "d.v\n.99999.sql"]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("d.t.00002.sql", True), ("d.t.00001.sql", False), ("d.t.sql", False), ("d.t.00002.sql.zst", False)],
)
def test_later_chunks_by_name(name: str, is_one: bool) -> None:
    assert is_later_chunk(name) is is_one


def test_schema_file_is_repaired_to_utf_8() -> None:
    schema = b"/*!40101 SET NAMES binary*/;\nCREATE TABLE `t` (`c` text DEFAULT 'SET NAMES binary');\n"
    repaired = repair_schema(schema)
    assert repaired == schema.replace(b"binary*/", b"utf8mb4*/")
