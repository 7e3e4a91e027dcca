# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects of the server that a restore would overwrite: find them, and drop them."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import TargetExists
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Program, list_objects
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import (
    converted_errors,
    qualified,
    shortened,
    table_key,
)

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


class Existing(t.NamedTuple):
    """The objects of one database that the server holds and the backup restores."""

    tables: t.Sequence[str]
    views: t.Sequence[str]
    programs: t.Sequence[Program]

    def __bool__(self) -> bool:
        return bool(self.tables or self.views or self.programs)

    def __str__(self) -> str:
        programs = [f"{program.kind.lower()} {program.name}" for program in self.programs]
        return shortened([*self.tables, *self.views, *programs])


def find_existing(connection: Connection[Cursor], one: DatabaseRestore) -> Existing:
    """Return the objects that restoring *one* would overwrite."""
    now = list_objects(connection, one.target)
    key = table_key(connection)
    names = {key(name) for name in (*one.tables, *one.views)}
    return Existing(
        [name for name in now.tables if key(name) in names],
        [name for name in now.views if key(name) in names],
        # A restore of one table restores its triggers only, and the server drops them with the table.
        [program for program in now.programs if program in set(one.programs)] if one.table is None else [],
    )


def refuse_to_overwrite(databases: t.Sequence[DatabaseRestore], found: t.Mapping[str, Existing]) -> None:
    """Raise an error when the server holds anything that the restore would overwrite.

    :param found: by the database's name in the backup
    :raises TargetExists: naming the objects
    """
    existing = [f"{one.target} ({found[one.name]})" for one in databases if found[one.name]]
    if existing:
        raise TargetExists(
            f"the server holds objects that the restore would overwrite: {'; '.join(existing)}. Nothing was changed; "
            "restore the database under another name, or set overwrite"
        )


def drop_existing(connection: Connection[Cursor], one: DatabaseRestore, found: Existing) -> None:
    """Drop the objects that restoring *one* would overwrite."""
    with converted_errors(), connection.cursor() as cursor:
        cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
        for program in found.programs:
            cursor.execute(f"DROP {program.kind} IF EXISTS {qualified(one.target, program.name)}")
        for kind, names in (("VIEW", found.views), ("TABLE", found.tables)):
            for name in names:
                cursor.execute(f"DROP {kind} IF EXISTS {qualified(one.target, name)}")
