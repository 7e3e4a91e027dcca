# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The comparison of a backup with a dump of the server that it was restored to: manifests first, then rows."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import RestoreDiffers
from ansible_collections.vex.backup.plugins.module_utils._verify.dump_contents import (
    Database,
    Dump,
    Table,
    digest_of,
    read_dump,
    rows_of,
    writes_alike,
)

_SHOWN = 20


@dataclasses.dataclass(frozen=True)
class CompareRequest:
    """The options of ``backup_compare``, by name: paths of a manifest and of two directories with ``dump/`` in them."""

    manifest: str
    dump: str
    restored: str


class Comparison(t.NamedTuple):
    """The numbers of compared tables and rows, a sentence for each difference, and notes on data not compared."""

    tables: int
    rows: int
    differences: t.Sequence[str]
    notes: t.Sequence[str]


def compare_dumps(request: CompareRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Compare a backup with the dump of the server that it was restored to.

    :returns: the result of ``backup_compare``
    :raises ManifestUnusable: when a manifest does not describe its tables
    :raises RestoreDiffers: for any difference
    """
    expected = read_dump(request.manifest, request.dump)
    restored = read_dump(os.path.join(request.restored, "manifest.json"), request.restored)
    comparison = compare(expected, restored)
    result = {**comparison._asdict(), "changed": False}
    if comparison.differences:
        shown = "; ".join(comparison.differences[:_SHOWN])
        more = len(comparison.differences) - _SHOWN
        raise RestoreDiffers(
            f"the restored data differ from the dump: {shown}" + (f" (and {more} more)" if more > 0 else ""), **result
        )
    log.info(f"compared {comparison.tables} tables, {comparison.rows} rows: all as they were dumped")
    return result


def compare(expected: Dump, restored: Dump) -> Comparison:
    """Compare databases, tables, their rows, views and stored programs of two dumps."""
    databases = {one.name: one for one in restored.databases}
    differences: t.List[str] = []
    compared: t.List[Table] = []
    for one in expected.databases:
        other = databases.get(one.name)
        if other is None:
            differences.append(f"database {one.name!r} is missing")
            continue
        compared += one.tables
        differences += [*_missing_objects(one, other), *_table_differences(expected, restored, one, other)]
    rows = sum(table.rows for table in compared)
    return Comparison(len(compared), rows, differences, _notes(expected, restored))


def _notes(expected: Dump, restored: Dump) -> t.List[str]:
    notes = []
    found = {(one.name, table.name): table for one in restored.databases for table in one.tables}
    pairs = [(table, found.get((one.name, table.name))) for one in expected.databases for table in one.tables]
    counted = sum(not writes_alike((expected, table), (restored, other)) for table, other in pairs if other)
    if counted:
        notes.append(
            f"the rows of {counted} tables were counted and not compared here, because another tool wrote them: "
            f"MyDumper {expected.mydumper} or the server's client for the backup, MyDumper {restored.mydumper} or the "
            "server's client on this host"
        )
    return notes


def _missing_objects(one: Database, other: Database) -> t.Iterator[str]:
    for view in one.views:
        if view not in other.views:
            yield f"view {one.name}.{view} is missing"
    for program in one.programs:
        if program not in other.programs:
            yield f"stored program {one.name}.{program.name} ({program.kind}) is missing"


def _table_differences(expected: Dump, restored: Dump, one: Database, other: Database) -> t.Iterator[str]:
    tables = {table.name: table for table in other.tables}
    for table in one.tables:
        text = _difference((expected, restored), (one, other), table, tables.get(table.name))
        if text:
            yield f"table {one.name}.{table.name} {text}"


def _difference(
    dumps: t.Tuple[Dump, Dump], databases: t.Tuple[Database, Database], table: Table, found: t.Optional[Table]
) -> str:
    """Return the difference between a table and the restored one, empty for none."""
    if found is None:
        return f"is missing: {table.rows} rows expected"
    if table.rows != found.rows:
        return f"has {found.rows} rows, {table.rows} expected"
    (expected, restored), (one, other) = dumps, databases
    if table.sha256 == found.sha256 or not writes_alike((expected, table), (restored, found)):
        return ""
    if digest_of(expected, one, table) != table.sha256:
        return "has other rows in the backup's files than in its manifest"
    # Digests differ too when rows come in another order or in other chunks.
    is_equal = rows_of(expected, one, table) == rows_of(restored, other, found)
    return "" if is_equal else f"has {table.rows} rows as expected, but with other content{_versions(*dumps)}"


def _versions(expected: Dump, restored: Dump) -> str:
    if expected.server_version == restored.server_version:
        return ""
    return f" (dumped from {expected.server_version}, restored to {restored.server_version})"
