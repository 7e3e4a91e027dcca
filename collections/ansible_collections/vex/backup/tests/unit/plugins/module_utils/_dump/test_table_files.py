# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of each table in order, and the checks of what they hold."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._dump.data_files import DataFile
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan, TablePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count
from ansible_collections.vex.backup.plugins.module_utils._dump.table_files import (
    DumpedTable,
    by_table,
    dumped_tables,
    incomplete_tables,
    long_statements,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import DatabaseDump
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._dump.fake_server import make_plan
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.made_tables import (
    ID,
    make_column,
    make_table,
)

COMPUTED = make_column("twice", "int", is_generated=True)
SHOP = TablePlan(make_table("t", ID, COMPUTED, make_column("ç", "text")), "")


def dump(*tables: TablePlan, files: t.Mapping[str, t.Sequence[str]], **shown: int) -> DatabaseDump:
    """Return a dump of the database ``we ird``, whose server has shown some rows of its tables."""
    plan = DatabasePlan("we ird", "we%20ird", tables, [], [])
    fingerprints = {one.table.name: {"sampled": shown.get(one.table.name, 0)} for one in tables}
    return DatabaseDump(plan, files, "utf8mb4_bin", [], fingerprints, None)


def test_files_by_the_stem_of_their_names() -> None:
    names = [
        "d.t.sql",
        "d.7.00001.sql",
        "d.7.00000.sql",
        "d.7.00000.00002.sql",
        "d.7.00000.00010.sql",
        "d.00000.00000.sql",
        "d.00001.sql",
        "d.t-schema.sql",
        "d.u.00000.sql",
        "d.t.txt",
        "d.t.00001.sql.zst",
        "metadata",
    ]
    assert by_table(reversed(names), {"d.t", "d.7", "d.00000", "d.00001", "d.empty"}) == {
        "d.t": ["d.t.sql"],
        "d.7": ["d.7.00000.sql", "d.7.00000.00002.sql", "d.7.00000.00010.sql", "d.7.00001.sql"],
        "d.00000": ["d.00000.00000.sql"],
        "d.00001": ["d.00001.sql"],
    }


@given(st.sets(st.integers(0, 200_000), min_size=1), st.from_regex(r"[A-Za-z0-9_-]{1,9}", fullmatch=True))
def test_chunks_are_in_the_order_of_their_numbers(numbers: t.Set[int], table: str) -> None:
    """Numbers have five digits, or more where they need them."""
    stem = f"d.{table}"
    ordered = [f"{stem}.{number:05d}.sql" for number in sorted(numbers)]
    assert by_table(set(ordered), {stem}) == {stem: ordered}


@pytest.mark.parametrize(
    ("longest", "message"),
    [
        (64 * 1024 * 1024 - 2, ""),
        (64 * 1024 * 1024 - 1, "needs a max_allowed_packet of 67109888 bytes, and the server has 67108864: raise it"),
        (1024**3, "makes a statement of 1073741824 bytes, which no server accepts"),
    ],
)
def test_rows_that_the_server_would_not_take_back(longest: int, message: str) -> None:
    tables = [DumpedTable(SHOP, ["a", "b"], [Count(1, "", (), 7), Count(1, "", (), longest)], 14)]
    found = [text.partition(", here and")[0] for text in long_statements(make_plan(), dump(SHOP, files={}), tables)]
    assert found == ([f"we ird.t: its longest row {message}"] if message else [])


def test_tables_with_their_contents() -> None:
    one, two = (DataFile(9, Count(rows, f"{rows}f", ("id", "ç"))) for rows in (1, 2))
    empty = TablePlan(make_table("empty"), "its name")
    made = dump(SHOP, empty, files={"t": ["tables/a.sql", "tables/b.sql"], "empty": []})
    found = dumped_tables(made, {"we%20ird/tables/a.sql": one, "we%20ird/tables/b.sql": two, "other/x.sql": one})
    assert found == [
        DumpedTable(SHOP, ["tables/a.sql", "tables/b.sql"], [one.content, two.content], one.size + two.size),
        DumpedTable(empty, [], [], 0),
    ]
    assert [table.content.rows for table in found] == [3, 0]


@pytest.mark.parametrize("reason", ["", "the name 't'"])
@pytest.mark.parametrize(
    ("counts", "shown", "sentences"),
    [
        ([Count(2, "", ("id", "ç"))], 2, []),
        ([Count(2, "", ("ç", "id"))], 0, []),
        ([], 0, []),
        ([Count(2, "", ("id", "twice"))], 2, ["we ird.t: the dump lacks the column 'ç' of every row"]),
        (
            [Count(2, "", ("id", "ç")), Count(2, "", ("ç",))],
            2,
            ["we ird.t: the dump lacks the column 'id' of every row"],
        ),
        (
            [Count(2, "", None)],
            2,
            ["we ird.t: the statements in the dump name no columns, so the values of 'id' may be missing"],
        ),
        ([Count(2, "", ("id", "ç"))], 3, ["we ird.t: the dump has 2 rows, and the server has at least 3"]),
        ([], 1, ["we ird.t: the dump has 0 rows, and the server has at least 1"]),
    ],
)
def test_incomplete_tables_are_named(counts: t.List[Count], shown: int, sentences: t.List[str], reason: str) -> None:
    table = DumpedTable(SHOP._replace(reason=reason), ["a"] * len(counts), counts, 1)
    assert list(incomplete_tables(dump(table.plan, files={}, t=shown), [table])) == sentences


def test_hidden_column_is_named_where_statements_name_none() -> None:
    hidden = TablePlan(make_table("t", ID, make_column("x", "int", extra="INVISIBLE")), "")
    (sentence,) = incomplete_tables(dump(hidden, files={}), [DumpedTable(hidden, ["a"], [Count(1, "", None)], 1)])
    assert sentence.endswith("so the values of 'x' may be missing")


@pytest.mark.parametrize(("reason", "count"), [("", 1), ("the history of its rows", 0)])
def test_column_that_was_added_meanwhile_is_named(reason: str, count: int) -> None:
    """The client also dumps the columns of a history."""
    table = DumpedTable(SHOP._replace(reason=reason), ["a"], [Count(1, "", ("id", "ç", "new"))], 1)
    found = list(incomplete_tables(dump(table.plan, files={}), [table]))
    assert found == ["we ird.t: the column 'new' was added while the dump began"][:count]


def test_sequence_is_not_incomplete() -> None:
    sequence = TablePlan(make_table("s", kind="SEQUENCE"), "the engine")
    assert list(incomplete_tables(dump(sequence, files={}), [DumpedTable(sequence, [], [], 0)])) == []
