# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables of a dump with the files that hold their rows, and the checks of both."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._dump.data_files import DataFile
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import Plan, TablePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count, join_counts
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import DatabaseDump
from ansible_collections.vex.backup.plugins.module_utils._mysql.fingerprint import least_rows
from ansible_collections.vex.backup.plugins.module_utils._mysql.limits import MOST_PACKET_BYTES, packet_for

TABLES = "tables"
_NUMBERS = re.compile(r"(?:\.\d{5,})*\Z")


class DumpedTable(t.NamedTuple):
    """A table in the dump: its files in order, relative to the database's directory, and the content of each.

    ``size`` is the bytes of these files before compression.
    """

    plan: TablePlan
    files: t.Sequence[str]
    counts: t.Sequence[Count]
    size: int

    @property
    def content(self) -> Count:
        """The content of the table."""
        return join_counts(self.counts)


def by_table(names: t.Iterable[str], stems: t.AbstractSet[str]) -> t.Dict[str, t.List[str]]:
    """Return MyDumper's data files by the stem of their names, ``database.table``, each list in order of the rows.

    :param names: of files that end with ``.sql``; those of other tables are left out
    """
    found: t.Dict[str, t.List[str]] = {}
    for name in sorted(names, key=_order):
        stem, suffix = os.path.splitext(name)
        # The numbers of chunks come after the table's name, which may be a number itself.
        while stem not in stems and stem.rpartition(".")[2].isdigit():
            stem = stem.rpartition(".")[0]
        if suffix == ".sql" and stem in stems:
            found.setdefault(stem, []).append(name)
    return found


def dumped_tables(dump: DatabaseDump, contents: t.Mapping[str, DataFile]) -> t.List[DumpedTable]:
    """Return the tables of a database with what was counted in their files.

    :param contents: by path relative to the directory of all databases
    """
    found = []
    for plan in dump.plan.tables:
        files = dump.files[plan.table.name]
        complete = [contents[os.path.join(dump.plan.directory, name)] for name in files]
        size = sum(file.size for file in complete)
        found.append(DumpedTable(plan, files, [file.content for file in complete], size))
    return found


def incomplete_tables(dump: DatabaseDump, tables: t.Iterable[DumpedTable]) -> t.Iterator[str]:
    """Return a sentence for each table whose files lack a column or rows that the server has shown."""
    for one in tables:
        name = f"{dump.plan.name}.{one.plan.table.name}"
        stored = [column.name for column in one.plan.table.stored]
        lacking = [column for count in one.counts for column in stored if column not in (count.columns or ())]
        added = [column for count in one.counts for column in count.columns or () if column not in stored]
        rows, shown = one.content.rows, least_rows(dump.fingerprints[one.plan.table.name])
        if any(count.columns is None for count in one.counts):
            hidden = [column.name for column in one.plan.table.stored if column.is_invisible] or stored
            yield f"{name}: the statements in the dump name no columns, so the values of {hidden[0]!r} may be missing"
        elif lacking:
            yield f"{name}: the dump lacks the column {lacking[0]!r} of every row"
        elif added and not one.plan.reason:
            yield f"{name}: the column {added[0]!r} was added while the dump began"
        elif rows < shown:
            yield f"{name}: the dump has {rows} rows, and the server has at least {shown}"


def long_statements(plan: Plan, dump: DatabaseDump, tables: t.Iterable[DumpedTable]) -> t.Iterator[str]:
    """Return a sentence for each table with a row that the dumped server would not take back."""
    for one in tables:
        name, needed = f"{dump.plan.name}.{one.plan.table.name}", packet_for(one.content.longest)
        if needed > MOST_PACKET_BYTES:
            yield f"{name}: its longest row makes a statement of {one.content.longest} bytes, which no server accepts"
        elif needed > plan.packet_bytes:
            yield (
                f"{name}: its longest row needs a max_allowed_packet of {needed} bytes, and the server has "
                f"{plan.packet_bytes}: raise it, here and on the servers to restore to"
            )


def _order(name: str) -> t.Tuple[str, t.List[int]]:
    stem = os.path.splitext(name)[0]
    numbers = _NUMBERS.search(stem)
    start = numbers.start() if numbers else len(stem)
    return stem[:start], [int(number) for number in stem[start:].split(".") if number]
