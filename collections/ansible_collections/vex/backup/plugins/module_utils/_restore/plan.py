# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a restore: which databases and tables of a backup, under which names. Read from its manifest."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._dump.plan import INSTANCE
from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestUnusable, OptionError
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import SYSTEM_DATABASES, Program
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, MODERN


class DatabaseRestore(t.NamedTuple):
    """One database of the backup, or one table of it.

    ``target`` is its name on the server, ``directory`` its path below the backup's root. ``tables`` are row counts by
    table, ``None`` where the manifest has no count. ``by_client`` is set when the server's client loads it, and not
    myloader.
    """

    name: str
    target: str
    directory: str
    table: t.Optional[str]
    tables: t.Mapping[str, t.Optional[int]]
    views: t.Sequence[str]
    programs: t.Sequence[Program]
    by_client: bool


class RestorePlan(t.NamedTuple):
    """The databases to restore, and how they were dumped.

    ``generation`` is the generation of their MyDumper, ``shared`` is set when all databases are in one directory,
    ``dump_bytes`` is the size of the whole dump before compression.
    """

    databases: t.Sequence[DatabaseRestore]
    generation: str
    shared: bool
    compression: str
    dump_bytes: int


def read_plan(path: str, *, database: t.Optional[str], target: t.Optional[str], table: t.Optional[str]) -> RestorePlan:
    """Read the plan from a manifest: all of the backup, one database, or one table of it.

    :param path: the manifest
    :param target: another name for *database*
    :raises OptionError: for a database or table that the backup does not hold, and for a name of a system database
    :raises ManifestUnusable: when the manifest cannot be read
    """
    if database is None and (target is not None or table is not None):
        raise OptionError("set database too: as and table apply to one database")
    if (target or "").lower() in SYSTEM_DATABASES:
        raise OptionError(f"{target} is a system database of the server: choose another name")
    try:
        with open(path, encoding="utf-8") as stream:
            manifest = json.load(stream)
        return _plan(manifest, database, target, table)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ManifestUnusable(
            f"the manifest {path} cannot be read ({error!r}): download it again, or choose another backup"
        ) from error


def _plan(
    manifest: t.Mapping[str, t.Any], database: t.Optional[str], target: t.Optional[str], table: t.Optional[str]
) -> RestorePlan:
    names = [one["name"] for one in manifest["databases"]]
    if database is not None and database not in names:
        raise OptionError(f"the backup holds no database {database!r}: choose one of {', '.join(map(repr, names))}")
    chosen = [one for one in manifest["databases"] if database in (None, one["name"])]
    return RestorePlan(
        databases=[_database(one, target, table) for one in chosen],
        generation=LEGACY if str(manifest["tools"]["mydumper"]).startswith(f"{LEGACY}.") else MODERN,
        shared=manifest["mode"] == INSTANCE,
        compression=manifest["compression"],
        dump_bytes=int(manifest["dump_bytes"]),
    )


def _database(one: t.Mapping[str, t.Any], target: t.Optional[str], table: t.Optional[str]) -> DatabaseRestore:
    tables = dict(map(_table, one["tables"]))
    views, programs = one["views"], [Program(program["kind"], program["name"]) for program in one["programs"]]
    if table is not None:
        if table not in tables:
            why = "is a view" if table in views else "is not in the backup"
            shown = ", ".join(sorted(tables)[:20]) or "none"
            raise OptionError(f"{one['name']}.{table} {why}: choose a table of the backup ({shown})")
        tables, views = {table: tables[table]}, []
        programs = [program for program in programs if program.kind == "TRIGGER"]
    return DatabaseRestore(
        name=one["name"],
        target=one["name"] if target is None else target,
        directory=one["directory"],
        table=table,
        tables=tables,
        views=views,
        programs=programs,
        by_client=bool(one["mysqldump"]),
    )


def _table(listed: t.Any) -> t.Tuple[str, t.Optional[int]]:
    # Manifests of version 1.0 list names only.
    return (listed, None) if isinstance(listed, str) else (listed["name"], listed["rows"])
