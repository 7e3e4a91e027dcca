"""Everything that a server knows about the objects of a database, for comparisons that tests make."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from pymysql.cursors import DictCursor

_ENDLESS = 2**64 - 1
# Settings of a session that change what a server shows. Each product, and each version, has only some of the optional.
_SETTINGS = {
    # MySQL reads no other date from a CSV table.
    "sql_mode": "'ALLOW_INVALID_DATES'",
    "time_zone": "'+00:00'",
    "sql_select_limit": str(_ENDLESS),
    "sql_big_selects": "1",
    "max_sort_length": "8192",
    "lc_messages": "'en_US'",
    "sql_quote_show_create": "1",
    "group_concat_max_len": "1000000",
    # The tests' machine may be slow.
    "net_read_timeout": "3600",
    "net_write_timeout": "3600",
    "wait_timeout": "3600",
}
_OPTIONAL_SETTINGS = {
    "max_execution_time": "0",
    "max_statement_time": "0",
    "idle_transaction_timeout": "0",
    "idle_readonly_transaction_timeout": "0",
    "idle_write_transaction_timeout": "0",
    "information_schema_stats_expiry": "0",
    "show_gipk_in_create_table_and_information_schema": "ON",
    "show_create_table_verbosity": "OFF",
    "system_versioning_asof": "DEFAULT",
    "terminology_use_previous": "NONE",
    "character_set_collations": "X''",
    "sql_buffer_result": "OFF",
}

# What differs between a table and its copy.
_OF_A_COPY = frozenset(
    "CREATED LAST_ALTERED CREATE_TIME UPDATE_TIME CHECK_TIME CHECKSUM TABLE_ROWS AVG_ROW_LENGTH DATA_LENGTH"
    " MAX_DATA_LENGTH INDEX_LENGTH MAX_INDEX_LENGTH DATA_FREE CARDINALITY LAST_EXECUTED ORIGINATOR PRIVILEGES"
    " TEMPORARY VERSION".split()
)
# MySQL shows the character set beside the collation only if the statement had it; the collation implies it.
_IMPLIED = re.compile(r" CHARACTER SET \w+(?= COLLATE )")
_COUNTER = re.compile(r" AUTO_INCREMENT=(\d+)")

_TABLE_PARTS = {
    "columns": ("COLUMNS", ("COLUMN_NAME",)),
    "indexes": ("STATISTICS", ("INDEX_NAME", "SEQ_IN_INDEX")),
    "constraints": ("TABLE_CONSTRAINTS", ("CONSTRAINT_TYPE", "CONSTRAINT_NAME")),
    "keys": ("KEY_COLUMN_USAGE", ("CONSTRAINT_NAME", "ORDINAL_POSITION")),
    "partitions": ("PARTITIONS", ("PARTITION_NAME", "SUBPARTITION_NAME")),
}
# Each is a table of information_schema, its column with the schema, and the columns that name the object.
_PROGRAMS = {
    "routine": ("ROUTINES", "ROUTINE_SCHEMA", ("ROUTINE_TYPE", "ROUTINE_NAME")),
    "parameter": ("PARAMETERS", "SPECIFIC_SCHEMA", ("ROUTINE_TYPE", "SPECIFIC_NAME", "ORDINAL_POSITION")),
    "trigger": ("TRIGGERS", "TRIGGER_SCHEMA", ("TRIGGER_NAME",)),
    "event": ("EVENTS", "EVENT_SCHEMA", ("EVENT_NAME",)),
    "reference": ("REFERENTIAL_CONSTRAINTS", "CONSTRAINT_SCHEMA", ("TABLE_NAME", "CONSTRAINT_NAME")),
    "check": ("CHECK_CONSTRAINTS", "CONSTRAINT_SCHEMA", ("CONSTRAINT_NAME", "TABLE_NAME")),
}

Found = dict[str, Any]


class Settings(NamedTuple):
    """Facts about the server that decide how it is asked."""

    mariadb: bool


def quoted(name: str) -> str:
    """Return a name in backticks."""
    return "`" + name.replace("`", "``") + "`"


def ask(cursor: DictCursor, query: str, *values: str) -> list[Found]:
    """Return the rows of a query by column."""
    cursor.execute(query, values or None)
    return list(cursor.fetchall())


def of_schema(cursor: DictCursor, source: str, database: str, column: str = "TABLE_SCHEMA") -> list[Found]:
    """Return the rows of a table of information_schema about *database*."""
    # information_schema compares names without regard to accents, so `a` has the objects of `á` too.
    rows = ask(cursor, f"SELECT * FROM information_schema.{source} WHERE {column} = %s", database)
    return [row for row in rows if row[column] == database]


def set_up(cursor: DictCursor) -> Settings:
    """Give the session settings of its own, whatever the server's are."""
    cursor.execute("SET NAMES utf8mb4")
    for name, value in _SETTINGS.items():
        cursor.execute(f"SET SESSION {name} = {value}")
    for name, value in _OPTIONAL_SETTINGS.items():
        if ask(cursor, "SHOW SESSION VARIABLES LIKE %s", name):
            cursor.execute(f"SET SESSION {name} = {value}")
    ((version),) = ask(cursor, "SELECT VERSION() AS version")
    return Settings(mariadb="MariaDB" in version["version"])


def definitions_of(cursor: DictCursor, settings: Settings, database: str) -> Found:
    """Return the definitions of a database and of its objects, by their kind and name."""
    found: Found = {"": of_schema(cursor, "SCHEMATA", database, "SCHEMA_NAME")[0]}
    for row in of_schema(cursor, "TABLES", database):
        found[f"table {row['TABLE_NAME']}"] = {"options": _kept(row)}
    for part, (source, names) in _TABLE_PARTS.items():
        for table in found:
            if table:
                found[table][part] = {}
        for row in of_schema(cursor, source, database):
            label = " ".join(str(row[name]) for name in names)
            found[f"table {row['TABLE_NAME']}"][part][label] = _kept(row)
    for row in of_schema(cursor, "VIEWS", database):
        # The order of creation decides if the server names the database here; SHOW CREATE VIEW always names it.
        kept = {name: value for name, value in _kept(row).items() if name != "VIEW_DEFINITION"}
        found[f"table {row['TABLE_NAME']}"]["view"] = kept
    for table in [label for label in found if label]:
        _show_table(cursor, found[table], database, table.removeprefix("table "))
    for kind, (source, column, names) in _PROGRAMS.items():
        for row in of_schema(cursor, source, database, column):
            label = " ".join(str(row[name]) for name in names if name in row)
            found[f"{kind} {label}"] = _kept(row)
    _show_programs(cursor, found, database)
    return found


def _show_table(cursor: DictCursor, table: Found, database: str, name: str) -> None:
    kind = {"VIEW": "VIEW", "SEQUENCE": "SEQUENCE"}.get(table["options"]["TABLE_TYPE"], "TABLE")
    # MariaDB 10.11 shows the bytes of binary defaults as they are, and MySQL expressions in their own character sets.
    cursor.execute("SET SESSION character_set_results = binary")
    shown = _only(cursor, f"SHOW CREATE {kind} {quoted(database)}.{quoted(name)}")
    cursor.execute("SET SESSION character_set_results = utf8mb4")
    found: bytes = shown.get("Create Table") or shown["Create View"]
    text = found.decode("utf-8", "backslashreplace")
    counter = _COUNTER.search(text) if kind == "TABLE" else None
    table["definition"] = _IMPLIED.sub("", _COUNTER.sub("", text, count=1) if counter else text)
    if counter:
        table["counter"] = counter.group(1)


def _show_programs(cursor: DictCursor, found: Found, database: str) -> None:
    """Add the statement that created each stored program, with the settings that it was created with."""
    for label, row in found.items():
        kind, _, _name = label.partition(" ")
        if kind == "routine":
            shown = f"{row['ROUTINE_TYPE']} {quoted(database)}.{quoted(row['ROUTINE_NAME'])}"
        elif kind == "trigger":
            shown = f"TRIGGER {quoted(database)}.{quoted(row['TRIGGER_NAME'])}"
        elif kind == "event":
            shown = f"EVENT {quoted(database)}.{quoted(row['EVENT_NAME'])}"
        else:
            continue
        created = _only(cursor, f"SHOW CREATE {shown}")
        row["created by"] = {name: value for name, value in created.items() if name != "Created"}


def _only(cursor: DictCursor, query: str, *values: str) -> Found:
    (row,) = ask(cursor, query, *values)
    return row


def _kept(row: Found) -> Found:
    return {name: value for name, value in row.items() if name not in _OF_A_COPY and name != "AUTO_INCREMENT"}
