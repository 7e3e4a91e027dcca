# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fingerprints of tables whose rows are a list of numbers. The integration tests take them from real servers."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._mysql import fingerprint
from ansible_collections.vex.backup.plugins.module_utils._mysql.row_sums import Row
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Column, Table

ID = Column("id", "int", "int(11)", "", False, "AUTO_INCREMENT")
NAME = Column("name", "varchar", "varchar(20)", "utf8mb4", False, "")
TABLE = Table("t", "BASE TABLE", "InnoDB", [ID, NAME], ["id"], 3, 16384)
Rows = t.Dict[int, int]
# A row's checksum covers its key.
ROWS = st.dictionaries(st.integers(0, 99), st.integers(0, 999), min_size=1).map(
    lambda rows: {key: key * 1001 + value for key, value in rows.items()}
)


class ListedRows:
    """Rows of the table that "connection" holds: checksums by key."""

    def __init__(self, connection: Rows, _database: str, table: Table, key: t.Sequence[str]) -> None:
        self._rows = connection
        self.label = list(key) or ["id"]

    def rows(
        self, points: t.Sequence[t.Any], limit: int, *, last: bool = False, named: bool = False
    ) -> t.List[t.List[Row]]:
        rows = [Row(checksum, (key,)) for key, checksum in sorted(self._rows.items())]
        parts = [[row for row in rows if point is None or row.label[0] >= point][:limit] for point in points]
        return [*parts, rows[::-1][:limit]] if last else parts

    def points(self, count: int) -> t.List[int]:
        return sorted(self._rows)[10::10]

    def sums(self, points: t.Sequence[int]) -> t.List[t.List[int]]:
        bounds = [-1, *points, 10**6]
        parts = [[self._rows[key] for key in self._rows if a <= key < b] for a, b in zip(bounds, bounds[1:])]
        return [[len(part), sum(part)] for part in parts]


@pytest.fixture(autouse=True)
def _listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "RowSums", ListedRows)


def take(rows: Rows, table: Table = TABLE, mode: str = fingerprint.SAMPLE, most_rows: int = 1000) -> t.Dict[str, t.Any]:
    found = fingerprint.take(t.cast("t.Any", rows), "d", table, mode, most_rows)
    return t.cast("t.Dict[str, t.Any]", json.loads(json.dumps(found)))


def difference(rows: Rows, taken: t.Mapping[str, t.Any], table: t.Optional[Table] = TABLE) -> str:
    return fingerprint.compare(t.cast("t.Any", rows), "d", table, taken).difference


@pytest.mark.usefixtures("_listed")
class TestAnyRows:
    """Whatever the rows are, one change is found and named."""

    @given(ROWS, st.data())
    def test_a_changed_value(self, rows: Rows, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(rows)))
        changed = {**rows, key: rows[key] + 1}
        assert difference(changed, take(rows)) == f"has another value in the row id={key}"

    @given(ROWS, st.data())
    def test_a_lost_row(self, rows: Rows, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(rows)))
        assert difference({other: rows[other] for other in rows if other != key}, take(rows)).startswith("lacks a row")
        assert difference(rows, take(rows)) == ""

    @given(ROWS, st.data())
    def test_an_added_row(self, rows: Rows, data: st.DataObject) -> None:
        added = data.draw(st.integers(100, 200))
        assert difference({**rows, added: 5}, take(rows)).startswith("has the additional row id=")


def test_the_first_row_that_differs_is_named() -> None:
    rows = {key: key * 7 for key in range(20)}
    taken = take(rows)
    assert taken["sampled"] == 20
    assert difference({**rows, 5: 1}, taken) == "has another value in the row id=5"
    assert difference({key: rows[key] for key in rows if key != 5}, taken) == "lacks a row after id=4 and before id=6"
    assert difference({key: rows[key] for key in rows if key}, taken) == "lacks a row before id=1"
    assert difference({key: rows[key] for key in rows if key != 19}, taken) == "lacks a row after id=18"
    assert difference({}, taken) == "lacks a row"
    assert difference({**rows, 33: 1}, taken) == "has the additional row id=33"


def test_a_large_table_is_sampled_at_its_points() -> None:
    rows = {key: key * 7 for key in range(100)}
    taken = take(rows, most_rows=33)
    assert (taken["points"], taken["limit"], taken["sampled"]) == ([None, *range(10, 100, 10)], 3, 33)
    assert difference({**rows, 42: 1}, taken) == "has another value in the row id=42"
    assert difference({key: rows[key] for key in rows if key != 99}, taken).startswith("lacks a row before id=98")
    assert difference({key: rows[key] for key in rows if key < 15}, taken) == "lacks a row from id=20 on"
    assert difference({**rows, 43: 1}, taken) == ""


@given(ROWS, st.integers(1, 99), st.sampled_from([fingerprint.SAMPLE, fingerprint.FULL]))
def test_a_table_has_the_rows_of_its_fingerprint(rows: Rows, most_rows: int, mode: str) -> None:
    """A sample of few rows, all of them long, holds the last one twice."""
    least = fingerprint.least_rows(take(rows, mode=mode, most_rows=most_rows))
    assert least <= len(rows)
    if mode == fingerprint.FULL or len(rows) <= most_rows:
        assert least == len(rows)


def test_full_covers_every_row_of_a_large_table() -> None:
    rows = {key: key * 7 for key in range(100)}
    taken = take(rows, mode=fingerprint.FULL, most_rows=33)
    assert taken["sampled"] == 100
    assert difference({**rows, 43: 1}, taken) == "has another value in a row from id=40 before id=50"
    assert difference({**rows, 100: 1}, taken) == "has 11 rows from id=90, not 10"
    assert difference(rows, taken) == ""


def test_without_a_key_rows_have_no_order() -> None:
    table = TABLE._replace(key=[])
    rows = {1: 30, 2: 10, 3: 20, 4: 20}
    taken = take(rows, table)
    assert difference({1: 20, 2: 20, 3: 30, 4: 10}, taken, table) == ""
    assert difference({**rows, 2: 11}, taken, table) == "has another value in the row id=2"
    assert difference({**rows, 5: 21}, taken, table) == "has the additional row id=5"
    assert difference({1: 30, 2: 10, 3: 20}, taken, table) == "lacks a row (it has nothing to name it by)"
    large = take(rows, table, most_rows=3)
    assert large["sampled"] == 0
    assert "no key" in fingerprint.compare(t.cast("t.Any", rows), "d", table, large).note


def test_long_values_make_the_sample_small() -> None:
    rows = {key: key for key in range(100)}
    assert take(rows, TABLE._replace(rows=100, data_bytes=100 << 20))["sampled"] < 20


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([ID], "lacks the column name"),
        ([ID, NAME._replace(name="nome")], "lacks the column name"),
        ([ID, NAME, NAME._replace(name="b")], "has the additional column b"),
        ([NAME, ID], "has its columns in another order"),
        (
            [ID, NAME._replace(definition="varchar(30)")],
            "has the column name as varchar(30) utf8mb4, not varchar(20) utf8mb4",
        ),
        ([ID, NAME._replace(extra="INVISIBLE")], "has the column name as varchar(20) utf8mb4 invisible, not"),
        ([ID._replace(definition="int"), NAME], ""),
    ],
)
def test_a_column_that_differs_is_named(columns: t.List[Column], expected: str) -> None:
    found = difference({}, take({}, mode=fingerprint.NONE), TABLE._replace(columns=columns))
    assert found.startswith(expected) and bool(found) == bool(expected)


def test_a_missing_table_and_a_sequence() -> None:
    assert difference({}, take({}), None) == "is missing"
    taken = take({1: 1}, TABLE._replace(kind="SEQUENCE"))
    assert taken == {"columns": [["id", "int", "", "", ""], ["name", "varchar(20)", "utf8mb4", "", ""]], "sampled": 0}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5, "5"), ("ação", "'ação'"), ("a\nb", r"'a\nb'"), (b"\x00\xff", "0x00ff"), ("x" * 60, "'" + "x" * 39 + "…")],
)
def test_keys_are_printable_and_short(value: t.Any, expected: str) -> None:
    assert fingerprint._printed(value) == expected
