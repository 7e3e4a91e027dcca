# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checksums of a table's rows, read from the server row by row or by ranges of its key."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql import column_types
from ansible_collections.vex.backup.plugins.module_utils._mysql.exact_values import row_checksum
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier
from ansible_collections.vex.backup.plugins.module_utils._mysql.key_points import Point, operand, scale, spread
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import server_errors
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import ROW_END

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

    from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Column, Table

# A row's checksum keeps 24 bits: it stands in the manifest, and names the row that differs.
_SHORT = 0xFFFFFF
# A server accepts at least a megabyte by default.
_STATEMENT_LENGTH = 250_000
# Columns that name a row of a table without a key, and their types, whose values are short.
_LABELS = 3
_LABEL_TYPES = column_types.INTEGERS | column_types.TIMES | column_types.PRINTABLE | {"decimal", "char", "varchar"}


class Row(t.NamedTuple):
    """A row: its short checksum and the values that name it, which are only read for a comparison."""

    checksum: int
    label: t.Tuple[t.Any, ...]


class RowSums:
    """The checksums of one table's rows.

    :param key: the columns by which the rows are ordered; may be empty
    """

    def __init__(self, connection: Connection[Cursor], database: str, table: Table, key: t.Sequence[str]) -> None:
        self._connection = connection
        history = " FOR SYSTEM_TIME ALL" if table.is_versioned else ""
        place = f"{quote_identifier(database)}.{quote_identifier(table.name)}"
        self._from = f"FROM {place}{history}"
        self._checksum = row_checksum(summed(table))
        # A session that has locked a table can name it once in a statement.
        self._names_once = not table.is_transactional
        self._first = table.column(key[0]) if key else None
        # The rows of one key's history end at different times.
        ends = [
            column.name for column in table.period if column.expression.upper() == ROW_END and column.name not in key
        ]
        self._key = [quote_identifier(name) for name in [*key, *ends]] if key else []
        # A column that is named like a part of the result, such as `0`, is not the one that orders it.
        self._order = [f"{place}.{name}" for name in self._key]
        self._labels = [table.column(name) for name in key]
        if not key:
            self._labels = [column for column in table.columns if column.type in _LABEL_TYPES][:_LABELS]
        self.label = [column.name for column in self._labels]

    def rows(
        self, points: t.Sequence[t.Optional[Point]], limit: int, *, last: bool = False, named: bool = False
    ) -> t.List[t.List[Row]]:
        """Return *limit* rows from each point on, in the order of the key.

        :param points: ``None`` for the first rows
        :param last: whether the last rows come as well, from the last one backwards
        :param named: whether the rows' labels are read
        """
        label = "".join(f",{_text(column, quote_identifier(column.name))}" for column in self._labels) if named else ""
        order = f" ORDER BY {','.join(self._order)}" if self._order else ""
        backwards = f" ORDER BY {','.join(f'{name} DESC' for name in self._order)}"
        ends = [f"{self._where(point, None)}{order}" for point in points] + ([backwards] if last else [])
        selects = [
            f"(SELECT {number},{self._checksum}&{_SHORT}{label} {self._from}{end} LIMIT {limit})"
            for number, end in enumerate(ends)
        ]
        # One statement for many slices takes a third of the time of one for each.
        together = 1 if self._names_once else max(1, _STATEMENT_LENGTH // len(selects[-1]))
        found: t.List[t.List[Row]] = [[] for _end in ends]
        for start in range(0, len(selects), together):
            for number, checksum, *values in self._read(" UNION ALL ".join(selects[start : start + together])):
                found[number].append(Row(int(checksum), tuple(values)))
        return found

    def sums(self, points: t.Sequence[Point]) -> t.List[t.List[int]]:
        """Return the number of rows and the sum of their checksums before, between and after points."""
        bounds = [None, *points, None]
        select = f"SELECT COUNT(*),COALESCE(SUM({self._checksum}),0) {self._from}"
        found = [self._read(f"{select}{self._where(start, end)}")[0] for start, end in zip(bounds, bounds[1:])]
        return [[int(count), int(total)] for count, total in found]

    def points(self, count: int) -> t.List[Point]:
        """Return at most *count* points spread over the first column of the key, which must exist."""
        first = t.cast("Column", self._first)
        name = self._key[0]
        least, greatest = _text(first, f"MIN({name})"), _text(first, f"MAX({name})")
        low, high = self._read(f"SELECT {least},{greatest} {self._from}")[0]
        places = None if low is None else scale(first, low, high)

        def look(points: t.Sequence[Point]) -> t.Sequence[t.Tuple[t.Any, t.Any]]:
            both = [
                (
                    f"SELECT {greatest} {self._from}{self._where(None, point)}",
                    f"SELECT {least} {self._from}{self._where(point, None)}",
                )
                for point in points
            ]
            if self._names_once:
                return [(self._read(below)[0][0], self._read(above)[0][0]) for below, above in both]
            beside = " UNION ALL ".join(
                f"SELECT {number},({below}),({above})" for number, (below, above) in enumerate(both)
            )
            return [(below, above) for _number, below, above in sorted(self._read(beside), key=lambda row: row[0])]

        return spread(places, low, high, count, look) if places else []

    def _where(self, start: t.Optional[Point], end: t.Optional[Point]) -> str:
        bounds = [
            f"{self._key[0]}{sign}{self._literal(point)}"
            for sign, point in ((">=", start), ("<", end))
            if point is not None
        ]
        return f" WHERE {' AND '.join(bounds)}" if bounds else ""

    def _literal(self, point: Point) -> str:
        return str(self._connection.escape(operand(t.cast("Column", self._first), point)))

    def _read(self, statement: str) -> t.Sequence[t.Tuple[t.Any, ...]]:
        with server_errors(), self._connection.cursor() as cursor:
            # Without parameters, PyMySQL leaves the percent signs in names alone.
            cursor.execute(statement)
            return cursor.fetchall()


def _text(column: Column, expression: str) -> str:
    """Return an expression that has no invalid UTF-8.

    Servers keep and print half of a surrogate pair, and make a question mark of it in UTF-16.
    """
    return f"CONVERT({expression} USING utf16)" if column.charset else expression


def summed(table: Table) -> t.List[Column]:
    """Return the columns that a row's checksum covers: those that the server stores.

    The value of a VIRTUAL column follows from them and from the session that reads it.
    """
    columns = [column for column in table.columns if not column.is_virtual]
    return columns + [column for column in table.period if column not in columns]
