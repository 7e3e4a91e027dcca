# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The loading of a backup into a server, in an order that works, and its comparison on the way."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import SEQUENCE, TABLE, Definition
from ansible_collections.vex.backup.plugins.module_utils._mysql.directories import directories_of
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quoted
from ansible_collections.vex.backup.plugins.module_utils._restore.backup import Backup
from ansible_collections.vex.backup.plugins.module_utils._restore.checks_after_load import (
    find_differences,
    find_warnings,
)
from ansible_collections.vex.backup.plugins.module_utils._restore.databases import (
    collation_of,
    create_database,
    source_collations,
)
from ansible_collections.vex.backup.plugins.module_utils._restore.definers import create_surroundings
from ansible_collections.vex.backup.plugins.module_utils._restore.definition_check import compare_definitions
from ansible_collections.vex.backup.plugins.module_utils._restore.definitions import (
    Definitions,
    Failure,
    execute,
    label_of,
)
from ansible_collections.vex.backup.plugins.module_utils._restore.existing import Existing, drop_existing
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore, RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._restore.rows import load_rows
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import converted_errors, shortened
from ansible_collections.vex.backup.plugins.module_utils._restore.table_work import RowCounts, count_rows
from ansible_collections.vex.backup.plugins.module_utils._restore.target import Target
from ansible_collections.vex.backup.plugins.module_utils._restore.value_check import compare_values

_READ_ONLY = b"/* READ ONLY = 1 */"
# A scratch server executes no events. Before the time of all events, it takes those whose time has passed as they were.
_SCRATCH_EVENTS = "SET SESSION timestamp = 1"
_Pending = t.Tuple[DatabaseRestore, Definition]


class Compared(t.NamedTuple):
    """Numbers of what was compared with the manifest."""

    columns: int
    definitions: int
    sampled_rows: int
    tables_sampled: int


class Outcome(t.NamedTuple):
    """A loaded backup: the rows of each table, a sentence for each difference and each warning."""

    counted: RowCounts
    compared: Compared
    differences: t.Sequence[str]
    warnings: t.Sequence[str]


def load_and_compare(
    target: Target,
    backup: Backup,
    plan: RestorePlan,
    found: t.Mapping[str, Existing],
    definitions: t.Mapping[str, Definitions],
    grant: t.Callable[[], bool],
) -> Outcome:
    """Load everything, and compare it with the manifest.

    :param found: the objects to drop first, by the database's name in the backup; ``definitions`` too
    :param grant: grants to the restored accounts what they can have already; returns whether that was anything
    :raises RestoreFailed: when the server refuses a database; part of the backup may be loaded then
    :raises ServerUnavailable: when the server goes away
    """
    failures: t.List[Failure] = []
    with contextlib.closing(target.connect_to_load()) as connection:
        if target.request.make_definers:
            create_surroundings(connection, [one for each in definitions.values() for one in each.everything])
        new = {one.target for one in plan.databases if collation_of(connection, one.target) is None}
        for one in plan.databases:
            drop_existing(connection, one, found[one.name])
            failures += create_database(connection, one, definitions[one.name].create)
    with source_collations(target, plan.databases):
        tables = _tables_in_order(definitions.values())
        failures += _create(target, tables)
        refused = {failure.label for failure in failures}
        created = {
            label_of(one, TABLE, table.name)
            for one, table in tables
            if label_of(one, table.kind, table.name) not in refused
        }
        failures += load_rows(target, backup, plan, created)
        # Before any program: an event that is due may delete rows.
        target.log.info("counting the rows")
        counted = count_rows(target.connect, plan, target.request.threads)
        value_check = compare_values(target, plan)
        failures += _create_programs(target, definitions.values(), grant)
        target.log.info("comparing with the manifest")
        failed = {failure.label for failure in failures}
        definition_check = compare_definitions(target, plan, failed)
    if all(failure.is_warning for failure in failures):
        failures += _make_read_only(target, [each for each in definitions.values() if each.database.target in new])
    with contextlib.closing(target.connect()) as connection:
        differences = find_differences(connection, plan, counted, failed)
        warnings = [text for one in plan.databases for text in find_warnings(connection, one)]
    left_out = _left_out(definitions.values(), created, is_scratch=target.request.make_definers)
    return Outcome(
        counted,
        Compared(value_check.columns, definition_check.compared, value_check.sampled_rows, value_check.tables_sampled),
        [
            *_texts(failures, of_warnings=False),
            *differences,
            *definition_check.differences,
            *value_check.differences(failed),
        ],
        [*left_out, *_texts(failures, of_warnings=True), *warnings, *definition_check.warnings, *value_check.warnings],
    )


def _tables_in_order(definitions: t.Iterable[Definitions]) -> t.List[_Pending]:
    """Return the tables of all databases, sequences first: the default of a column may be the next value of any."""
    tables = [(each.database, one) for each in definitions for one in each.tables]
    return sorted(tables, key=lambda pending: pending[1].kind != SEQUENCE)


def _left_out(definitions: t.Iterable[Definitions], created: t.Container[str], *, is_scratch: bool) -> t.List[str]:
    """Return a warning for each definition that was left out, and for each created table without its directories.

    :param is_scratch: whether the server is only for a proof, which is not about the places of files
    """
    found: t.List[str] = []
    for each in definitions:
        found += each.warnings
        for table in () if is_scratch else each.tables:
            label, directories = label_of(each.database, TABLE, table.name), directories_of(table.texts[0])
            if directories and label in created:
                found.append(
                    f"{label} is in the server's data directory, and not in {shortened(directories)}: a restore leaves "
                    "DATA DIRECTORY and INDEX DIRECTORY out, because no two tables may share files"
                )
    return found


def _make_read_only(target: Target, created: t.Sequence[Definitions]) -> t.List[Failure]:
    """Make those of the created databases read only that were; return the refusals.

    A server shows that in a comment, and does not execute it.
    """
    failures = []
    for each in created:
        if _READ_ONLY in each.create.texts[0]:
            name = each.database.target
            text = b"ALTER DATABASE %s READ ONLY = 1" % quoted(name)
            with contextlib.closing(target.connect_to_load()) as connection:
                refusal = execute(connection, each.database, Definition("DATABASE", each.database.name, [], [text]))
            if refusal:
                reason = refusal.reason.partition(": ")[2]
                failures.append(Failure(f"database {name}", f"was read only, and is not: {reason}", is_warning=True))
    return failures


def _texts(failures: t.Sequence[Failure], *, of_warnings: bool) -> t.List[str]:
    return [str(one) for one in failures if one.is_warning == of_warnings]


def _create_programs(
    target: Target, definitions: t.Iterable[Definitions], grant: t.Callable[[], bool]
) -> t.List[Failure]:
    """Create what is not a table, of all databases; return the failures.

    A view may call functions, and read from the views of any database, if its definer may.
    """
    databases = list(definitions)
    failures = _create(target, [(each.database, one) for each in databases for one in each.routines])
    grant()
    failures += _create(target, [(each.database, one) for each in databases for one in each.views], helped=grant)
    for each in databases:
        failures += _create(target, [(each.database, one) for one in each.triggers])
    events = [(each.database, one) for each in databases for one in each.events]
    return failures + _create(target, events, before=_SCRATCH_EVENTS if target.request.make_definers else "")


def _create(
    target: Target,
    wanted: t.Sequence[_Pending],
    *,
    helped: t.Optional[t.Callable[[], bool]] = None,
    before: str = "",
) -> t.List[Failure]:
    """Create objects; return the failures.

    :param helped: given to try the refused ones again, as long as others were created or it returns true
    :param before: a statement for the session, empty for none
    """
    if not wanted:
        return []
    with contextlib.closing(target.connect_to_load()) as connection:
        if before:
            with converted_errors():
                connection.query(before)
        while True:
            refused: t.List[_Pending] = []
            failures: t.List[Failure] = []
            for one, definition in wanted:
                target.deadline.check()
                failure = execute(connection, one, definition)
                if failure is not None:
                    refused.append((one, definition))
                    failures.append(failure)
            if not helped or not refused or not (len(refused) < len(wanted) or helped()):
                return failures
            wanted = refused
