# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables at which a snapshot failed, because the server cannot read all of their rows."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._dump.definition_files import directory_of
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import ToolRun
from ansible_collections.vex.backup.plugins.module_utils._errors import ServerUnavailable, TableFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.broken_tables import (
    Broken,
    find_unreadable,
    show_broken,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Table, read_tables

# Tables by database and name.
Unreadable = t.Dict[str, t.Dict[str, Broken]]


def find_culprits(
    run: ToolRun, names: t.Sequence[str], errors: t.Sequence[str], failed: t.Optional[TableFailed], known: Unreadable
) -> Unreadable:
    """Return the tables that cannot be read, of those that the errors of a snapshot may be about.

    The suspects are read whole. Tables without transactions are suspects too: a crash damages several at once.

    :param names: the databases of the snapshot
    :param failed: the table that made it fail, if it is known
    :param known: tables that are known as unreadable
    """
    text = "\n".join(errors)
    found: Unreadable = {}
    # The errors of the snapshot stay the reason when the server does not answer now.
    with contextlib.suppress(ServerUnavailable), connect(run.request.login) as connection:
        if failed:
            found[failed.database] = {
                failed.table: show_broken(connection, failed.database, failed.table, failed.reason)
            }
        for name in names:
            tables = {table.name: table for table in read_tables(connection, name)}
            unwanted = {*known.get(name, ()), *found.get(name, ()), *run.plan.excluded.chosen(name, [*tables])}
            unwanted.update(run.plan.schema_only.chosen(name, [*tables]))
            suspects = [table for table in tables.values() if table.name not in unwanted and _is_suspect(table, text)]
            unreadable = find_unreadable(connection, name, suspects, run.deadline)
            if unreadable:
                found.setdefault(name, {}).update(unreadable)
    return found


def _is_suspect(table: Table, errors: str) -> bool:
    # Not all errors of MyDumper name the database.
    is_named = re.search(rf"(?<![\w$]){re.escape(table.name)}(?![\w$])", errors) is not None
    return table.has_own_rows and (is_named or not table.is_transactional)


def start_again(run: ToolRun, names: t.Sequence[str]) -> None:
    """Remove what a failed snapshot has written."""
    directories = [directory_of(name) for name in names]
    run.files.discard(directories)
    for directory in directories:
        shutil.rmtree(os.path.join(run.folder, directory), ignore_errors=True)
