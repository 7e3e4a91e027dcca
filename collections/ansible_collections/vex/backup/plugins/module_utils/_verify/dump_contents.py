# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A dump to compare: the tables in its manifest, and the rows in its files."""

from __future__ import annotations

import json
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import FileCounter, join_counts
from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestUnusable
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import VIEW
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Program
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import require_format
from ansible_collections.vex.backup.plugins.module_utils._tools.dump_driver import LEGACY, MODERN
from ansible_collections.vex.backup.plugins.module_utils._verify.unordered_rows import (
    RowSet,
    chunks_of_file,
    row_set,
    rows_of_table,
)


class Table(t.NamedTuple):
    """A table in a manifest.

    ``sha256`` is the digest of the text of its rows. ``files`` hold them, by their paths below the database's
    directory. ``is_exact`` is set when the server's client wrote them, and not MyDumper.
    """

    name: str
    rows: int
    sha256: str
    files: t.Sequence[str]
    is_exact: bool


class Database(t.NamedTuple):
    """A database in a manifest; ``directory`` is its path below the dump's root."""

    name: str
    directory: str
    tables: t.Sequence[Table]
    views: t.Sequence[str]
    programs: t.Sequence[Program]


class Dump(t.NamedTuple):
    """A dump below ``root``."""

    root: str
    databases: t.Sequence[Database]
    mydumper: str
    generation: str
    server_version: str


def read_dump(manifest: str, root: str) -> Dump:
    """Read a dump's manifest.

    :param manifest: its path
    :param root: the directory that has the dump in ``dump/``
    :raises ManifestUnusable: when it cannot be read, or does not describe its tables
    """
    try:
        with open(manifest, encoding="utf-8") as stream:
            content = json.load(stream)
        require_format(manifest, content)
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


def writes_alike(one: t.Tuple[Dump, Table], other: t.Tuple[Dump, Table]) -> bool:
    """Return whether two dumps write the same rows of a table as the same text."""
    (dump, table), (other_dump, other_table) = one, other
    if table.is_exact or other_table.is_exact:
        return table.is_exact and other_table.is_exact
    return dump.generation == other_dump.generation


def digest_of(dump: Dump, database: Database, table: Table) -> str:
    """Return the digest that the manifest should have for a table, computed from the dump's files."""
    counters = []
    for path in _paths(dump, database, table):
        counters.append(FileCounter())
        for chunk in chunks_of_file(path):
            counters[-1].update(chunk)
    return join_counts([counter.count() for counter in counters]).sha256


def rows_of(dump: Dump, database: Database, table: Table) -> RowSet:
    """Return the rows of a table, in any order, from the dump's files."""
    return row_set(rows_of_table(_paths(dump, database, table)))


def _paths(dump: Dump, database: Database, table: Table) -> t.List[str]:
    return [os.path.join(dump.root, database.directory, name) for name in table.files]


def _dump(content: t.Mapping[str, t.Any], root: str) -> Dump:
    mydumper = str(content["tools"]["mydumper"])
    return Dump(
        root=root,
        databases=[_database(one) for one in content["databases"]],
        mydumper=mydumper,
        generation=LEGACY if mydumper.startswith(f"{LEGACY}.") else MODERN,
        server_version=content["server"]["version"],
    )


def _database(one: t.Mapping[str, t.Any]) -> Database:
    return Database(
        name=one["name"],
        directory=one["directory"],
        tables=[_table(table) for table in one["tables"]],
        views=[found["name"] for found in one["definitions"] if found["kind"] == VIEW and not found.get("unusable")],
        programs=[Program(program["kind"], program["name"]) for program in one["programs"]],
    )


def _table(found: t.Mapping[str, t.Any]) -> Table:
    return Table(found["name"], int(found["rows"]), found["sha256"], found["files"], bool(found["exact"]))
