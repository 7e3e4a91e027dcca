# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state of a run or a restore: the values of its columns in the log tables, and how two states merge."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.status import RUNNING

Columns = t.Dict[str, t.Any]

# The first known start and end of a run are kept: a repeated or late record cannot change them.
FIRST_STANDS = ("data_inicio", "data_encerramento")


class State(t.NamedTuple):
    """The known columns of the rows of a run; unknown ones are left out.

    Values are texts, integers and ``None``; times are ``YYYY-MM-DD HH:MM:SS``, UTC; sizes are texts with two decimals.
    A backup has ``backup``, and ``uploads``, by the name of the destination, as far as something is known of them.
    A restore has ``restore`` alone; its ``backup_run_uuid`` stands for ``backup_id``, the row of that run when there is
    one.
    """

    run_uuid: str
    backup: Columns
    uploads: t.Mapping[str, Columns]
    restore: Columns


def combine(older: State, newer: State) -> State:
    """Return the combination of two states of the same run, given in their order."""
    return State(
        newer.run_uuid,
        merge(older.backup, newer.backup, "status_backup"),
        {
            name: merge(older.uploads.get(name, {}), newer.uploads.get(name, {}), "status_upload")
            for name in {**older.uploads, **newer.uploads}
        },
        merge(older.restore, newer.restore, "status"),
    )


def merge(older: t.Mapping[str, t.Any], newer: t.Mapping[str, t.Any], status: str) -> Columns:
    """Return the columns of *older* with the columns of *newer* written over them.

    A running state that comes after the run has ended is late: it only adds columns that the row lacks.

    :param status: name of the column that is 0 while running
    """
    known = {name: value for name, value in older.items() if value is not None}
    is_late = bool(known.get(status)) and newer.get(status) == RUNNING
    standing = known if is_late else {name: known[name] for name in FIRST_STANDS if name in known}
    return {**older, **newer, **standing}
