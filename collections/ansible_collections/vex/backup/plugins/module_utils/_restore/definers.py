# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts and time zones that a backup's scripts name, created on a scratch server that has none of them.

MySQL does not create a view on another view whose definer is not an account of the server, or may not read what that
view reads. No server creates an event with a time zone that it does not know; an empty server knows none by name.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import typing as t

# connection.py keeps the reason of a failed import; every module that uses this file reports it first.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

_DEFINER = re.compile(rb"DEFINER\s*=\s*(`(?:[^`]|``)+`@`(?:[^`]|``)*`)")
_TIME_ZONE = re.compile(rb"\btime_zone\s*=\s*'([A-Z][\w+/-]*)'", re.IGNORECASE)
_IS_UNKNOWN_ZONE = "SELECT CONVERT_TZ('2000-01-01 00:00:00', '+00:00', %(name)s) IS NULL"
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
_SCRIPTS = ("views/*.sql", "tables/*-schema-*.sql", "*.sql")


def find_definers(folders: t.Iterable[str]) -> t.Set[str]:
    """Return the definers in the scripts of *folders*, quoted as in SQL, and texts in rows that look like one."""
    return _find(folders, _DEFINER)


def find_time_zones(folders: t.Iterable[str]) -> t.Set[str]:
    """Return the names of time zones in the scripts of *folders*, and texts in rows that look like one."""
    return _find(folders, _TIME_ZONE) - {"SYSTEM"}


def create_definers(connection: Connection[Cursor], folders: t.Iterable[str]) -> None:
    """Create the definers as locked accounts with all privileges, on a scratch server."""
    with connection.cursor() as cursor:
        for account in sorted(find_definers(folders)):
            # When this fails, the view or program that needs the account reports it.
            with contextlib.suppress(pymysql.err.MySQLError):
                cursor.execute(f"CREATE USER IF NOT EXISTS {account} ACCOUNT LOCK")
                cursor.execute(f"GRANT ALL ON *.* TO {account}")


def create_time_zones(connection: Connection[Cursor], folders: t.Iterable[str]) -> None:
    """Create the time zones that the server does not know by name, on a scratch server."""
    with connection.cursor() as cursor:
        for name in sorted(find_time_zones(folders)):
            # When this fails, the event that needs the time zone reports it.
            with contextlib.suppress(pymysql.err.MySQLError):
                _create_time_zone(cursor, name)


def _create_time_zone(cursor: Cursor, name: str) -> None:
    cursor.execute(_IS_UNKNOWN_ZONE, {"name": name})
    if (cursor.fetchone() or (0,))[0]:
        for statement in _CREATE_TIME_ZONE:
            cursor.execute(statement, {"name": name})


def _find(folders: t.Iterable[str], pattern: t.Pattern[bytes]) -> t.Set[str]:
    paths = [
        path
        for folder in folders
        for script in _SCRIPTS
        for path in glob.glob(os.path.join(glob.escape(folder), script))
    ]
    return {name.decode("utf-8", "replace") for path in paths for name in _matches(path, pattern)}


def _matches(path: str, pattern: t.Pattern[bytes]) -> t.Iterator[bytes]:
    with open(path, "rb") as stream:
        for line in stream:
            yield from pattern.findall(line)
