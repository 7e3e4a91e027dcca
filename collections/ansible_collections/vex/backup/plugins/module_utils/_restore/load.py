# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The loading of a backup into a server: rows, views, stored programs, in an order that works."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import RestoreFailed
from ansible_collections.vex.backup.plugins.module_utils._restore.databases import (
    collation_of,
    create_database,
    set_collation,
)
from ansible_collections.vex.backup.plugins.module_utils._restore.definers import create_definers, create_time_zones
from ansible_collections.vex.backup.plugins.module_utils._restore.existing import Existing, drop_existing
from ansible_collections.vex.backup.plugins.module_utils._restore.files import (
    PROGRAMS,
    SCRIPT,
    TABLES,
    VIEW_SUFFIX,
    VIEWS,
    Prepared,
    create_statement,
)
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore, RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._restore.row_counts import RowCounts, count_rows
from ansible_collections.vex.backup.plugins.module_utils._restore.target import Target

# The collation that each database had before the restore, None for a database that the server did not have.
Collations = t.Mapping[str, t.Optional[str]]


class _View(t.NamedTuple):
    """The script of a view."""

    database: DatabaseRestore
    path: str

    def __str__(self) -> str:
        name = os.path.basename(self.path)[len(self.database.name) + 1 : -len(VIEW_SUFFIX)]
        return f"{self.database.target}.{name}"


class _FailedView(t.NamedTuple):
    """A view that could not be created, and the reason."""

    view: _View
    reason: str


class Loaded(t.NamedTuple):
    """The rows of each table after loading, and a sentence for each view that could not be created."""

    counted: RowCounts
    failures: t.Sequence[str]


def load(target: Target, plan: RestorePlan, found: t.Mapping[str, Existing], files: Prepared) -> Loaded:
    """Load everything, and count the rows.

    :param found: the objects to drop first, by the database's name in the backup
    :raises RestoreFailed: when a program or the server refuses; part of the backup may be loaded then
    """
    collations = _prepare_databases(target, plan, found, files)
    # Before any view or program: a view may read from another database.
    for one in plan.databases:
        _load_rows(target, plan, one, files.folders[one.name])
    failed = _create_views(target, _views(plan, files))
    # Before the events, which are in programs.sql with MyDumper 0.10: an event that is due may delete rows.
    target.log.info("counting the rows")
    counted = count_rows(target.connect, plan, target.request.threads)
    for one in plan.databases:
        if one.programs:
            target.run_client(os.path.join(files.folders[one.name], PROGRAMS), one, one.target)
    # Again: some views call functions that programs.sql has just created.
    failed = _create_views(target, [one.view for one in failed])
    _restore_collations(target, collations)
    return Loaded(counted, [f"view {one.view} could not be created: {one.reason}" for one in failed])


def _prepare_databases(
    target: Target, plan: RestorePlan, found: t.Mapping[str, Existing], files: Prepared
) -> Collations:
    with contextlib.closing(target.connect()) as connection:
        if target.request.make_definers:
            create_definers(connection, files.folders.values())
            create_time_zones(connection, files.folders.values())
        collations = {one.target: collation_of(connection, one.target) for one in plan.databases}
        for one in plan.databases:
            drop_existing(connection, one, found[one.name])
            if not one.by_client:
                create_database(connection, one, create_statement(files.folders[one.name], one))
    return collations


def _load_rows(target: Target, plan: RestorePlan, one: DatabaseRestore, folder: str) -> None:
    target.log.info(f"loading {one.name} as {one.target}")
    if one.by_client:
        target.run_client(os.path.join(folder, SCRIPT), one, None)
    else:
        target.run_loader(plan, one, os.path.join(folder, TABLES))


def _views(plan: RestorePlan, files: Prepared) -> t.List[_View]:
    folders = [(one, os.path.join(files.folders[one.name], VIEWS)) for one in plan.databases if not one.by_client]
    return [_View(one, os.path.join(folder, name)) for one, folder in folders for name in sorted(os.listdir(folder))]


def _create_views(target: Target, views: t.Sequence[_View]) -> t.List[_FailedView]:
    """Create views until all exist or no further one can be created; return the failed ones.

    A view may read from other views, in other databases too, and the backup does not record from which.
    """
    pending = list(views)
    while True:
        failed = _try_views(target, pending)
        if not failed or len(failed) == len(pending):
            return failed
        pending = [one.view for one in failed]


def _try_views(target: Target, views: t.Sequence[_View]) -> t.List[_FailedView]:
    failed = []
    for view in views:
        try:
            target.run_client(view.path, view.database, view.database.target)
        except RestoreFailed as error:
            failed.append(_FailedView(view, str(error)))
    return failed


def _restore_collations(target: Target, collations: Collations) -> None:
    """Undo changes of programs.sql, which sets the collation that each program was created with."""
    with contextlib.closing(target.connect()) as connection:
        for database, collation in collations.items():
            if collation is not None:
                set_collation(connection, database, collation)
