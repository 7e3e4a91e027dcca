# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The statements whose result is the text of rows, and those that load it."""

from __future__ import annotations

import pytest

from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Column
from ansible_collections.vex.backup.plugins.module_utils._tools.exact_rows import insert_head, select
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.made_tables import (
    ID,
    make_column,
    make_table,
)

PACKET = 64 * 1024 * 1024
ROW_START = make_column("since", "timestamp", is_generated=True, expression="ROW START")
ROW_END = make_column("until", "timestamp", is_generated=True, expression="ROW END")


def literal(column: Column) -> str:
    """Return the expressions of a column, between the brackets of its row."""
    statement = select("d", make_table("t", column), PACKET)
    assert statement.startswith("SELECT '(', ")
    assert statement.endswith(", ')' FROM `d`.`t`;\n")
    return statement[len("SELECT '(', ") : -len(", ')' FROM `d`.`t`;\n")]


@pytest.mark.parametrize("kind", ["tinyint", "bigint", "decimal"])
def test_numbers_are_printed_by_the_server(kind: str) -> None:
    assert literal(make_column("n", kind)) == "COALESCE(`n`, 'NULL')"


@pytest.mark.parametrize(
    ("kind", "definition", "number"),
    [
        ("double", "double", "`n`"),
        ("double", "double unsigned zerofill", "IF(`n` = 0, `n` * 1e0, CONCAT(`n`))"),
        ("float", "float", "`n` * 1e0"),
    ],
)
def test_approximate_numbers_have_an_exponent(kind: str, definition: str, number: str) -> None:
    assert (
        literal(make_column("n", kind)._replace(definition=definition))
        == f"COALESCE({number}, 'NULL'), IF(`n` IS NULL OR LOCATE('e', {number}), '', 'e0')"
    )


@pytest.mark.parametrize("kind", ["bit", "enum", "set"])
def test_values_with_a_number_are_printed_as_it(kind: str) -> None:
    assert literal(make_column("n", kind)) == "COALESCE(CAST(`n` AS UNSIGNED), 'NULL')"


@pytest.mark.parametrize("kind", ["date", "datetime", "timestamp", "time", "year", "uuid", "inet6"])
def test_printable_values_are_quoted(kind: str) -> None:
    assert literal(make_column("n", kind)) == "COALESCE(CONCAT('''', `n`, ''''), 'NULL')"


@pytest.mark.parametrize("kind", ["char", "varchar", "text", "binary", "blob", "a_type_of_the_future"])
def test_short_texts_are_printed_as_digits(kind: str) -> None:
    assert (
        literal(make_column("n", kind))
        == "IF(`n` IS NULL, 'NULL', 'X'''), COALESCE(HEX(`n`), ''), IF(`n` IS NULL, '', '''')"
    )


@pytest.mark.parametrize("kind", ["mediumtext", "longblob", "point", "geometry"])
def test_long_values_are_printed_in_parts(kind: str) -> None:
    part = PACKET // 2 - 16
    value = "CAST(`n` AS BINARY)"
    parts = [f"COALESCE(HEX(SUBSTRING({value}, {start}, {part})), '')" for start in (1, 1 + part, 1 + 2 * part)]
    check = f"IF(`n` IS NOT NULL AND ({value} IS NULL OR LENGTH({value}) > {3 * part}), '!', '')"
    assert literal(make_column("n", kind)) == ", ".join(
        ["IF(`n` IS NULL, 'NULL', 'X''')", *parts, check, "IF(`n` IS NULL, '', '''')"]
    )


def test_json_is_a_text() -> None:
    text = literal(make_column("n", "json"))
    assert text.startswith("IF(`n` IS NULL, 'NULL', 'CONVERT(X'''), COALESCE(HEX(SUBSTRING(CAST(`n` AS BINARY), 1, ")
    assert text.endswith(", IF(`n` IS NULL, '', ''' USING utf8mb4)')")


def test_rows_come_in_the_order_of_the_key() -> None:
    table = make_table("a`b", ID, make_column("x\ny", "int"), key=["x\ny", "id"])
    assert select("d`", table, PACKET) == (
        "SELECT '(', COALESCE(`id`, 'NULL'), ',', COALESCE(`x\ny`, 'NULL'), ')' FROM `d```.`a``b`"
        " ORDER BY `d```.`a``b`.`x\ny`, `d```.`a``b`.`id`;\n"
    )
    assert insert_head(table) == "INSERT INTO `a``b` (`id`, `x\ny`) VALUES\n"


def test_computed_columns_are_left_out() -> None:
    table = make_table("t", ID, make_column("twice", "int", is_generated=True, expression="id * 2"))
    assert select("d", table, PACKET) == "SELECT '(', COALESCE(`id`, 'NULL'), ')' FROM `d`.`t`;\n"
    assert insert_head(table) == "INSERT INTO `t` (`id`) VALUES\n"


def test_history_is_printed_with_its_named_columns() -> None:
    table = make_table("t", ID, ROW_START, ROW_END, kind="SYSTEM VERSIONED", key=["id", "until"])
    assert insert_head(table) == "INSERT INTO `t` (`id`, `since`, `until`) VALUES\n"
    assert select("d", table, PACKET).endswith(
        "COALESCE(CONCAT('''', `until`, ''''), 'NULL'), ')' FROM `d`.`t` FOR SYSTEM_TIME ALL;\n"
    )


def test_history_is_printed_with_the_servers_columns() -> None:
    table = make_table("t", ID, kind="SYSTEM VERSIONED", key=["id"])
    assert insert_head(table) == "INSERT INTO `t` (`id`, `row_start`, `row_end`) VALUES\n"
    assert "CONCAT('''', `row_start`, '''')" in select("d", table, PACKET)
