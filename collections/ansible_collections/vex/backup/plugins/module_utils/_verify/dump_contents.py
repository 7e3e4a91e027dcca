# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A dump to compare: the tables in its manifest, and the rows in its files."""

from __future__ import annotations

import json
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._dump.plan import INSTANCE
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import (
    Counter,
    FileCounter,
    ScriptCounter,
    join_counts,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.table_files import files_of
from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestUnusable
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Program
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, MODERN
from ansible_collections.vex.backup.plugins.module_utils._verify.unordered_rows import (
    RowSet,
    chunks_of_file,
    row_set,
    rows_of_script,
    rows_of_table,
)


class Table(t.NamedTuple):
    """A table in a manifest. ``rows`` and ``sha256``, of the text of its rows, are ``None`` where they are unknown."""

    name: str
    rows: t.Optional[int]
    sha256: t.Optional[str]


class Database(t.NamedTuple):
    """A database in a manifest.

    ``directory`` is its path below the dump's root, ``is_script`` is set when mysqldump dumped it.
    """

    name: str
    directory: str
    is_script: bool
    tables: t.Sequence[Table]
    views: t.Sequence[str]
    programs: t.Sequence[Program]


class Dump(t.NamedTuple):
    """A dump below ``root``; ``is_shared`` is set when all databases are in one directory."""

    root: str
    databases: t.Sequence[Database]
    mydumper: str
    generation: str
    server_version: str
    is_shared: bool


def read_dump(manifest: str, root: str) -> Dump:
    """Read a dump's manifest.

    :param manifest: its path
    :param root: the directory that has the dump in ``dump/``
    :raises ManifestUnusable: when it cannot be read, or has no row counts of its tables
    """
    try:
        with open(manifest, encoding="utf-8") as stream:
            content = json.load(stream)
        return _dump(content, root)
    except (LookupError, TypeError) as error:
        raise ManifestUnusable(
            f"{manifest} does not describe its tables ({error!r}), so the backup cannot be compared: choose a "
            "backup of a newer release"
        ) from error
    except (OSError, ValueError) as error:
        raise ManifestUnusable(
            f"{manifest} cannot be read ({error}), so the backup cannot be compared: download it again"
        ) from error


def digest_of(dump: Dump, database: Database, table: Table) -> str:
    """Return the digest that the manifest should have for a table, computed from the dump's files."""
    paths = _paths(dump, database, table)
    if database.is_script:
        script = ScriptCounter()
        _read_into(script, paths[0])
        return script.count(table.name).sha256
    counters = [FileCounter(dump.generation) for _path in paths]
    for counter, path in zip(counters, paths):
        _read_into(counter, path)
    return join_counts([counter.count() for counter in counters]).sha256


def rows_of(dump: Dump, database: Database, table: Table) -> RowSet:
    """Return the rows of a table, in any order, from the dump's files."""
    paths = _paths(dump, database, table)
    return row_set(rows_of_script(paths[0], table.name) if database.is_script else rows_of_table(paths))


def _read_into(counter: Counter, path: str) -> None:
    for chunk in chunks_of_file(path):
        counter.update(chunk)


def _paths(dump: Dump, database: Database, table: Table) -> t.List[str]:
    folder = os.path.join(dump.root, database.directory)
    if database.is_script:
        return [os.path.join(folder, "database.sql")]
    folder = os.path.join(folder, "tables")
    files = files_of(folder, dump.generation, database.name, [table.name], is_alone=not dump.is_shared)
    return [os.path.join(folder, name) for name in files[table.name] or []]


def _dump(content: t.Mapping[str, t.Any], root: str) -> Dump:
    mydumper = str(content["tools"]["mydumper"])
    return Dump(
        root=root,
        databases=[_database(one) for one in content["databases"]],
        mydumper=mydumper,
        generation=LEGACY if mydumper.startswith(f"{LEGACY}.") else MODERN,
        server_version=content["server"]["version"],
        is_shared=content["mode"] == INSTANCE,
    )


def _database(one: t.Mapping[str, t.Any]) -> Database:
    return Database(
        name=one["name"],
        directory=one["directory"],
        is_script=bool(one["mysqldump"]),
        tables=[Table(table["name"], table["rows"], table["sha256"]) for table in one["tables"]],
        views=one["views"],
        programs=[Program(program["kind"], program["name"]) for program in one["programs"]],
    )
