"""Everything that two servers hold, to compare value by value. Nothing of the product's code is used here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, NamedTuple

from pymysql.connections import Connection
from pymysql.cursors import Cursor, DictCursor

from tests.servers.definitions import Settings, ask, definitions_of, quoted, set_up

Contents = dict[str, Any]

# A server returns NULL for a result that is larger than max_allowed_packet, so a larger value is compared by its hash.
_LARGE = 4_000_000
_SHOWN = 200

# Types whose text is exact in the session's settings.
_AS_TEXT = frozenset(
    "tinyint smallint mediumint int bigint decimal date datetime timestamp time year uuid inet4 inet6".split()
)
_SPATIAL = frozenset(
    [
        *("point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"),
        *("geometry", "geomcollection", "geometrycollection"),
    ]
)
_TEXT = frozenset("char varchar tinytext text mediumtext longtext enum set".split())


class Row(NamedTuple):
    """The values of a row, and the names of its table's columns."""

    columns: tuple[str, ...]
    values: tuple[str | None, ...]


def contents(connection: Connection[Any], databases: Iterable[str]) -> Contents:
    """Return the definitions and values of *databases*, by the kind and name of each object.

    :param connection: an account with all privileges; its session's settings are changed
    """
    with closing(connection.cursor(DictCursor)) as cursor:
        settings = set_up(cursor)
        return {f"database {name}": _database(cursor, settings, name) for name in databases}


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each difference between two results of :func:`contents`, naming table, row and column."""
    return list(_differences((), expected, found))


def _differences(place: tuple[str, ...], expected: Any, found: Any) -> Iterator[str]:
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for name in dict.fromkeys([*expected, *found]):
            inner = (*place, str(name))
            if name not in found:
                yield f"{' / '.join(inner)}: is missing; expected {_shown(expected[name])}"
            elif name not in expected:
                yield f"{' / '.join(inner)}: was not expected; found {_shown(found[name])}"
            elif expected[name] != found[name]:
                yield from _differences(inner, expected[name], found[name])
    elif isinstance(expected, Row) and isinstance(found, Row) and expected.columns == found.columns:
        for name, one, other in zip(expected.columns, expected.values, found.values, strict=True):
            if one != other:
                yield from _differences((*place, name), one, other)
    elif expected != found:
        yield f"{' / '.join(place)}: expected {_shown(expected)}, found {_shown(found)}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"


def _database(cursor: DictCursor, settings: Settings, name: str) -> Contents:
    found = definitions_of(cursor, settings, name)
    for label in [label for label in found if label.startswith("table ")]:
        held, kind = found[label], found[label]["options"]["TABLE_TYPE"]
        place = f"{quoted(name)}.{quoted(label.removeprefix('table '))}"
        if kind == "SEQUENCE":
            (held["state"],) = ask(cursor, f"SELECT * FROM {place}")
        elif kind != "VIEW":
            held["rows"] = _rows(cursor, held, place, versioned=kind == "SYSTEM VERSIONED")
    return found


def _rows(cursor: DictCursor, table: Contents, place: str, *, versioned: bool) -> dict[str, Any]:
    """Return the rows by primary key, or without one how often each row is there."""
    listed = sorted(table["columns"].values(), key=lambda one: int(one["ORDINAL_POSITION"]))
    types = {str(one["COLUMN_NAME"]): str(one["DATA_TYPE"]) for one in listed}
    if versioned and "GENERATED ALWAYS AS ROW START" not in table["definition"]:
        # information_schema does not list these columns unless the definition names them.
        types |= {"row_start": "timestamp", "row_end": "timestamp"}
    indexed = sorted(table["indexes"].values(), key=lambda one: int(one["SEQ_IN_INDEX"]))
    key = [str(one["COLUMN_NAME"]) for one in indexed if one["INDEX_NAME"] == "PRIMARY"]
    expressions = ", ".join(_exact(quoted(column), kind) for column, kind in types.items())
    columns = tuple(types)
    history = " FOR SYSTEM_TIME ALL" if versioned else ""
    with closing(cursor.connection.cursor(Cursor)) as plain:
        plain.execute(f"SELECT {expressions} FROM {place}{history}")
        # A zero is equal to a negative zero, and their texts are not.
        rows = sorted(
            (tuple(repr(value) if isinstance(value, float) else value for value in row) for row in plain.fetchall()),
            key=repr,
        )
    if not key:
        return {repr(row): count for row, count in Counter(rows).items()}
    by_key: dict[str, Row] = {}
    places = [columns.index(name) for name in key]
    for row in rows:
        label = "row " + ", ".join(_readable(types[columns[at]], row[at]) for at in places)
        # A versioned table has a key's older rows too.
        while label in by_key:
            label += " again"
        by_key[label] = Row(columns, row)
    return by_key


def _exact(column: str, kind: str) -> str:
    """Return an expression whose text, which is ASCII, tells any two values of *column* apart."""
    if kind in _AS_TEXT:
        return f"CAST({column} AS CHAR)"
    if kind in {"float", "double"}:
        # The product with a double has all digits of a double, which a cast to text may lack.
        return f"{column} * 1e0"
    if kind == "bit":
        return f"CAST({column} + 0 AS CHAR)"
    if kind in {"enum", "set"}:
        # An invalid value of an ENUM is an empty string whose number is 0.
        return f"CONCAT({column} + 0, ':', HEX({column}))"
    if kind == "json":
        column = f"CAST({column} AS CHAR CHARACTER SET utf8mb4)"
    exact = f"IF(LENGTH({column}) > {_LARGE}, CONCAT(LENGTH({column}), ':', SHA2({column}, 512)), HEX({column}))"
    return f"CONCAT(ST_SRID({column}), ':', {exact})" if kind in _SPATIAL else exact


def _readable(kind: str, value: str | None) -> str:
    if value is None or kind not in _TEXT:
        return str(value)
    return bytes.fromhex(value.rpartition(":")[2]).decode("utf-8", "backslashreplace")
