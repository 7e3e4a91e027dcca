# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was dumped against what came back: two dumps, by their manifests, and by their rows where these differ."""

from __future__ import annotations

import json
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import Manifest
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import INSTANCE
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import (
    Counter,
    FileCounter,
    ScriptCounter,
    join_counts,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.table_files import files_of
from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestUnusable, RestoreDiffers
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, MODERN
from ansible_collections.vex.backup.plugins.module_utils._verify.unordered_rows import (
    RowSet,
    pieces_of_file,
    row_set,
    rows_of_script,
    rows_of_table,
)

_SHOWN = 20


class Dump(t.NamedTuple):
    """A dump: its manifest, and the folder that ``dump/`` is in."""

    manifest: Manifest
    root: str

    @property
    def generation(self) -> str:
        """Of the MyDumper that made it."""
        return LEGACY if str(self.manifest["tools"]["mydumper"]).startswith(f"{LEGACY}.") else MODERN


class Comparison(t.NamedTuple):
    """How many ``tables`` and ``rows`` were compared, the ``differences``, and ``notes`` on what was not compared."""

    tables: int
    rows: int
    differences: t.List[str]
    notes: t.List[str]


def compare_dumps(manifest: str, dump: str, restored: str) -> t.Dict[str, t.Any]:
    """Compare a backup with the dump of what it was restored to.

    :param manifest: path of the backup's
    :param dump: folder that the backup was unpacked to, with ``dump/`` in it
    :param restored: folder of the other dump
    :returns: the result of ``backup_compare``
    :raises ManifestUnusable: when a manifest does not say what its tables hold
    :raises RestoreDiffers: for any difference
    """
    expected = Dump(_read(manifest), dump)
    found = Dump(_read(os.path.join(restored, "manifest.json")), restored)
    try:
        comparison = compare(expected, found)
    except (LookupError, TypeError) as error:
        raise ManifestUnusable(
            f"{manifest} does not say what its tables hold ({error!r}): it cannot be compared"
        ) from error
    result: t.Dict[str, t.Any] = {**comparison._asdict(), "changed": False}
    if comparison.differences:
        shown = "; ".join(comparison.differences[:_SHOWN])
        more = len(comparison.differences) - _SHOWN
        raise RestoreDiffers(
            f"what was restored is not what was dumped: {shown}" + (f" (and {more} more)" if more > 0 else ""), **result
        )
    return result


def compare(expected: Dump, found: Dump) -> Comparison:
    """Compare two dumps of what is to be the same: databases, tables, their rows, views and stored programs."""
    result = Comparison(0, 0, [], _notes(expected, found))
    databases = {one["name"]: one for one in found.manifest["databases"]}
    for one in expected.manifest["databases"]:
        other = databases.get(one["name"])
        if other is None:
            result.differences.append(f"database {one['name']!r} is missing")
            continue
        for kind, names, others in (
            ("view", one["views"], other["views"]),
            ("stored program", _programs(one), _programs(other)),
        ):
            missing = [name for name in names if name not in set(others)]
            result.differences.extend(f"{kind} {one['name']}.{name} is missing" for name in missing)
        tables = {table["name"]: table for table in other["tables"]}
        for table in one["tables"]:
            result = result._replace(tables=result.tables + 1, rows=result.rows + (table["rows"] or 0))
            difference = _difference(expected, found, one, other, table, tables.get(table["name"]))
            if difference:
                result.differences.append(f"table {one['name']}.{table['name']} {difference}")
    return result


def _notes(expected: Dump, found: Dump) -> t.List[str]:
    notes = []
    if expected.generation != found.generation:
        notes.append(
            f"the rows were counted and not compared: MyDumper {expected.manifest['tools']['mydumper']} dumped, and "
            f"{found.manifest['tools']['mydumper']} writes them in another way"
        )
    unknown = sum(table["rows"] is None for one in expected.manifest["databases"] for table in one["tables"])
    if unknown:
        notes.append(f"the manifest does not say how many rows {unknown} of the tables hold")
    return notes


def _programs(database: t.Mapping[str, t.Any]) -> t.List[str]:
    return [f"{program['name']} ({program['kind']})" for program in database["programs"]]


def _difference(
    expected: Dump,
    found: Dump,
    one: t.Mapping[str, t.Any],
    other: t.Mapping[str, t.Any],
    table: t.Mapping[str, t.Any],
    restored: t.Optional[t.Mapping[str, t.Any]],
) -> str:
    if restored is None:
        return f"is missing: {table['rows']} rows expected"
    is_known = table["rows"] is not None and restored["rows"] is not None
    if is_known and table["rows"] != restored["rows"]:
        return f"has {restored['rows']} rows, {table['rows']} expected"
    if not is_known or table["sha256"] == restored["sha256"] or expected.generation != found.generation:
        return ""
    if _digest(expected, one, table["name"]) != table["sha256"]:
        return "is another in the backup's own files than the manifest says"
    # Another order of the rows, other pieces: what is in them decides.
    if _rows(expected, one, table["name"]) == _rows(found, other, table["name"]):
        return ""
    versions = {dump.manifest["server"]["version"] for dump in (expected, found)}
    on = f" (dumped from {expected.manifest['server']['version']}, restored to {found.manifest['server']['version']})"
    return f"has {table['rows']} rows as expected, but others than those" + (on if len(versions) > 1 else "")


def _digest(dump: Dump, database: t.Mapping[str, t.Any], table: str) -> str:
    """What the manifest should say of a table, from the dump's files."""
    files = _files(dump, database, table)
    if database["mysqldump"]:
        script = ScriptCounter()
        _read_into(script, files[0])
        return script.count(table).sha256
    tallies = [FileCounter(dump.generation) for _file in files]
    for tally, path in zip(tallies, files):
        _read_into(tally, path)
    return join_counts([tally.count() for tally in tallies]).sha256


def _read_into(tally: Counter, path: str) -> None:
    for piece in pieces_of_file(path):
        tally.update(piece)


def _rows(dump: Dump, database: t.Mapping[str, t.Any], table: str) -> RowSet:
    paths = _files(dump, database, table)
    return row_set(rows_of_script(paths[0], table) if database["mysqldump"] else rows_of_table(paths))


def _files(dump: Dump, database: t.Mapping[str, t.Any], table: str) -> t.List[str]:
    folder = os.path.join(dump.root, database["directory"])
    if database["mysqldump"]:
        return [os.path.join(folder, "database.sql")]
    folder = os.path.join(folder, "tables")
    is_alone = dump.manifest["mode"] != INSTANCE
    names = files_of(folder, dump.generation, database["name"], [table], is_alone=is_alone)[table] or []
    return [os.path.join(folder, name) for name in names]


def _read(path: str) -> t.Dict[str, t.Any]:
    try:
        with open(path, encoding="utf-8") as stream:
            return dict(json.load(stream))
    except (OSError, ValueError, TypeError) as error:
        raise ManifestUnusable(f"{path} cannot be read ({error}): the backup cannot be compared") from error
