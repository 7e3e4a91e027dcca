"""Random types of columns out of the servers' manuals, and random values of each, as SQL for Hypothesis to draw."""

from __future__ import annotations

import functools
import json
import struct
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.servers.database_server import DatabaseServer
from tests.servers.mariadb import MariaDB

# Quotes, escapes, ends of lines and files, what looks like SQL, and letters of many character sets, with those whose
# second byte in sjis, gbk or big5 is a backslash.
# Of the basic plane only.
BASIC = "'\"\\`%_;,()\0\b\t\n\r\x1a a0AzZ-#/*éçßİıœ€ñÅяЖσςא中表ソ能功許縗한กǅ\u0301\u0085\u2028\ufeff\ufffd\ue000\ud7ff"
LETTERS = BASIC + "😀𠮷\U0010ffff"
_WORDS = ["", " ", "a ", " a", "NULL", "\\N", "0", "-1", "0x41", "');", "--", "/*", "a\0b", "\r\n", "%s", "\\", "''"]


class Facts(NamedTuple):
    """A server's product, the first number of its version, and its collations: they decide which tables it takes."""

    mariadb: bool
    version: int
    collations: tuple[tuple[str, str], ...]


class Kind(NamedTuple):
    """A type of column.

    ``key`` is what follows the column's name in a key, ``None`` when it can be in none. ``is_large`` is set for types
    that take no plain default and that tables in memory do not have. ``update`` is for ``ON UPDATE``. ``defaults`` are
    the literals of defaults, where they are not those of values.
    """

    definition: str
    values: SearchStrategy[str]
    key: str | None = ""
    is_large: bool = False
    update: str = ""
    defaults: SearchStrategy[str] | None = None
    no_default: bool = False


def facts(server: DatabaseServer) -> Facts:
    """Read what a server takes."""
    mariadb = isinstance(server, MariaDB)
    name = "FULL_COLLATION_NAME" if mariadb else "COLLATION_NAME"
    collations = server.execute(
        f"SELECT CHARACTER_SET_NAME, {name} FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY"
        f" WHERE CHARACTER_SET_NAME <> '' ORDER BY CHARACTER_SET_NAME, {name}"
    )
    ((version,),) = server.execute("SELECT CAST(SUBSTRING_INDEX(VERSION(), '.', 1) AS UNSIGNED)")
    return Facts(mariadb, int(version), tuple((charset, collation) for charset, collation in collations))


@functools.cache
def kinds(known: Facts) -> SearchStrategy[Kind]:
    """Return a strategy for every type of a server."""
    places = 38 if known.mariadb else 30
    every = [_integers(), _bits(), _decimals(places), _floats(), _times(), _texts(known), _binaries(known)]
    every += [_texts(known), _choices(known), st.just(_JSON), _shapes(known)]
    if known.mariadb:
        every.append(st.sampled_from([_UUID, _INET6, _INET4]))
    if not known.mariadb or known.version >= 11:
        every.append(st.integers(1, 5).map(lambda size: _vector(size, bare=not known.mariadb)))
    return st.one_of(every)


def quoted_text(text: str) -> str:
    """Return a text as a literal, for a session with backslashes as escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


@functools.cache
def collated(known: Facts) -> SearchStrategy[str]:
    """Return a strategy for a character set, or none, with a collation, or none."""
    options: dict[str, list[str]] = {}
    for charset, collation in known.collations:
        in_charset = f" CHARACTER SET {charset}"
        options.setdefault(charset, [in_charset]).append(f"{in_charset} COLLATE {collation}")
    return st.just("") | st.sampled_from(list(options.values())).flatmap(st.sampled_from)


def binary(value: bytes) -> str:
    """Return bytes as a literal that no character set alters."""
    return f"X'{value.hex()}'"


@st.composite
def _integers(draw: st.DrawFn) -> Kind:
    name, size = draw(
        st.sampled_from([("TINYINT", 8), ("SMALLINT", 16), ("MEDIUMINT", 24), ("INT", 32), ("BIGINT", 64)])
    )
    sign = draw(st.sampled_from(["", "", " UNSIGNED", " ZEROFILL"]))
    low, high = (0, 2**size - 1) if sign else (-(2 ** (size - 1)), 2 ** (size - 1) - 1)
    width = draw(st.sampled_from(["", "", "(1)", "(4)", "(20)"]))
    return Kind(f"{name}{width}{sign}", (st.sampled_from([low, high, 0, 1, -1]) | st.integers(low, high)).map(str))


def _bits() -> SearchStrategy[Kind]:
    return st.integers(1, 64).map(
        lambda size: Kind(f"BIT({size})", (st.sampled_from([0, 1, 2**size - 1]) | st.integers(0, 2**size - 1)).map(str))
    )


@st.composite
def _decimals(draw: st.DrawFn, most_places: int) -> Kind:
    digits = draw(st.integers(1, 65))
    places = draw(st.integers(0, min(digits, most_places)))
    sign = draw(st.sampled_from(["", "", " UNSIGNED", " ZEROFILL"]))

    def number(value: int) -> str:
        text = str(abs(value)).rjust(places + 1, "0")
        end = len(text) - places
        return f"{'-' if value < 0 else ''}{text[:end]}.{text[end:]}"

    most = 10**digits - 1
    values = st.sampled_from([0, 1, -1, most, -most]) | st.integers(-most, most)
    return Kind(f"DECIMAL({digits},{places}){sign}", values.map(number))


def _floats() -> SearchStrategy[Kind]:
    single = st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr)
    double = st.floats(allow_nan=False, allow_infinity=False).map(repr)
    defaults = st.sampled_from(["0", "1", "0.1", "16777217", "3.4028234e38", "1.4e-45", "-1e15", "1e15"])
    # MySQL shows a negative zero as a default that it refuses, and MyDumper makes a zero of one in a DOUBLE column
    # (docs/explanation/limits.md).
    signed = single | st.just("-0e0")
    # Rounded, these are no negative zeros.
    fixed = double.filter(lambda number: not -1 < float(number) < 0)
    forms = ["FLOAT", "FLOAT", "FLOAT UNSIGNED", "FLOAT(7,4)", "FLOAT(255,30)", "FLOAT(20)", "FLOAT(25,0)"]
    large = ["DOUBLE", "DOUBLE", "DOUBLE UNSIGNED", "DOUBLE ZEROFILL", "FLOAT(53)"]
    extremes = st.sampled_from(["5e-324", "1.7976931348623157e308", "-2.2250738585072014e-308"])
    return st.one_of(
        # MySQL cannot read one with ZEROFILL from a CSV table, which it marks as crashed.
        st.just(Kind("FLOAT ZEROFILL", defaults | single, defaults=defaults)),
        st.sampled_from([Kind(form, defaults | signed, defaults=defaults) for form in forms]),
        st.sampled_from([Kind(form, defaults | double | extremes, defaults=defaults | extremes) for form in large]),
        st.just(Kind("DOUBLE(20,5)", defaults | fixed, defaults=defaults)),
        st.just(Kind("DOUBLE(255,30)", defaults | fixed, defaults=defaults)),
    )


@st.composite
def _times(draw: st.DrawFn) -> Kind:
    name = draw(st.sampled_from(["DATE", "TIME", "DATETIME", "DATETIME", "TIMESTAMP", "YEAR"]))
    digits = draw(st.integers(0, 6))
    size = f"({digits})" if digits else ""
    if name == "YEAR":
        return Kind(name, st.sampled_from(["0", "1901", "2155", "1970", "2000", "'0'"]))
    if name == "DATE":
        odd = st.sampled_from(["0000-00-00", "0001-01-01", "9999-12-31", "2023-02-31", "2024-00-10", "2024-10-00"])
        return Kind(name, (odd | st.dates().map(str)).map(quoted_text))
    if name == "TIME":
        odd = st.sampled_from(["-838:59:59.999999", "838:59:59", "00:00:00.000001", "-00:00:00.5", "24:00:00"])
        return Kind(f"TIME{size}", (odd | st.times().map(str)).map(quoted_text))
    odd = st.sampled_from(
        [
            *("0000-00-00 00:00:00", "1970-01-01 00:00:01", "2038-01-19 03:14:07.999999", "2106-02-07 06:28:15"),
            *(
                "9999-12-31 23:59:59.999999",
                "2023-02-31 10:00:00",
                "2024-00-10 01:02:03.5",
                "2026-10-25 00:30:00.9999995",
            ),
        ]
    )
    values = (odd | st.datetimes().map(str)).map(quoted_text)
    return Kind(f"{name}{size}", values, update=f"CURRENT_TIMESTAMP{size}")


@functools.cache
def words(letters: str = LETTERS) -> SearchStrategy[str]:
    """Return a strategy for texts."""
    return st.sampled_from(_WORDS) | st.text(letters, max_size=12)


@functools.cache
def _text_values() -> SearchStrategy[str]:
    """Return a strategy for texts, bytes that may be none in the column's character set, and long ones."""
    text = words().map(lambda word: f"_utf8mb4 {binary(word.encode())}")
    return st.one_of(
        text,
        text,
        st.binary(max_size=10).map(binary),
        st.tuples(text, st.integers(20, 40_000)).map(lambda both: f"REPEAT({both[0]}, {both[1]})"),
    )


@st.composite
def _texts(draw: st.DrawFn, known: Facts) -> Kind:
    size = draw(st.integers(0, 60) | st.sampled_from([255, 500]))
    name = draw(
        st.sampled_from(
            [
                f"CHAR({min(size, 255)})",
                f"VARCHAR({size})",
                f"VARCHAR({size})",
                "TINYTEXT",
                "TEXT",
                "MEDIUMTEXT",
                "LONGTEXT",
            ]
        )
    )
    packed = " COMPRESSED" if known.mariadb and not name.startswith("CHAR") and draw(st.integers(0, 9)) == 9 else ""
    is_large = not name.startswith(("CHAR", "VARCHAR"))
    # MariaDB does not show a default with other characters (docs/explanation/limits.md).
    defaults = words(BASIC if known.mariadb else LETTERS).map(quoted_text)
    key = None if packed or not size else "(5)" if is_large or size > 100 else ""
    return Kind(f"{name}{packed}{draw(collated(known))}", _text_values(), key, is_large, defaults=defaults)


@st.composite
def _binaries(draw: st.DrawFn, known: Facts) -> Kind:
    size = draw(st.integers(0, 60) | st.just(255))
    name = draw(
        st.sampled_from([f"BINARY({size})", f"VARBINARY({size})", "TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB"])
    )
    packed = " COMPRESSED" if known.mariadb and not name.startswith("BINARY") and draw(st.integers(0, 9)) == 9 else ""
    is_large = name.endswith("BLOB")
    some = (words().map(str.encode) | st.binary(max_size=20)).map(binary)
    values = some | st.tuples(some, st.integers(20, 40_000)).map(lambda both: f"REPEAT({both[0]}, {both[1]})")
    return Kind(f"{name}{packed}", values, None if packed or not size else "(5)" if is_large else "", is_large)


@st.composite
def _choices(draw: st.DrawFn, known: Facts) -> Kind:
    name = draw(st.sampled_from(["ENUM", "SET"]))
    count = draw(st.integers(1, 5) | st.sampled_from([8, 9, 64]))
    # Servers do not show members with other characters (docs/explanation/limits.md).
    letters = BASIC.replace(",", "") if name == "SET" else BASIC
    # Every member has another beginning, so that no collation takes two for the same.
    members = [chr(ord("A") + number) if number < 26 else f"_{number}" for number in range(count)]
    members[0] = ""
    tails = draw(st.lists(st.text(letters, max_size=4), max_size=count))
    named = [member + tail for member, tail in zip(members, [*tails, *[""] * count], strict=False)]
    listed = ",".join(quoted_text(member.rstrip(" ")) for member in named)
    most = count if name == "ENUM" else 2**count - 1
    values = (st.sampled_from([0, 1, most]) | st.integers(0, most)).map(str)
    return Kind(f"{name}({listed}){draw(collated(known))}", values)


@functools.cache
def _documents() -> SearchStrategy[str]:
    texts = words() | st.text(LETTERS, max_size=5)
    numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    leaves: SearchStrategy[object] = st.one_of(st.none(), st.booleans(), numbers, texts)
    whole = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=5
    )
    return st.tuples(whole, st.booleans()).map(
        lambda both: f"CONVERT({binary(json.dumps(both[0], ensure_ascii=both[1]).encode())} USING utf8mb4)"
    )


_JSON = Kind("JSON", _documents(), None, is_large=True)
_UUID = Kind("UUID", st.uuids().map(lambda one: quoted_text(str(one))) | st.just(quoted_text(str(uuid.UUID(int=0)))))
_INET6 = Kind("INET6", (st.ip_addresses(v=6).map(str) | st.sampled_from(["::", "::ffff:1.2.3.4"])).map(quoted_text))
_INET4 = Kind("INET4", st.ip_addresses(v=4).map(lambda one: quoted_text(str(one))))


def _vector(size: int, *, bare: bool) -> Kind:
    numbers = st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=size, max_size=size)
    values = numbers.map(lambda found: binary(struct.pack(f"<{size}f", *found)))
    return Kind("VECTOR" if bare and size == 5 else f"VECTOR({size})", values, None, is_large=True, no_default=bare)


def _shapes(known: Facts) -> SearchStrategy[Kind]:
    number = st.sampled_from(["0", "-0.0", "1", "1e-300", "-0.1"]) | st.integers(-80, 80).map(str)
    point = st.tuples(number, number).map(" ".join)
    line = st.lists(point, min_size=2, max_size=4).map(lambda found: f"({','.join(found)})")
    ring = st.integers(1, 9).map(lambda size: f"((0 0,0 {size},{size} {size},{size} 0,0 0))")
    texts: dict[str, SearchStrategy[str]] = {
        "POINT": point.map("POINT({})".format),
        "LINESTRING": line.map("LINESTRING{}".format),
        "POLYGON": ring.map("POLYGON{}".format),
        "MULTIPOINT": line.map("MULTIPOINT{}".format),
        "MULTILINESTRING": line.map("MULTILINESTRING({})".format),
        "MULTIPOLYGON": ring.map("MULTIPOLYGON({})".format),
    }
    single = st.one_of(*texts.values())
    texts["GEOMETRYCOLLECTION"] = single.map("GEOMETRYCOLLECTION({})".format) | st.just("GEOMETRYCOLLECTION EMPTY")
    texts["GEOMETRY"] = single
    systems: Sequence[int] = (0, 0, 4326, 3857)

    @st.composite
    def shape(draw: st.DrawFn) -> Kind:
        name, system = draw(st.sampled_from(sorted(texts))), draw(st.sampled_from(systems))
        word = "REF_SYSTEM_ID=" if known.mariadb else "SRID "
        wanted = f" {word}{system}" if draw(st.booleans()) else ""
        values = texts[name].map(lambda text: f"ST_GeomFromText('{text}', {system})")
        return Kind(f"{name}{wanted}", values, None, is_large=True)

    return shape()
