# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The binlog position in MyDumper's metadata, and the schemas that a dump lacks."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.status import WARNING
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import BinlogPosition, TableNames
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import (
    decide,
    missing_schemas,
    parse_binlog_position,
)
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.captured_dumps import (
    FIXTURES,
    NEW,
    OLD,
    WHOLE,
)

LEGACY_METADATA = (
    "Started dump at: 2026-11-22 18:27:02\n"
    "SHOW MASTER STATUS:\n\tLog: binlog.000004\n\tPos: 1374\n\tGTID:{gtid}\n\n"
    "SHOW SLAVE STATUS:\n\tConnection name: x\n\tHost: 10.0.0.1\n\tLog: source-bin.000007\n\tPos: 4\n\tGTID:0-1-9\n\n"
    "Finished dump at: 2026-11-22 18:27:02\n"
)


def test_position_of_a_replicas_source_is_not_used() -> None:
    text = re.sub(r"SHOW MASTER.*?\n\n", "", LEGACY_METADATA, flags=re.DOTALL)
    assert "SHOW SLAVE STATUS" in text
    assert parse_binlog_position(text) is None
    outcome = decide(WHOLE._replace(metadata=text, binlog_enabled=True))
    assert outcome.status == WARNING


MODERN_SOURCES = {
    "0.14 to 0.19": "[master]\n# Channel_Name = ''\nFile = b.000017\nPosition = 241\nExecuted_Gtid_Set = u:1-9,v:1\n",
    "0.20": "[source]\n# Channel_Name = ''\nFile = b.000017\nPosition = 241\nExecuted_Gtid_Set = \"u:1-9,v:1\"\n",
    "1.0, given": '[source]\nexecuted_gtid_set = "u:1-9,v:1"\nSOURCE_LOG_FILE = "b.000017"\nSOURCE_LOG_POS = 241\n',
    "1.0": '[source]\n# executed_gtid_set = "u:1-9,v:1"\n# SOURCE_LOG_FILE = "b.000017"\n# SOURCE_LOG_POS = 241\n',
}
REPLICATION = '[replication]\n# SOURCE_LOG_FILE = "far.000001"\n# SOURCE_LOG_POS = 4\n# executed_gtid_set = "w:1"\n\n'


@pytest.mark.parametrize("source", MODERN_SOURCES.values(), ids=list(MODERN_SOURCES))
@pytest.mark.parametrize("replica_first", [False, True])
def test_binlog_position_is_that_of_the_server_itself(source: str, replica_first: bool) -> None:
    table = "[`a`.`b`]\nreal_table_name=b\nrows = 1\nfile = no.000001\nposition = 1\n"
    text = f"# Started dump at: x\n{REPLICATION if replica_first else ''}{source}\n{REPLICATION}{table}"
    assert parse_binlog_position(text) == BinlogPosition("b.000017", "241", "u:1-9,v:1")


@pytest.mark.parametrize(
    "text", [REPLICATION, "", '[source]\n# SOURCE_LOG_FILE = ""\n# SOURCE_LOG_POS = \n', "[master]\nFile = b.1\n"]
)
def test_metadata_without_a_binlog_position(text: str) -> None:
    assert parse_binlog_position(text) is None


def test_binlog_position_of_a_capture() -> None:
    assert parse_binlog_position((FIXTURES / "v1-clean.metadata").read_text(encoding="utf-8")) == BinlogPosition(
        "binlog.000001", "5433", "cea346f8-e69f-11f1-b405-3a5b2f7091c2:1-20"
    )


def test_aliases_of_a_capture_are_resolved() -> None:
    text = (FIXTURES / "v1-weird.metadata").read_text(encoding="utf-8")
    files = [
        "metadata",
        "shop-schema-create.sql",
        "shop.customers-schema.sql",
        "shop.log_myisam-schema.sql",
        "shop.v-schema.sql",
        "shop.v-schema-view.sql",
        "mydumper_0.a b-schema.sql",
    ]
    expected: t.Dict[str, TableNames] = {
        "shop": TableNames(["customers", "log_myisam"], ["v"]),
        "we ird-é": TableNames(["a b"], []),
    }
    assert missing_schemas(NEW, expected, files, text) == []
    # A view's placeholder is not counted as a table's schema file.
    assert missing_schemas(NEW, expected, [name for name in files if "customers" not in name], text) == [
        "1 of 3 tables"
    ]
    assert missing_schemas(NEW, expected, [name for name in files if "view" not in name], text) == ["1 of 1 views"]
    expected["shop"] = TableNames(["customers", "log_myisam", "orders"], ["v"])
    assert missing_schemas(NEW, expected, [*files, "shop.orders-schema.sql"], text) == ["shop.orders"]


def test_tables_of_the_same_name_in_two_databases() -> None:
    text = "[`a`.`t`]\nreal_table_name=t\nrows = 1\n"
    expected: t.Dict[str, TableNames] = {"a": TableNames(["t"], []), "b": TableNames(["t"], [])}
    assert missing_schemas(NEW, expected, ["a.t-schema.sql"], text) == ["b.t", "1 of 2 tables"]


def test_schemas_of_names_with_spaces_and_of_sequences() -> None:
    text = "[`a`.`mydumper_0`]\nreal_table_name= t \nrows = 1\n\n[`a`.`s`]\nreal_table_name=s\nis_sequence = 1\n"
    files = ["a.mydumper_0-schema.sql", "a.s-schema-sequence.sql"]
    assert missing_schemas(NEW, {"a": TableNames([" t ", "s"], [])}, files, text) == []


def test_files_and_metadata_of_0_10_are_read_in_their_own_form() -> None:
    text = LEGACY_METADATA.format(gtid="0-7-226")
    assert parse_binlog_position(text) == BinlogPosition("binlog.000004", "1374", "0-7-226")
    expected = {"shop": TableNames(["orders", "items"], [])}
    assert missing_schemas(OLD, expected, ["shop.orders-schema.sql"], text) == ["shop.items"]
