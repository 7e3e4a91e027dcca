# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The reasons why a snapshot failed: tables that were changed, or that the server cannot read to their end."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._dump.changes import find_change
from ansible_collections.vex.backup.plugins.module_utils._dump.definition_files import directory_of
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import ToolRun
from ansible_collections.vex.backup.plugins.module_utils._errors import ServerUnavailable, TableFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.broken_tables import Broken, find_unreadable
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Table

# Tables by database and name.
Unreadable = t.Dict[str, t.Dict[str, Broken]]

# The server's message 1412, in the log of MyDumper.
_CHANGED = "Table definition has changed"


def find_changes(run: ToolRun, planned: t.Sequence[DatabasePlan], errors: t.Sequence[str]) -> str:
    """Return a sentence on a table that was changed or dropped since the plan, an empty text when none was."""
    if _CHANGED in "\n".join(errors):
        return "a table was changed"
    # The errors of the snapshot stay the reason when the server does not answer now.
    with contextlib.suppress(ServerUnavailable), connect(run.request.login) as connection:
        return next(filter(None, (find_change(connection, one) for one in planned)), "")
    return ""


def find_culprits(
    run: ToolRun, planned: t.Sequence[DatabasePlan], errors: t.Sequence[str], failed: t.Optional[TableFailed]
) -> Unreadable:
    """Return the tables that cannot be read, of those that the errors of a snapshot are about.

    The suspects are read whole. When one of them has no transactions, all such tables are suspects, because a crash
    damages several at once.

    :param failed: the table that made the snapshot fail, if it is known
    """
    found: Unreadable = {failed.database: {failed.table: Broken(failed.reason, is_lost=True)}} if failed else {}
    left = run.deadline.remaining()
    # As in find_changes().
    with (
        contextlib.suppress(ServerUnavailable),
        connect(run.request.login, statement_timeout=None if left is None else int(left) + 1) as connection,
    ):
        for name, tables in _suspects(planned, "\n".join(errors)).items():
            more = [table for table in tables if table.name not in found.get(name, {})]
            if not more:
                continue
            run.log.info(f"{name}: reading {', '.join(table.name for table in more)}, to find what cannot be read")
            unreadable = find_unreadable(connection, name, more)
            if unreadable:
                found.setdefault(name, {}).update(unreadable)
    return found


def _suspects(planned: t.Sequence[DatabasePlan], errors: str) -> t.Dict[str, t.List[Table]]:
    """Return the tables to read, by database."""
    places = [
        (one.name, plan.table)
        for one in planned
        for plan in one.tables
        if plan.table.has_own_rows and not plan.schema_only
    ]
    # Not all errors of MyDumper name the database.
    named = [(name, table) for name, table in places if re.search(_word(table.name), errors)]
    if any(not table.is_transactional for _name, table in named):
        named += [(name, table) for name, table in places if not table.is_transactional and (name, table) not in named]
    return {one.name: [table for name, table in named if name == one.name] for one in planned if named}


def _word(name: str) -> str:
    return rf"(?<![\w$]){re.escape(name)}(?![\w$])"


def start_again(run: ToolRun, names: t.Sequence[str]) -> None:
    """Remove what a failed snapshot has written."""
    directories = [directory_of(name) for name in names]
    run.files.discard(directories)
    for directory in directories:
        # The next attempt, which creates the directory, reports what stays.
        shutil.rmtree(os.path.join(run.folder, directory), ignore_errors=True)
