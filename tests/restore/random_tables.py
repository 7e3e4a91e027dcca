"""Random tables with rows, as SQL for Hypothesis to draw."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ansible_collections.vex.backup.plugins.module_utils._mysql.fingerprint import FULL, MOST_ROWS, SAMPLE
from tests.restore.random_values import BASIC, Facts, Kind, collated, kinds, quoted_text, words
from tests.servers.definitions import quoted

# No server takes a character beyond U+FFFF, or a space at the end, in a name.
_PLAIN = "abzAZ019_-"
_PARTS = [
    *("a", "B", "é", "Ç", "ß", "İ", "中", "ソ", "한", "א", "\u0301", "\ufeff", "\u3000", "`", "'", '"', "\\", "/", "%"),
    *(
        "%s",
        "%%",
        "$",
        ".",
        "..",
        ".sql",
        ".00000",
        ".00001.sql",
        "-schema",
        "-schema-create",
        "-checksum",
        "-metadata",
    ),
    *(
        "mydumper_",
        "mydumper_0",
        "_0",
        "0",
        "1e1",
        "9",
        "@0041",
        "@",
        "#",
        "#mysql50#",
        "#sql-",
        ",",
        ";",
        ";;",
        "\n--",
    ),
    *(
        "(",
        ")",
        "[",
        "]",
        "{}",
        "*",
        "/*",
        "*/",
        "--",
        "~",
        "^",
        "|",
        "&",
        "=",
        "+",
        "?",
        "<",
        ">",
        "\t",
        "\n",
        "\r",
        ":",
    ),
    *("\x01", "\x7f", " ", "!", "select", "ORDER", "NULL", "table", "key", "metadata", "DELIMITER ;"),
]
# The session that fills tables: dates and zeros stay as they are, and what is too large becomes the greatest value.
SESSION = (
    "SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00',"
    " default_storage_engine = InnoDB"
)


_IN_TEXTS = ("CHAR", "VARCHAR", "TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT")
_SHAPES = ("GEOMETRY", "POINT", "LINESTRING", "POLYGON", "MULTI")


class RandomTable(NamedTuple):
    """A table: ``definition`` is what follows its name in the statement, each of ``rows`` is a list of literals."""

    name: str
    definition: str
    columns: str
    rows: tuple[str, ...]

    @property
    def create(self) -> str:
        """The statement that creates it."""
        return f"CREATE TABLE {quoted(self.name)} {self.definition}"

    @property
    def inserts(self) -> list[str]:
        """The statements that insert its rows."""
        return [f"INSERT INTO {quoted(self.name)} ({self.columns}) VALUES ({row})" for row in self.rows]


class RandomDatabase(NamedTuple):
    """A database, the options that follow its name in the statement, and how a dump takes its checksums.

    Tables with more than ``most_rows`` rows are large ones.
    """

    name: str
    options: str
    tables: tuple[RandomTable, ...]
    most_rows: int = MOST_ROWS
    checksums: str = SAMPLE


class _Column(NamedTuple):
    name: str
    kind: Kind
    is_null: bool
    attributes: str

    @property
    def definition(self) -> str:
        return f"{quoted(self.name)} {self.kind.definition}{self.attributes}"


# Kinds of keys, each with the columns that it takes.
_KEYS: dict[str, Callable[[_Column], bool]] = {
    "PRIMARY KEY": lambda column: column.kind.key is not None and not column.is_null,
    "UNIQUE KEY": lambda column: column.kind.key is not None,
    "KEY": lambda column: column.kind.key is not None,
    "FULLTEXT KEY": lambda column: column.kind.definition.startswith(_IN_TEXTS),
    "SPATIAL KEY": lambda column: column.kind.definition.startswith(_SHAPES) and not column.is_null,
}


@functools.cache
def names(*, plain: bool = False) -> SearchStrategy[str]:
    """Return a strategy for names of up to 64 characters."""
    simple = st.text(_PLAIN, min_size=1, max_size=12)
    if plain:
        return simple
    odd = st.lists(st.sampled_from(_PARTS), min_size=1, max_size=6).map(lambda parts: "".join(parts)[:64])
    long = st.tuples(st.sampled_from(_PARTS), simple).map(lambda both: (both[0] + both[1] * 64)[:64])
    # The servers' clients take a backslash at the end of a line away (docs/explanation/limits.md).
    return (odd | odd | odd | long).filter(lambda name: name == name.rstrip(" \t\n\r") and "\\\n" not in name)


def databases(known: Facts, count: int) -> SearchStrategy[RandomDatabase]:
    """Return a strategy for databases of *count* tables each."""
    tables = st.lists(_table(known), min_size=count, max_size=count, unique_by=lambda table: table.name.casefold())
    return st.builds(
        RandomDatabase,
        # The first letter keeps it apart from the server's own databases. A directory has five bytes for a character.
        (names(plain=True) | names()).map(lambda name: f"r{name}"[:50].rstrip()),
        collated(known),
        tables.map(tuple),
        st.sampled_from([MOST_ROWS, 2]),
        st.sampled_from([SAMPLE, FULL]),
    )


@st.composite
def _table(draw: st.DrawFn, known: Facts) -> RandomTable:
    plain = draw(st.booleans())
    engine = draw(st.sampled_from(["InnoDB"] * 7 + ["MyISAM", "MEMORY", "CSV", "Aria" if known.mariadb else "InnoDB"]))
    name, *column_names = draw(
        st.lists(names(plain=plain), min_size=3, max_size=9, unique_by=lambda name: name.casefold().strip())
    )
    computed = engine not in {"CSV", "MEMORY"} and len(column_names) > 2 and draw(st.integers(0, 2)) == 2
    last = column_names.pop() if computed else ""
    columns = [draw(_column(known, one, engine)) for one in column_names]
    is_counted = engine != "CSV" and draw(st.integers(0, 3)) == 3
    if is_counted:
        columns[0] = draw(_counter(columns[0].name))
    parts = [column.definition for column in columns]
    if computed:
        parts.append(draw(_computed(last, columns)))
    keys = [] if engine == "CSV" else draw(_keys(known, columns))
    if is_counted:
        keys = [f"PRIMARY KEY ({quoted(columns[0].name)})", *(key for key in keys if not key.startswith("PRIMARY"))]
    options = draw(_options(known, engine))
    if engine == "InnoDB" and len(keys) == 1 and keys[0].startswith("PRIMARY") and draw(st.integers(0, 2)) == 2:
        options += " PARTITION BY KEY () PARTITIONS 3"
    count = draw(st.integers(0, 8))
    rows = [draw(st.tuples(*map(_value, columns))) for _row in range(count)]
    return RandomTable(
        name,
        f"({', '.join([*parts, *keys])}) ENGINE = {engine}{options}",
        ", ".join(quoted(column.name) for column in columns),
        tuple(", ".join(row) for row in rows),
    )


@st.composite
def _column(draw: st.DrawFn, known: Facts, name: str, engine: str) -> _Column:
    # CSV has large texts, and neither documents nor shapes.
    limits = {"MEMORY": lambda one: not one.is_large, "CSV": lambda one: not one.is_large or one.key is not None}
    kind = draw(kinds(known).filter(limits.get(engine, lambda _one: True)))
    is_null = engine != "CSV" and draw(st.integers(0, 3)) > 0
    attributes = " NULL" if is_null else " NOT NULL"
    odd = draw(st.integers(0, 14))
    if odd == 1:
        attributes += f" DEFAULT ({draw(kind.values if kind.defaults is None else kind.defaults)})"
    elif odd == 2 and not kind.is_large:
        attributes += f" DEFAULT {draw(kind.values if kind.defaults is None else kind.defaults)}"
    elif odd == 3 and kind.update:
        attributes += f" DEFAULT {kind.update} ON UPDATE {kind.update}"
    elif odd == 4 and is_null:
        attributes += " INVISIBLE"
    elif odd == 5:
        attributes += f" COMMENT {quoted_text(draw(words()))}"
    elif odd == 6:
        attributes += f" CHECK ({quoted(name)} IS NULL OR {quoted_text(draw(words(BASIC)))} IS NOT NULL)"
    return _Column(name, kind, is_null, attributes)


def _counter(name: str) -> SearchStrategy[_Column]:
    return st.sampled_from(["TINYINT", "INT UNSIGNED", "BIGINT"]).map(
        lambda kind: _Column(name, Kind(kind, st.integers(-3, 100).map(str)), False, " NOT NULL AUTO_INCREMENT")
    )


def _value(column: _Column) -> SearchStrategy[str]:
    special = ["NULL", "DEFAULT"] if column.is_null else [] if column.kind.no_default else ["DEFAULT"]
    return st.one_of(*[column.kind.values] * 3, *map(st.just, special))


@st.composite
def _computed(draw: st.DrawFn, name: str, columns: list[_Column]) -> str:
    of = quoted(draw(st.sampled_from(columns)).name)
    text = quoted_text(draw(st.text("aé'\\\"`%中😀\n", max_size=5)))
    kind, expression = draw(
        st.sampled_from(
            [
                ("INT", f"{of} IS NULL"),
                ("BIGINT", f"LENGTH({of})"),
                ("LONGTEXT", f"HEX({of})"),
                ("VARCHAR(40)", f"CONCAT({text}, ISNULL({of}))"),
                ("VARCHAR(40) CHARACTER SET utf8mb4", f"IF({of} IS NULL, {text}, NULL)"),
                ("INT", "1"),
            ]
        )
    )
    kept = draw(st.sampled_from(["VIRTUAL", "STORED"]))
    return f"{quoted(name)} {kind} GENERATED ALWAYS AS ({expression}) {kept}"


@st.composite
def _keys(draw: st.DrawFn, known: Facts, columns: list[_Column]) -> list[str]:
    found: list[str] = []
    hidden = " IGNORED" if known.mariadb else " INVISIBLE"
    for kind in draw(st.lists(st.sampled_from([*_KEYS, "KEY", "KEY"]), max_size=3)):
        fit = [column for column in columns if _KEYS[kind](column)]
        if fit and not (kind == "PRIMARY KEY" and any(key.startswith(kind) for key in found)):
            most = 1 if kind == "SPATIAL KEY" else 3
            chosen = draw(st.lists(st.sampled_from(fit), min_size=1, max_size=most, unique_by=lambda one: one.name))
            odd = f" COMMENT {quoted_text(draw(words(BASIC)))}"
            is_plain = kind not in {"FULLTEXT KEY", "SPATIAL KEY"}
            rest = draw(st.sampled_from(["", "", odd, hidden, " USING HASH", " USING BTREE"])) if is_plain else ""
            order = draw(st.sampled_from(["", "", " DESC"])) if is_plain and rest != " USING HASH" else ""
            of = [f"{quoted(one.name)}{(one.kind.key or '') if is_plain else ''}{order}" for one in chosen]
            label = f" {quoted(draw(names()))}" if kind != "PRIMARY KEY" and draw(st.booleans()) else ""
            found.append(f"{kind}{label} ({', '.join(of)}){rest}")
    return found


@st.composite
def _options(draw: st.DrawFn, known: Facts, engine: str) -> str:
    options = draw(collated(known))
    if engine == "Aria":
        # Without it, the server shows another option of the table that it creates from the shown definition.
        options += draw(
            st.sampled_from([" PAGE_CHECKSUM = 0", " PAGE_CHECKSUM = 1", " TRANSACTIONAL = 0 PAGE_CHECKSUM = 1"])
        )
    odd = draw(st.integers(0, 9))
    if odd == 1:
        options += f" COMMENT = {quoted_text(draw(words()))}"
    elif odd == 2 and engine != "Aria":
        # Of an Aria table, the server shows another format.
        options += " ROW_FORMAT = " + draw(st.sampled_from(["DYNAMIC", "COMPACT", "REDUNDANT", "COMPRESSED", "FIXED"]))
    elif odd == 3:
        options += f" AUTO_INCREMENT = {draw(st.integers(1, 2**31))}"
    elif odd == 4 and known.mariadb and engine == "InnoDB":
        options += draw(st.sampled_from([" WITH SYSTEM VERSIONING", " PAGE_COMPRESSED = 1"]))
    elif odd == 5:
        options += draw(st.sampled_from([" CHECKSUM = 1", " MIN_ROWS = 5 MAX_ROWS = 9", " STATS_PERSISTENT = 0"]))
    return options
