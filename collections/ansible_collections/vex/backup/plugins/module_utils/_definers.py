# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The accounts that views and stored programs of a backup belong to, for a server that has none of them.

MySQL makes no view upon another one whose definer is no account of the server, or may not read what it looks at.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import typing as t

# _mysql.py keeps the reason of a failure; every module that comes here reports that first.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

_DEFINER = re.compile(rb"DEFINER\s*=\s*(`(?:[^`]|``)+`@`(?:[^`]|``)*`)")
_SCRIPTS = ("views/*.sql", "tables/*-schema-*.sql", "*.sql")


def definers(folders: t.Iterable[str]) -> t.Set[str]:
    """Whom the scripts in *folders* name, quoted as SQL has it; rows that look like it may be among them."""
    found: t.Set[str] = set()
    for folder in folders:
        for pattern in _SCRIPTS:
            for path in glob.glob(os.path.join(glob.escape(folder), pattern)):
                with open(path, "rb") as stream:
                    for line in stream:
                        found.update(name.decode("utf-8", "replace") for name in _DEFINER.findall(line))
    return found


def make_definers(connection: Connection[Cursor], folders: t.Iterable[str]) -> None:
    """Make those accounts, which nobody can log in as, with all privileges: for a server that is thrown away."""
    with connection.cursor() as cursor:
        for account in sorted(definers(folders)):
            # One that cannot be made is told by what needs it.
            with contextlib.suppress(pymysql.err.MySQLError):
                cursor.execute(f"CREATE USER IF NOT EXISTS {account} ACCOUNT LOCK")
                cursor.execute(f"GRANT ALL ON *.* TO {account}")
