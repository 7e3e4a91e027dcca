# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables of a database as the server describes them: their columns, primary keys and engines."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql import column_types
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import server_errors

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

TRANSACTIONAL_ENGINES = ("InnoDB", "ROCKSDB")
SEQUENCE = "SEQUENCE"
# Tables of these engines keep no rows of their own: they show those of other tables, servers and files, and a restore
# that wrote them would write there. In upper case: MariaDB writes MRG_MyISAM.
MERGE = "MRG_MYISAM"
_ENGINES_WITHOUT_ROWS = frozenset((MERGE, "FEDERATED", "CONNECT", "SPIDER", "SPHINX", "OQGRAPH", "S3"))
ROW_START, ROW_END = "ROW START", "ROW END"

# Kinds of tables: https://mariadb.com/kb/en/information-schema-tables-table/
_TABLES = """
SELECT TABLE_NAME, TABLE_TYPE, COALESCE(ENGINE, ''), COALESCE(TABLE_ROWS, 0), COALESCE(DATA_LENGTH, 0)
  FROM information_schema.TABLES
 WHERE TABLE_SCHEMA = %(database)s AND TABLE_TYPE NOT LIKE '%%VIEW%%' ORDER BY TABLE_NAME
"""
_COLUMNS = """
SELECT TABLE_NAME, COLUMN_NAME, LOWER(DATA_TYPE), COLUMN_TYPE, COALESCE(CHARACTER_SET_NAME, ''), UPPER(EXTRA),
       COALESCE(GENERATION_EXPRESSION, '')
  FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %(database)s ORDER BY TABLE_NAME, ORDINAL_POSITION
"""
# The primary key, or else the unique key without NULL that comes first by name: it identifies rows as well. A key on a
# part of a column or on an expression does not, and one without an order cannot be read in parts.
_KEYS = """
SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, COALESCE(SUB_PART, 0), NULLABLE
  FROM information_schema.STATISTICS
 WHERE TABLE_SCHEMA = %(database)s AND NON_UNIQUE = 0 AND INDEX_TYPE IN ('BTREE', 'LSMTREE')
 ORDER BY TABLE_NAME, INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX
"""


class Column(t.NamedTuple):
    """A column.

    ``type`` is the type alone in lower case, such as ``varchar``, ``definition`` is as in ``CREATE TABLE``, such as
    ``varchar(20)``. ``charset`` is empty for types without one. ``is_generated`` is set for columns that the server
    computes by ``expression``. ``extra`` holds the server's other attributes in upper case.
    """

    name: str
    type: str
    definition: str
    charset: str
    is_generated: bool
    extra: str
    expression: str = ""

    @property
    def is_invisible(self) -> bool:
        """Return whether ``SELECT *`` leaves the column out."""
        return "INVISIBLE" in self.extra

    @property
    def is_virtual(self) -> bool:
        """Return whether the server computes the column when it is read."""
        return self.is_generated and "VIRTUAL" in self.extra

    @property
    def may_hide_members(self) -> bool:
        """Return whether a member may have a character beyond U+FFFF, for which servers show a question mark."""
        return self.type in column_types.CHOICES and "?" in self.definition


class Table(t.NamedTuple):
    """A table; views are none.

    ``kind`` is the server's ``TABLE_TYPE``. ``key`` are the columns that identify a row, empty when there are none.
    ``rows`` and ``data_bytes`` are the server's estimates.
    """

    name: str
    kind: str
    engine: str
    columns: t.Sequence[Column]
    key: t.Sequence[str]
    rows: int
    data_bytes: int

    @property
    def stored(self) -> t.List[Column]:
        """The columns whose values a dump must hold: all but the generated ones."""
        return [column for column in self.columns if not column.is_generated]

    @property
    def is_versioned(self) -> bool:
        """Return whether MariaDB keeps the table's history."""
        return "VERSIONED" in self.kind

    @property
    def period(self) -> t.List[Column]:
        """The columns that say since when and until when a row counts; the server lists none that it named itself."""
        if not self.is_versioned:
            return []
        named = [column for column in self.columns if column.expression.upper() in (ROW_START, ROW_END)]
        own = (("row_start", ROW_START), ("row_end", ROW_END))
        return named or [Column(name, "timestamp", "timestamp(6)", "", True, "", marks) for name, marks in own]

    @property
    def has_own_rows(self) -> bool:
        """Return whether the table keeps rows, as :func:`keeps_rows` does."""
        return keeps_rows(self.kind, self.engine)

    @property
    def is_transactional(self) -> bool:
        """Return whether a snapshot of the server includes the table's rows."""
        return self.engine in TRANSACTIONAL_ENGINES

    def column(self, name: str) -> Column:
        """Return a column by its name.

        :raises LookupError: when there is no such column
        """
        return next(column for column in self.columns if column.name == name)


def keeps_rows(kind: str, engine: str) -> bool:
    """Return whether a table keeps rows: a sequence keeps its state, and some engines show the rows of others.

    :param kind: the server's ``TABLE_TYPE``; ``engine`` its ``ENGINE``
    """
    return kind != SEQUENCE and engine.upper() not in _ENGINES_WITHOUT_ROWS


def read_tables(connection: Connection[Cursor], database: str) -> t.List[Table]:
    """Return the tables that *database* holds now, by name.

    :raises ServerUnavailable: when the server stops answering
    """
    parameters = {"database": database}
    with server_errors(), connection.cursor() as cursor:
        cursor.execute(_TABLES, parameters)
        rows = cursor.fetchall()
        cursor.execute(_COLUMNS, parameters)
        columns: t.Dict[str, t.List[Column]] = {}
        for table, *values in cursor.fetchall():
            columns.setdefault(table, []).append(_column(*values))
        cursor.execute(_KEYS, parameters)
        keys = _keys(cursor.fetchall())
    return [
        Table(name, kind, engine, columns.get(name, []), keys.get(name, []), int(count), int(size))
        for name, kind, engine, count, size in rows
    ]


def _column(name: str, kind: str, definition: str, charset: str, extra: str, expression: str) -> Column:
    # MySQL says DEFAULT_GENERATED for a default that is an expression.
    is_generated = bool(expression) or any(word == "GENERATED" for word in extra.replace("_", "-").split())
    return Column(name, kind, definition, charset, is_generated, extra, expression)


def _keys(rows: t.Iterable[t.Tuple[t.Any, ...]]) -> t.Dict[str, t.List[str]]:
    found: t.Dict[str, t.Dict[str, t.List[t.Tuple[t.Any, ...]]]] = {}
    for table, index, *parts in rows:
        found.setdefault(table, {}).setdefault(index, []).append(tuple(parts))
    keys = {}
    for table, indexes in found.items():
        whole = [parts for parts in indexes.values() if all(map(_identifies, parts))]
        if whole:
            keys[table] = [str(name) for name, _part, _nullable in whole[0]]
    return keys


def _identifies(part: t.Tuple[t.Any, ...]) -> bool:
    name, length, nullable = part
    return name is not None and not int(length) and nullable != "YES"
