# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The types of columns, in groups whose values are read and written in the same way. Names are those of DATA_TYPE."""

from __future__ import annotations

INTEGERS = frozenset(("tinyint", "smallint", "mediumint", "int", "bigint"))
# The server prints these exactly as text.
EXACT_NUMBERS = INTEGERS | {"decimal"}
# The server prints all of its digits as text.
DOUBLE = "double"
# The server prints six digits of it as text, and all of them as a DOUBLE.
FLOAT = "float"
BIT = "bit"
TIMES = frozenset(("date", "datetime", "timestamp", "time", "year"))
# Their values have a number, which is exact for values that are no longer members.
CHOICES = frozenset(("enum", "set"))
TEXTS = frozenset(("char", "varchar", "tinytext", "text", "mediumtext", "longtext"))
BINARIES = frozenset(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector"))
JSON = "json"
SPATIAL = frozenset(
    (
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geometrycollection",
        "geomcollection",
    )
)
# Types of MariaDB that have a text form, which is ASCII.
PRINTABLE = frozenset(("uuid", "inet4", "inet6"))
