# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts, time zones, tablespaces and engines of a backup's definitions, made on a scratch server that has none.

MySQL does not create a view on another view whose definer is not an account of the server, or may not read what that
view reads. No server creates an event with a time zone that it does not know; an empty server knows none by name.
"""

from __future__ import annotations

import contextlib
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import SEQUENCE, TABLE, Definition
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier
from ansible_collections.vex.backup.plugins.module_utils._mysql.needs import (
    ENCRYPTION,
    ENGINE,
    PACKET,
    TABLESPACE,
    needs_of,
)
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import converted_errors

# connection.py keeps the reason of a failed import; every module that uses this file reports it first.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

# Double quotes are for programs of the SQL mode ANSI_QUOTES.
_DEFINER = re.compile(rb"DEFINER\s*=\s*(`(?:[^`]|``)+`@`(?:[^`]|``)*`|\"(?:[^\"]|\"\")+\"@\"(?:[^\"]|\"\")*\")")
_TIME_ZONE = re.compile(rb"SET time_zone = '([A-Z][\w+/-]*)'\Z", re.IGNORECASE)
_IS_UNKNOWN_ZONE = "SELECT CONVERT_TZ('2000-01-01 00:00:00', '+00:00', %(name)s) IS NULL"
_ENGINES = "SELECT ENGINE FROM information_schema.ENGINES WHERE SUPPORT <> 'NO'"
# Plugins that have another name than their engine.
_PLUGINS = {"FEDERATED": "federatedx"}
_BLOCK_SIZE = re.compile(rb"\n\) [^\n]* KEY_BLOCK_SIZE=(\d+)")
# Needs that do not keep a scratch server from the rest of a backup: the restore makes tablespaces, and names the tables
# whose rows are too long for the dumped server.
SCRATCH_NEEDS = (TABLESPACE, PACKET)
# Any offset will do: no event runs on a scratch server.
_CREATE_TIME_ZONE = (
    "INSERT INTO mysql.time_zone (Use_leap_seconds) VALUES ('N')",
    "SET @vex_zone = LAST_INSERT_ID()",
    (
        "INSERT INTO mysql.time_zone_transition_type (Time_zone_id, Transition_type_id, `Offset`, Is_DST, Abbreviation)"
        " VALUES (@vex_zone, 0, 0, 0, 'UTC')"
    ),
    "INSERT INTO mysql.time_zone_name (Name, Time_zone_id) VALUES (%(name)s, @vex_zone)",
)


def find_definers(definitions: t.Iterable[Definition]) -> t.Set[str]:
    """Return the definers in the texts of *definitions*, quoted as in SQL, and other texts that look like one."""
    texts = [text for one in definitions if one.kind not in (TABLE, SEQUENCE) for text in one.texts]
    return {_text(name) for text in texts for name in _DEFINER.findall(text)}


def find_time_zones(definitions: t.Iterable[Definition]) -> t.Set[str]:
    """Return the names of the time zones that *definitions* set."""
    found = [_TIME_ZONE.match(setting) for one in definitions for setting in one.settings]
    return {_text(zone[1]) for zone in found if zone} - {"SYSTEM"}


def create_surroundings(connection: Connection[Cursor], definitions: t.Sequence[Definition]) -> None:
    """Create the accounts, time zones and tablespaces of definitions, on a scratch server."""
    create_definers(connection, definitions)
    create_time_zones(connection, definitions)
    create_tablespaces(connection, definitions)


def create_definers(connection: Connection[Cursor], definitions: t.Iterable[Definition]) -> None:
    """Create the definers as locked accounts with all privileges, on a scratch server."""
    with connection.cursor() as cursor:
        for account in sorted(find_definers(definitions)):
            # When this fails, the view or program that needs the account reports it.
            with contextlib.suppress(pymysql.err.MySQLError):
                cursor.execute(f"CREATE USER IF NOT EXISTS {account} ACCOUNT LOCK")
                cursor.execute(f"GRANT ALL ON *.* TO {account}")


def create_time_zones(connection: Connection[Cursor], definitions: t.Iterable[Definition]) -> None:
    """Create the time zones that the server does not know by name, on a scratch server."""
    with connection.cursor() as cursor:
        for name in sorted(find_time_zones(definitions)):
            # When this fails, the event that needs the time zone reports it.
            with contextlib.suppress(pymysql.err.MySQLError):
                _create_time_zone(cursor, name)


def create_tablespaces(connection: Connection[Cursor], definitions: t.Iterable[Definition]) -> None:
    """Create the general tablespaces of tables, on a scratch server of MySQL."""
    with connection.cursor() as cursor:
        for number, (name, options) in enumerate(sorted(_tablespaces(definitions))):
            # When this fails, the table that needs the tablespace reports it.
            with contextlib.suppress(pymysql.err.MySQLError):
                cursor.execute(f"CREATE TABLESPACE {quote_identifier(name)} ADD DATAFILE 'vex_{number}.ibd'{options}")


def install_engines(connection: Connection[Cursor], plan: RestorePlan) -> None:
    """Install the engines that a scratch server of MariaDB has only as plugins."""
    wanted = {name for one in plan.databases for key in one.objects for name in one.needs_of(*key).get(ENGINE, ())}
    with converted_errors(), connection.cursor() as cursor:
        cursor.execute(_ENGINES)
        for name in sorted(wanted.difference(row[0] for row in cursor.fetchall())):
            # When this fails, the check of the server names the engine.
            with contextlib.suppress(pymysql.err.MySQLError):
                cursor.execute("INSTALL SONAME %s", (f"ha_{_PLUGINS.get(name, name.lower())}",))


def _tablespaces(definitions: t.Iterable[Definition]) -> t.Set[t.Tuple[str, str]]:
    """Return the names of tablespaces, each with the options that its tables show."""
    found = set()
    for one in (each for each in definitions if each.kind == TABLE):
        needs = needs_of(one, {})
        block = _BLOCK_SIZE.search(one.texts[0])
        size = f" FILE_BLOCK_SIZE = {block[1].decode()}K" if block else ""
        encryption = " ENCRYPTION = 'Y'" if ENCRYPTION in needs else ""
        found |= {(name, f"{size}{encryption}") for name in needs.get(TABLESPACE, ())}
    return found


def _create_time_zone(cursor: Cursor, name: str) -> None:
    cursor.execute(_IS_UNKNOWN_ZONE, {"name": name})
    if (cursor.fetchone() or (0,))[0]:
        for statement in _CREATE_TIME_ZONE:
            cursor.execute(statement, {"name": name})


def _text(name: bytes) -> str:
    # Without ANSI_QUOTES, as in the session that creates the account, a quoted account has the same form.
    return name.decode("utf-8", "replace")
