# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The accounts that views and stored programs of a backup belong to, for a server that has none of them.

MySQL makes no view upon another one whose definer is no account of the server, or may not read what it looks at; and no
server makes an event of a time zone that it does not know, as an empty one knows none by name.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import typing as t

# connection.py keeps the reason of a failure; every module that comes here reports that first.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

_DEFINER = re.compile(rb"DEFINER\s*=\s*(`(?:[^`]|``)+`@`(?:[^`]|``)*`)")
_TIME_ZONE = re.compile(rb"\btime_zone\s*=\s*'([A-Z][\w+/-]*)'", re.IGNORECASE)
# One that is as good as any: on this server nothing happens at its time.
_MAKE_TIME_ZONE = (
    "INSERT INTO mysql.time_zone (Use_leap_seconds) VALUES ('N')",
    "SET @vex_zone = LAST_INSERT_ID()",
    (
        "INSERT INTO mysql.time_zone_transition_type (Time_zone_id, Transition_type_id, `Offset`, Is_DST, Abbreviation)"
        " VALUES (@vex_zone, 0, 0, 0, 'UTC')"
    ),
    "INSERT INTO mysql.time_zone_name (Name, Time_zone_id) VALUES (%(name)s, @vex_zone)",
)
_SCRIPTS = ("views/*.sql", "tables/*-schema-*.sql", "*.sql")


def definers(folders: t.Iterable[str]) -> t.Set[str]:
    """Whom the scripts in *folders* name, quoted as SQL has it; rows that look like it may be among them."""
    return _named(folders, _DEFINER)


def time_zones(folders: t.Iterable[str]) -> t.Set[str]:
    """Those that the scripts in *folders* set by name, under the same proviso."""
    return _named(folders, _TIME_ZONE) - {"SYSTEM"}


def make_definers(connection: Connection[Cursor], folders: t.Iterable[str]) -> None:
    """Make those accounts, which nobody can log in as, with all privileges: for a server that is thrown away."""
    with connection.cursor() as cursor:
        for account in sorted(definers(folders)):
            # One that cannot be made is told by what needs it.
            with contextlib.suppress(pymysql.err.MySQLError):
                cursor.execute(f"CREATE USER IF NOT EXISTS {account} ACCOUNT LOCK")
                cursor.execute(f"GRANT ALL ON *.* TO {account}")


def make_time_zones(connection: Connection[Cursor], folders: t.Iterable[str]) -> None:
    """Make those time zones that the server does not know: for a server that is thrown away."""
    with connection.cursor() as cursor:
        for name in sorted(time_zones(folders)):
            cursor.execute("SELECT CONVERT_TZ('2000-01-01 00:00:00', '+00:00', %(name)s) IS NULL", {"name": name})
            if (cursor.fetchone() or (0,))[0]:
                # One that cannot be made is told by what needs it.
                with contextlib.suppress(pymysql.err.MySQLError):
                    for statement in _MAKE_TIME_ZONE:
                        cursor.execute(statement, {"name": name})


def _named(folders: t.Iterable[str], what: t.Pattern[bytes]) -> t.Set[str]:
    found: t.Set[str] = set()
    for folder in folders:
        for pattern in _SCRIPTS:
            for path in glob.glob(os.path.join(glob.escape(folder), pattern)):
                with open(path, "rb") as stream:
                    for line in stream:
                        found.update(name.decode("utf-8", "replace") for name in what.findall(line))
    return found
