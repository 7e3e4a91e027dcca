# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows of a table as SQL literals that the server itself prints: exact for every type. Pure functions.

The server's text of a value is not always the value: it prints six digits of a FLOAT, and a text in another character
set. So strings are printed as the hexadecimal digits of their bytes. The output has only ASCII characters and one line
for each row, ``(1,X'C3A7',NULL)``. The client separates the parts of a row by tabs, which no part contains.
"""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql import column_types
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Column, Table

# No literal contains it: it stands for a value that the server cannot print.
TOO_LONG = "!"
# A function of the server returns NULL for a result longer than max_allowed_packet. Two hexadecimal digits stand for a
# byte, so three parts hold any value that the server accepts.
_PARTS = 3
_LONG_TYPES = frozenset(("mediumtext", "longtext", "mediumblob", "longblob", column_types.JSON)) | column_types.SPATIAL


def insert_head(table: Table) -> str:
    """Return the statement that loads rows of a table, up to the first row."""
    names = ", ".join(quote_identifier(column.name) for column in _columns(table))
    return f"INSERT INTO {quote_identifier(table.name)} ({names}) VALUES\n"


def select(database: str, table: Table, packet_bytes: int) -> str:
    """Return the statement that prints the rows of a table, in the order of its key.

    :param packet_bytes: the server's ``max_allowed_packet``
    """
    parts = ["'('"]
    for column in _columns(table):
        parts += [*(["','"] if len(parts) > 1 else []), *_literal(column, packet_bytes // 2 - 16)]
    place = f"{quote_identifier(database)}.{quote_identifier(table.name)}"
    history = " FOR SYSTEM_TIME ALL" if table.is_versioned else ""
    # A column that is named like a part of the result, such as `(`, is not the one that orders it.
    key = ", ".join(f"{place}.{quote_identifier(name)}" for name in table.key)
    order = f" ORDER BY {key}" if key and not history else ""
    return f"SELECT {', '.join(parts)}, ')' FROM {place}{history}{order};\n"


def _columns(table: Table) -> t.List[Column]:
    """Return the columns to dump: stored ones, and those that mark the history of a row."""
    return [*table.stored, *table.period]


def _literal(column: Column, part_bytes: int) -> t.List[str]:
    """Return the expressions whose texts, one after the other, are the literal of a column's value."""
    name = quote_identifier(column.name)
    if column.type in column_types.EXACT_NUMBERS:
        return [f"COALESCE({name}, 'NULL')"]
    if column.type in (column_types.FLOAT, column_types.DOUBLE):
        number = _number(column, name)
        # Without an exponent it would be a DECIMAL, which has no negative zero and at most 65 digits.
        return [f"COALESCE({number}, 'NULL')", f"IF({name} IS NULL OR LOCATE('e', {number}), '', 'e0')"]
    if column.type == column_types.BIT or column.type in column_types.CHOICES:
        return [f"COALESCE(CAST({name} AS UNSIGNED), 'NULL')"]
    if column.type in column_types.TIMES or column.type in column_types.PRINTABLE:
        return [f"COALESCE(CONCAT('''', {name}, ''''), 'NULL')"]
    start, end = "X''", "''"
    if column.type == column_types.JSON:
        start, end = "CONVERT(X''", "'' USING utf8mb4)"
    return [
        f"IF({name} IS NULL, 'NULL', '{start}')",
        *_digits(column, name, part_bytes),
        f"IF({name} IS NULL, '', '{end}')",
    ]


def _number(column: Column, name: str) -> str:
    """Return an expression whose text is the exact value of a FLOAT or DOUBLE column."""
    if column.type == column_types.FLOAT:
        return f"{name} * 1e0"
    if "zerofill" in column.definition:
        # The server prints the zeros before the sign of a negative zero, so that one is computed. Other values are not:
        # MySQL rounds the text of a computed number to 22 characters, and a DOUBLE may need 23.
        return f"IF({name} = 0, {name} * 1e0, CONCAT({name}))"
    return name


def _digits(column: Column, name: str, part_bytes: int) -> t.List[str]:
    if column.type not in _LONG_TYPES:
        # The bytes are those of the column's own character set.
        return [f"COALESCE(HEX({name}), '')"]
    value = f"CAST({name} AS BINARY)"
    parts = [f"COALESCE(HEX(SUBSTRING({value}, {1 + part_bytes * part}, {part_bytes})), '')" for part in range(_PARTS)]
    return [*parts, f"IF({name} IS NOT NULL AND ({value} IS NULL OR LENGTH({value}) > {part_bytes * _PARTS}), '!', '')"]
