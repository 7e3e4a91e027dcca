# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SQL expressions by which a server itself computes the checksum of a row, exact for every type of column.

The same row has the same checksum on every server, whatever the session's character sets. The session must have the
time zone ``+00:00`` and no ``PAD_CHAR_TO_FULL_LENGTH``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql import column_types
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import ROW_END

if t.TYPE_CHECKING:
    from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Column

# No value is printed so. CONCAT_WS() leaves NULL out, and two rows would look the same.
_NULL = "'-'"
_LAST_TIMESTAMP = "'2038-01-19 03:14:07'"
# The server prints these exactly, in ASCII and with neither comma nor quote.
_PRINTED = column_types.INTEGERS | column_types.TIMES | column_types.PRINTABLE | {"decimal"}


def row_checksum(columns: t.Sequence[Column]) -> str:
    """Return the expression of a row's checksum, a number of 32 bits.

    The function is CRC32 because MySQL 9.6 and later may lack MD5 and SHA1, and because the row of CRC32s of large
    values never exceeds ``max_allowed_packet``, where the server answers NULL.
    """
    values = ",".join(f"IFNULL({exact_value(column)},{_NULL})" for column in columns)
    return f"CRC32(CONCAT_WS(',',{values}))"


def exact_value(column: Column) -> str:
    """Return an expression that differs whenever the column's value does; -0 equals 0, as everywhere in SQL."""
    name = quote_identifier(column.name)
    if column.expression.upper() == ROW_END:
        # The end of the rows that still count is the last TIMESTAMP, which is a later one since MariaDB 11.5.
        return f"IF({name}<{_LAST_TIMESTAMP},{name},{_NULL})"
    if column.type in _PRINTED:
        # ZEROFILL prints zeros to a width that depends on the version.
        return f"{name}+0" if "zerofill" in column.definition else name
    if column.type in (column_types.FLOAT, column_types.DOUBLE):
        # As text, FLOAT has six digits and, on MySQL, expressions of DOUBLE have 22 characters. A point holds all bits.
        return f"CRC32(POINT({name}+0e0,0))"
    if column.type == column_types.BIT:
        return f"{name}+0"
    if column.type in column_types.CHOICES:
        # In a sum, MySQL reads a SET as a DOUBLE, which has less than 64 bits.
        return f"CAST({name} AS UNSIGNED)"
    # The bytes as they are stored, of texts in the column's own character set, of shapes with their SRID.
    return f"CRC32({through_text(column) if column.type == column_types.JSON else name})"


def through_text(column: Column) -> str:
    """Return the value of a JSON column as a dump brings it back.

    MySQL prints a DECIMAL within a document in a way that it reads as a DOUBLE.
    """
    return f"CAST(CAST({quote_identifier(column.name)} AS CHAR) AS JSON)"
