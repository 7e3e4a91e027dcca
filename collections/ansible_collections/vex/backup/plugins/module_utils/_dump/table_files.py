# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which files of a dump hold which table's rows, and, once they were read back, what each table holds."""

from __future__ import annotations

import functools
import os
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._dump.integrity_test import Part
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import (
    INSTANCE,
    INSTANCE_DIRECTORY,
    DatabasePlan,
    Plan,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count, FileTally, ScriptTally, joined
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY

_RECORDED = re.compile(r"^\[`(?P<database>.+)`\.`(?P<table>.+)`\]\nreal_table_name=(?P<name>.*)$", re.MULTILINE)
_ALIAS = "mydumper_"


class Table(t.TypedDict):
    """A table as the manifest lists it; ``rows`` and ``sha256`` are ``None`` where they cannot be told."""

    name: str
    rows: t.Optional[int]
    sha256: t.Optional[str]


class Contents:
    """What the tables of a dump hold, once :attr:`parts` have been read back.

    :param folder: the dump's, its files compressed or not
    :param known: what was counted already, by names below *folder*
    """

    def __init__(self, folder: str, plan: Plan, known: t.Mapping[str, Count]) -> None:
        #: Files that hold rows, and are to be counted.
        self.parts: t.List[Part] = []
        self._known = known
        self._counts: t.Dict[t.Tuple[str, str], t.Callable[[], t.Optional[Count]]] = {}
        for one in plan.databases:
            place = os.path.join(INSTANCE_DIRECTORY if plan.mode == INSTANCE else one.directory, "tables")
            if one.reason:
                self._add_script(one)
            else:
                self._add_tables(os.path.join(folder, place), place, plan, one)

    def tables(self, one: DatabasePlan) -> t.List[Table]:
        """A database's, as the manifest lists them; one that was dropped before its turn is not in the dump."""
        there = [name for name in one.objects.tables if (one.name, name) in self._counts]
        counted = [(name, self._counts[one.name, name]()) for name in there]
        return [
            {"name": name, "rows": count.rows if count else None, "sha256": count.sha256 if count else None}
            for name, count in counted
        ]

    def _add_script(self, one: DatabasePlan) -> None:
        script = ScriptTally()
        self.parts.append(Part(os.path.join(one.directory, "database.sql"), script))
        for table in one.objects.tables:
            self._counts[one.name, table] = functools.partial(script.count, table)

    def _add_tables(self, folder: str, place: str, plan: Plan, one: DatabasePlan) -> None:
        generation, is_alone = plan.version.generation, plan.mode != INSTANCE
        for table, files in files_of(folder, generation, one.name, one.objects.tables, is_alone=is_alone).items():
            paths = None if files is None else [os.path.join(place, name) for name in files]
            counts = None if paths is None else [self._count_of(path, generation) for path in paths]
            self._counts[one.name, table] = functools.partial(_joined, counts)

    def _count_of(self, path: str, generation: str) -> t.Callable[[], Count]:
        if path in self._known:
            return functools.partial(self._known.__getitem__, path)
        tally = FileTally(generation)
        self.parts.append(Part(path, tally))
        return tally.count


def _joined(counts: t.Optional[t.Sequence[t.Callable[[], Count]]]) -> t.Optional[Count]:
    return None if counts is None else joined([count() for count in counts])


def files_of(
    folder: str, generation: str, database: str, tables: t.Sequence[str], *, is_alone: bool
) -> t.Dict[str, t.Optional[t.List[str]]]:
    """The files in *folder* that hold the rows of a database's tables, by table; ``None`` where it cannot be told.

    A table that was dropped before MyDumper came to it is not among them.

    :param generation: MyDumper's
    :param is_alone: whether the folder holds no other database
    """
    names = [re.sub(r"\.(?:zst|gz)$", "", name) for name in os.listdir(folder)]
    if generation == LEGACY:
        stems = _legacy_stems(names, database, tables)
    else:
        stems = _stems(folder, database, tables, is_alone=is_alone)
    files = data_files({stem for stem in stems.values() if stem}, names)
    return {table: files[stem] if stem else None for table, stem in stems.items()}


def data_files(stems: t.AbstractSet[str], names: t.Iterable[str]) -> t.Dict[str, t.List[str]]:
    """Which of MyDumper's files hold a table's rows, in their order, by what they begin with.

    :param stems: ``database.table``, as the files have it
    """
    found: t.Dict[str, t.List[str]] = {stem: [] for stem in stems}
    for name in sorted(names):
        stem, suffix = os.path.splitext(name)
        # Behind the table's name come the numbers of its pieces, if it has any.
        while stem not in stems and stem.rpartition(".")[2].isdigit():
            stem = stem.rpartition(".")[0]
        if suffix == ".sql" and stem in stems:
            found[stem].append(name)
    return found


def _legacy_stems(names: t.Sequence[str], database: str, tables: t.Sequence[str]) -> t.Dict[str, t.Optional[str]]:
    """What the files of each table that was dumped begin with."""
    present = set(names)
    return {table: f"{database}.{table}" for table in tables if f"{database}.{table}-schema.sql" in present}


def _stems(folder: str, database: str, tables: t.Sequence[str], *, is_alone: bool) -> t.Dict[str, t.Optional[str]]:
    """The same of MyDumper 0.20 and later, from its metadata; ``None`` where it is not told.

    Names that are not plain have an alias there: that of a table is told, that of one database among several is not.
    """
    with open(os.path.join(folder, "metadata"), encoding="utf-8", errors="surrogateescape") as stream:
        recorded = list(_RECORDED.finditer(stream.read()))
    if is_alone:
        return {found["name"]: f"{found['database']}.{found['table']}" for found in recorded}
    own = {found["name"]: f"{database}.{found['table']}" for found in recorded if found["database"] == database}
    return {table: None if database.startswith(_ALIAS) else own.get(table) for table in tables}
