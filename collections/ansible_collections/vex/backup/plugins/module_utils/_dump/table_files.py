# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of a dump that hold the rows of each table."""

from __future__ import annotations

import functools
import os
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._dump.chunk_compression import CompressedChunk
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import INSTANCE, DatabasePlan, Plan
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import (
    Count,
    Counter,
    FileCounter,
    ScriptCounter,
    join_counts,
)
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY

_RECORDED = re.compile(r"^\[`(?P<database>.+)`\.`(?P<table>.+)`\]\nreal_table_name=(?P<name>.*)$", re.MULTILINE)
_ALIAS = "mydumper_"


class Table(t.TypedDict):
    """A table as the manifest lists it; ``rows`` and ``sha256`` are ``None`` where its files are not known."""

    name: str
    rows: t.Optional[int]
    sha256: t.Optional[str]


class TableFiles(t.NamedTuple):
    """The files that hold rows, relative to the dump's directory, without the suffix of a compressor.

    ``by_table`` has the files of each dumped table by database and table, ``None`` where they are not known.
    ``new_counters`` make the counter of each file.
    """

    by_table: t.Mapping[t.Tuple[str, str], t.Optional[t.Sequence[str]]]
    new_counters: t.Mapping[str, t.Callable[[], Counter]]


def find_table_files(folder: str, plan: Plan) -> TableFiles:
    """Find the files that hold rows.

    :param folder: the dump's; its files may be compressed
    """
    by_table: t.Dict[t.Tuple[str, str], t.Optional[t.Sequence[str]]] = {}
    new_counters: t.Dict[str, t.Callable[[], Counter]] = {}
    for one in plan.databases:
        if one.reason:
            script = os.path.join(one.directory, "database.sql")
            by_table.update({(one.name, table): [script] for table in one.objects.tables})
            new_counters[script] = ScriptCounter
            continue
        for table, files in _table_paths(folder, plan, one).items():
            by_table[one.name, table] = files
            new_counters.update({file: functools.partial(FileCounter, plan.version.generation) for file in files or []})
    return TableFiles(by_table, new_counters)


def count_tables(
    files: TableFiles, counters: t.Mapping[str, Counter], chunks: t.Mapping[str, CompressedChunk]
) -> t.Dict[str, t.List[Table]]:
    """Return the tables of each database, as the manifest lists them.

    A table that was dropped before MyDumper read it is not in the dump and not in the list.

    :param counters: the counters of the files after the integrity test
    :param chunks: the files that were counted during the dump instead
    """
    tables: t.Dict[str, t.List[Table]] = {}
    for (database, table), paths in files.by_table.items():
        count: t.Optional[Count] = None
        if paths is not None:
            counts = [chunks[path].content if path in chunks else counters[path].count(table) for path in paths]
            count = join_counts(counts)
        entry: Table = {"name": table, "rows": count and count.rows, "sha256": count and count.sha256}
        tables.setdefault(database, []).append(entry)
    return tables


def _table_paths(folder: str, plan: Plan, one: DatabasePlan) -> t.Dict[str, t.Optional[t.List[str]]]:
    directory = plan.tables_directory(one)
    found = files_of(
        os.path.join(folder, directory),
        plan.version.generation,
        one.name,
        one.objects.tables,
        is_alone=plan.mode != INSTANCE,
    )
    return {
        table: None if found[table] is None else [os.path.join(directory, name) for name in found[table] or []]
        for table in one.objects.tables
        if table in found
    }


def files_of(
    folder: str, generation: str, database: str, tables: t.Sequence[str], *, is_alone: bool
) -> t.Dict[str, t.Optional[t.List[str]]]:
    """Return the files in *folder* that hold the rows of a database's tables, by table; ``None`` where not known.

    A table that was dropped before MyDumper read it is not in the result.

    :param generation: MyDumper's
    :param is_alone: whether the directory holds no other database
    """
    names = [re.sub(r"\.(?:zst|gz)$", "", name) for name in os.listdir(folder)]
    if generation == LEGACY:
        stems = _legacy_stems(names, database, tables)
    else:
        stems = _stems(folder, database, tables, is_alone=is_alone)
    files = data_files({stem for stem in stems.values() if stem}, names)
    return {table: files[stem] if stem else None for table, stem in stems.items()}


def data_files(stems: t.AbstractSet[str], names: t.Iterable[str]) -> t.Dict[str, t.List[str]]:
    """Return MyDumper's files that hold rows, in order, by the stem of their names.

    :param stems: ``database.table``, as in the file names
    """
    found: t.Dict[str, t.List[str]] = {stem: [] for stem in stems}
    for name in sorted(names):
        stem, suffix = os.path.splitext(name)
        # The numbers of chunks come after the table's name.
        while stem not in stems and stem.rpartition(".")[2].isdigit():
            stem = stem.rpartition(".")[0]
        if suffix == ".sql" and stem in stems:
            found[stem].append(name)
    return found


def _legacy_stems(names: t.Sequence[str], database: str, tables: t.Sequence[str]) -> t.Dict[str, t.Optional[str]]:
    """Return the stem of the file names of each table that MyDumper 0.10 dumped."""
    present = set(names)
    return {table: f"{database}.{table}" for table in tables if f"{database}.{table}-schema.sql" in present}


def _stems(folder: str, database: str, tables: t.Sequence[str], *, is_alone: bool) -> t.Dict[str, t.Optional[str]]:
    """Return the same for MyDumper 0.20 and later, from its metadata; ``None`` where it is not known.

    Names that are not plain have an alias in the metadata. It has the real names of tables, but not of databases, so an
    alias cannot be resolved where the dump holds several databases.
    """
    with open(os.path.join(folder, "metadata"), encoding="utf-8", errors="surrogateescape") as stream:
        recorded = list(_RECORDED.finditer(stream.read()))
    if is_alone:
        return {found["name"]: f"{found['database']}.{found['table']}" for found in recorded}
    own = {found["name"]: f"{database}.{found['table']}" for found in recorded if found["database"] == database}
    return {table: None if database.startswith(_ALIAS) else own.get(table) for table in tables}
