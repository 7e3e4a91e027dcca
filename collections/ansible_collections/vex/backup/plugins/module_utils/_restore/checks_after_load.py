# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the server after a restore: differences from the manifest, and objects that a person should check."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import TABLE, VIEW
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import hides_events, list_objects
from ansible_collections.vex.backup.plugins.module_utils._restore.definitions import label_of
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore, RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import (
    converted_errors,
    qualified,
    shortened,
    table_key,
)
from ansible_collections.vex.backup.plugins.module_utils._restore.table_work import RowCounts

# connection.py keeps the reason of a failed import; every module that uses this file reports it first.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

# In TRIGGERS and EVENTS, MariaDB takes the names of databases for equal when only their accents differ.
_DEFINERS = """
SELECT DEFINER, CONCAT('view ', TABLE_NAME) FROM information_schema.VIEWS WHERE TABLE_SCHEMA = %(database)s
UNION ALL
SELECT DEFINER, CONCAT(LOWER(ROUTINE_TYPE), ' ', ROUTINE_NAME) FROM information_schema.ROUTINES
 WHERE ROUTINE_SCHEMA = %(database)s
UNION ALL
SELECT DEFINER, CONCAT('trigger ', TRIGGER_NAME) FROM information_schema.TRIGGERS
 WHERE CAST(TRIGGER_SCHEMA AS BINARY) = CAST(%(database)s AS BINARY)
"""
_DEFINERS_OF_EVENTS = """
SELECT DEFINER, CONCAT('event ', EVENT_NAME) FROM information_schema.EVENTS
 WHERE CAST(EVENT_SCHEMA AS BINARY) = CAST(%(database)s AS BINARY)
"""
_USES_OF_NAME = """
SELECT CONCAT('view ', TABLE_NAME) FROM information_schema.VIEWS
 WHERE TABLE_SCHEMA = %(target)s AND LOCATE(%(name)s, VIEW_DEFINITION) > 0
UNION ALL
SELECT CONCAT(LOWER(ROUTINE_TYPE), ' ', ROUTINE_NAME) FROM information_schema.ROUTINES
 WHERE ROUTINE_SCHEMA = %(target)s AND LOCATE(%(name)s, REPLACE(ROUTINE_DEFINITION, '`', '')) > 0
UNION ALL
SELECT CONCAT('trigger ', TRIGGER_NAME) FROM information_schema.TRIGGERS
 WHERE CAST(TRIGGER_SCHEMA AS BINARY) = CAST(%(target)s AS BINARY)
   AND LOCATE(%(name)s, REPLACE(ACTION_STATEMENT, '`', '')) > 0
"""
_USES_OF_NAME_IN_EVENTS = """
SELECT CONCAT('event ', EVENT_NAME) FROM information_schema.EVENTS
 WHERE CAST(EVENT_SCHEMA AS BINARY) = CAST(%(target)s AS BINARY)
   AND LOCATE(%(name)s, REPLACE(EVENT_DEFINITION, '`', '')) > 0
"""
NO_SUCH_TABLE = 1146


def find_differences(
    connection: Connection[Cursor], plan: RestorePlan, counted: RowCounts, failed: t.AbstractSet[str]
) -> t.List[str]:
    """Return a sentence for each difference between the server and the manifest.

    :param failed: the labels of objects whose failure is known already
    """
    key = table_key(connection)
    return [
        f"{label} {text}"
        for one in plan.databases
        for label, text in _differences_of(connection, one, counted, key)
        if label not in failed
    ]


def find_warnings(connection: Connection[Cursor], one: DatabaseRestore) -> t.List[str]:
    """Return a sentence for each object that was restored and may not work."""
    with converted_errors(), connection.cursor() as cursor:
        return [
            *_unreadable_views(cursor, one),
            *_missing_definers(cursor, one),
            *_uses_of_old_name(cursor, one),
        ]


def _differences_of(
    connection: Connection[Cursor], one: DatabaseRestore, counted: RowCounts, key: t.Callable[[str], str]
) -> t.Iterator[t.Tuple[str, str]]:
    now = list_objects(connection, one.target)
    for name, table in one.tables.items():
        has = counted.get((one.name, name))
        if has is None:
            yield label_of(one, TABLE, name), "is missing"
        elif has != table.rows:
            yield label_of(one, TABLE, name), f"has {has} rows, {table.rows} were dumped"
    views = {key(name) for name in now.views}
    for name in one.views:
        if key(name) not in views:
            yield label_of(one, VIEW, name), "is missing"
    for program in one.programs if one.table is None else ():
        if program not in set(now.programs):
            yield label_of(one, *program), "is missing"


def _unreadable_views(cursor: Cursor, one: DatabaseRestore) -> t.Iterator[str]:
    for view in one.views:
        try:
            cursor.execute(f"SELECT 1 FROM {qualified(one.target, view)} LIMIT 0")
        except (pymysql.err.OperationalError, pymysql.err.ProgrammingError) as error:
            # A missing view is a difference.
            if error.args[0] != NO_SUCH_TABLE:
                yield f"view {one.target}.{view} was restored and cannot be read: {error.args[1]}"


def _missing_definers(cursor: Cursor, one: DatabaseRestore) -> t.Iterator[str]:
    cursor.execute(_with_events(cursor, _DEFINERS, _DEFINERS_OF_EVENTS), {"database": one.target})
    by_definer: t.Dict[str, t.List[str]] = {}
    for definer, name in cursor.fetchall():
        by_definer.setdefault(definer, []).append(name)
    for definer, names in by_definer.items():
        if not _is_account(cursor, definer):
            fails = "it fails when it is used" if len(names) == 1 else "they fail when they are used"
            yield (
                f"{one.target}: the definer {definer} of {shortened(names)} is not an account of this server; {fails}, "
                "until the account is created"
            )


def _uses_of_old_name(cursor: Cursor, one: DatabaseRestore) -> t.Iterator[str]:
    if one.target == one.name:
        return
    names: t.List[str] = []
    query = _with_events(cursor, _USES_OF_NAME, _USES_OF_NAME_IN_EVENTS)
    for name in (one.name, quote_identifier(one.name)):
        cursor.execute(query, {"target": one.target, "name": f"{name}."})
        names += [row[0] for row in cursor.fetchall() if row[0] not in names]
    if names:
        uses = "so it uses" if len(names) == 1 else "so they use"
        yield (
            f"{one.target}: the text of {shortened(names)} names the database {one.name}, {uses} that database and not "
            "the restored one"
        )


def _with_events(cursor: Cursor, query: str, of_events: str) -> str:
    """Return a query for objects, and for events where the server shows them."""
    return query if hides_events(cursor) else f"{query}UNION ALL{of_events}"


def _is_account(cursor: Cursor, definer: str) -> bool:
    user, _at, host = definer.rpartition("@")
    try:
        # A role of MariaDB is an account without a host.
        cursor.execute("SELECT 1 FROM mysql.user WHERE User = %s AND Host = %s", (user or host, host if user else ""))
    except pymysql.err.OperationalError:
        # The account that restores may not read the list of accounts.
        return True
    return cursor.fetchone() is not None
