# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fingerprint of a table: its columns and checksums of its rows, as a server itself states and computes them.

It is taken from the server that is dumped and compared with the one that is restored, so that neither the dumper nor
the dump's text is believed. Sessions need the time zone ``+00:00``, an empty SQL mode, utf8mb4 and no limits.
"""

from __future__ import annotations

import base64
import collections
import itertools
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.row_sums import Row, RowSums, summed

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

    from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Column, Table

SAMPLE, FULL, NONE = "sample", "full", "none"
MOST_ROWS = 1000

# Where samples and ranges begin, beside the first and the last row.
_SAMPLE_POINTS = 48
_RANGE_POINTS = 199
# A sample reads no more bytes than this, or than this part of the table.
_SAMPLE_BYTES = 16_384_000
_SAMPLE_PART = 50
_CHECKSUM_BYTES = 3
# What versions say differently of the same column: MySQL 8.0.19 and later `int` for `int(11)`; newer ones `utf8mb3` for
# `utf8`; older ones a comment on how the value is stored, such as `datetime /* mariadb-5.3 */`.
_VARIES = re.compile(r"(?<=int)\(\d+\)|(?<=year)\(\d+\)| /\* [^*]*\*/")
_NEWER_NAMES = {"utf8": "utf8mb3"}
_LONGEST_VALUE = 40


class TableComparison(t.NamedTuple):
    """The result of a comparison.

    ``difference`` is part of a sentence that begins with the table, such as ``has another value in the row id=5``, and
    empty when there is none. ``sampled`` is the number of rows that were compared. ``note`` says why rows were left
    out.
    """

    difference: str
    sampled: int
    note: str = ""


def take(
    connection: Connection[Cursor], database: str, table: Table, mode: str, most_rows: int = MOST_ROWS
) -> t.Dict[str, t.Any]:
    """Return the fingerprint of a table, for JSON.

    ``columns`` holds ``[name, type, character set, "virtual" or "stored" of a generated column, "invisible"]``, the
    words empty where they do not apply. ``sampled`` is the number of rows whose checksums it holds: in SAMPLE, of all
    rows when they are at most *most_rows*, else of rows spread over the key; in FULL of all rows. A larger table
    without a key has no sample, and one with long values a smaller one.

    :param connection: see the module; it reads the snapshot that it is in
    :param mode: SAMPLE, FULL or NONE, which leaves the rows out
    :raises ServerUnavailable: when the server does not answer
    """
    found: t.Dict[str, t.Any] = {"columns": [_described(column) for column in table.columns], "sampled": 0}
    if mode == NONE or not table.has_own_rows or not summed(table):
        return found
    found["key"] = list(table.key)
    sums = RowSums(connection, database, table, table.key)
    most = affordable(table, most_rows)
    rows = sums.rows([None], most + 1)[0]
    if len(rows) <= most:
        found.update(sampled=len(rows), limit=most + 1, points=[None], slices=[_packed(rows, table.key)])
    elif mode == FULL:
        points = sums.points(_RANGE_POINTS) if table.key else []
        ranges = sums.sums(points)
        found.update(sampled=sum(count for count, _sum in ranges), points=points, ranges=ranges)
    elif table.key:
        starts = [None, *sums.points(_SAMPLE_POINTS)]
        limit = max(1, most // (len(starts) + 1))
        slices = sums.rows(starts, limit, last=True)
        packed = [_packed(part, table.key) for part in slices]
        found.update(sampled=sum(map(len, slices)), limit=limit, points=starts, last=True, slices=packed)
    return found


def least_rows(fingerprint: t.Mapping[str, t.Any]) -> int:
    """Return how many rows a table has at least, all of them when the fingerprint covers it."""
    # The last rows of a sample may be among those from its last point on.
    return int(fingerprint["sampled"] - (fingerprint["limit"] if fingerprint.get("last") else 0))


def compare(
    connection: Connection[Cursor], database: str, table: t.Optional[Table], fingerprint: t.Mapping[str, t.Any]
) -> TableComparison:
    """Compare a table with the fingerprint that was taken from its source.

    :param connection: see the module
    :param table: ``None`` when there is none
    :raises ServerUnavailable: when the server does not answer
    """
    if table is None:
        return TableComparison("is missing", 0)
    difference = _column_difference(fingerprint["columns"], [_described(column) for column in table.columns])
    if difference:
        return TableComparison(difference, 0)
    if "points" not in fingerprint:
        note = "" if "key" not in fingerprint else "is large and has no key: its rows were not compared"
        return TableComparison("", 0, note)
    key = fingerprint["key"]
    sums = RowSums(connection, database, table, key)
    compared = _range_difference if "ranges" in fingerprint else _slice_difference
    return TableComparison(compared(sums, key, fingerprint), fingerprint["sampled"])


def affordable(table: Table, most_rows: int) -> int:
    """Return how many rows a sample may read, by the server's estimates of the table's size."""
    average = table.data_bytes // max(table.rows, 1)
    return max(1, min(most_rows, max(_SAMPLE_BYTES, table.data_bytes // _SAMPLE_PART) // max(average, 1)))


def _described(column: Column) -> t.List[str]:
    generated = ("virtual" if column.is_virtual else "stored") if column.is_generated else ""
    invisible = "invisible" if column.is_invisible else ""
    charset = _NEWER_NAMES.get(column.charset, column.charset)
    return [column.name, _VARIES.sub("", column.definition), charset, generated, invisible]


def _packed(rows: t.Sequence[Row], key: t.Sequence[str]) -> str:
    # Without a key, the server returns the rows in any order.
    checksums = [row.checksum for row in rows] if key else sorted(row.checksum for row in rows)
    return base64.b64encode(b"".join(one.to_bytes(_CHECKSUM_BYTES, "big") for one in checksums)).decode()


def _unpacked(text: str) -> t.List[int]:
    packed = base64.b64decode(text)
    return [
        int.from_bytes(packed[place : place + _CHECKSUM_BYTES], "big")
        for place in range(0, len(packed), _CHECKSUM_BYTES)
    ]


def _column_difference(expected: t.Sequence[t.Sequence[str]], found: t.Sequence[t.Sequence[str]]) -> str:
    by_name = {column[0]: column for column in found}
    for name, *rest in expected:
        if name not in by_name:
            return f"lacks the column {name}"
        if by_name[name][1:] != rest:
            before, now = (" ".join(filter(None, words)) for words in (rest, by_name[name][1:]))
            return f"has the column {name} as {now}, not {before}"
    names = [column[0] for column in expected]
    additional = next((name for name in by_name if name not in names), None)
    if additional is not None:
        return f"has the additional column {additional}"
    return "" if names == list(by_name) else "has its columns in another order"


def _range_difference(sums: RowSums, key: t.Sequence[str], fingerprint: t.Mapping[str, t.Any]) -> str:
    points = fingerprint["points"]
    for place, (found, expected) in enumerate(zip(sums.sums(points), fingerprint["ranges"])):
        if found == expected:
            continue
        start = [f"from {key[0]}={_printed(points[place - 1])}"] if place else []
        end = [f"before {key[0]}={_printed(points[place])}"] if place < len(points) else []
        where = f" {' '.join(start + end)}" if points else ""
        if found[0] != expected[0]:
            return f"has {found[0]} rows{where}, not {expected[0]}"
        return f"has another value in a row{where}"
    return ""


def _slice_difference(sums: RowSums, key: t.Sequence[str], fingerprint: t.Mapping[str, t.Any]) -> str:
    last = bool(fingerprint.get("last"))
    slices = sums.rows(fingerprint["points"], fingerprint["limit"], last=last, named=True)
    # The last rows have no point.
    points = [*fingerprint["points"], None]
    for rows, point, packed in zip(slices, points, fingerprint["slices"]):
        expected = _unpacked(packed)
        difference = _ordered(expected, rows, sums.label) if key else _unordered(expected, rows, sums.label)
        if difference and point is not None and not rows:
            return f"{difference} from {key[0]}={_printed(point)} on"
        if difference:
            return difference
    return ""


def _ordered(expected: t.Sequence[int], rows: t.Sequence[Row], names: t.Sequence[str]) -> str:
    found = [row.checksum for row in rows]
    if found == expected:
        return ""
    same = (one == other for one, other in itertools.zip_longest(expected, found))
    place = next(place for place, is_same in enumerate(same) if not is_same)
    if place == len(found) or found[place] in expected[place:]:
        after = [f"after {_named(rows[place - 1], names)}"] if place else []
        before = [f"before {_named(rows[place], names)}"] if place < len(rows) else []
        return f"lacks a row {' and '.join(after + before)}".rstrip()
    if place == len(expected) or expected[place] in found[place:]:
        return f"has the additional row {_named(rows[place], names)}"
    return f"has another value in the row {_named(rows[place], names)}"


def _unordered(expected: t.Sequence[int], rows: t.Sequence[Row], names: t.Sequence[str]) -> str:
    missing = collections.Counter(expected)
    missing.subtract(row.checksum for row in rows)
    other = next((row for row in rows if missing[row.checksum] < 0), None)
    if other is None:
        return "lacks a row (it has nothing to name it by)" if any(missing.values()) else ""
    if len(rows) > len(expected):
        return f"has the additional row {_named(other, names)}"
    return f"has another value in the row {_named(other, names)}"


def _named(row: Row, names: t.Sequence[str]) -> str:
    values = [_printed(value) for value in row.label]
    if not names:
        return "(it has nothing to name it by)"
    if len(names) == 1:
        return f"{names[0]}={values[0]}"
    return f"({', '.join(names)})=({', '.join(values)})"


def _printed(value: t.Any) -> str:
    if isinstance(value, bytes):
        text = f"0x{value[:_LONGEST_VALUE].hex()}"
    elif isinstance(value, str):
        text = ascii(value) if not value.isprintable() else f"'{value}'"
    else:
        text = str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
