# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The comparison of restored columns and values with the fingerprints of the dumped tables."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import TABLE
from ansible_collections.vex.backup.plugins.module_utils._mysql.fingerprint import TableComparison, compare
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Table, read_tables
from ansible_collections.vex.backup.plugins.module_utils._restore.definitions import label_of
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._restore.table_work import RestoredTable, each_table
from ansible_collections.vex.backup.plugins.module_utils._restore.target import Target

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


class ValueCheck(t.NamedTuple):
    """The numbers of compared columns, rows, and tables with rows; a sentence for each difference, by table."""

    columns: int
    sampled_rows: int
    tables_sampled: int
    found: t.Mapping[str, str]
    warnings: t.Sequence[str]

    def differences(self, failed: t.AbstractSet[str]) -> t.List[str]:
        """Return the differences of tables that are not among the *failed* ones."""
        return [f"{label} {text}" for label, text in self.found.items() if label not in failed]


def compare_values(target: Target, plan: RestorePlan) -> ValueCheck:
    """Compare each restored table that the server has with its fingerprint."""
    tables = _read(target, plan)

    def work(connection: Connection[Cursor], one: RestoredTable) -> t.Tuple[RestoredTable, TableComparison]:
        table = tables.get((one.database.target, one.found))
        return one, compare(connection, one.database.target, table, one.planned.fingerprint)

    compared = each_table(target.connect, plan, target.request.threads, work).values()
    labelled = [(label_of(one.database, TABLE, one.name), result) for one, result in compared]
    return ValueCheck(
        columns=sum(len(one.planned.fingerprint["columns"]) for one, _result in compared),
        sampled_rows=sum(result.sampled for _one, result in compared),
        tables_sampled=sum(result.sampled > 0 for _one, result in compared),
        found={label: result.difference for label, result in labelled if result.difference},
        warnings=[f"{label} {result.note}" for label, result in labelled if result.note],
    )


def _read(target: Target, plan: RestorePlan) -> t.Dict[t.Tuple[str, str], Table]:
    with contextlib.closing(target.connect()) as connection:
        return {
            (one.target, table.name): table for one in plan.databases for table in read_tables(connection, one.target)
        }
