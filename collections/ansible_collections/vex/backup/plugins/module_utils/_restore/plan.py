# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of a backup is to be restored, and under which names: read from its manifest before anything is touched."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._dump.plan import INSTANCE
from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestUnusable, OptionError
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import SYSTEM_DATABASES, Program
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, MODERN


class DatabaseRestore(t.NamedTuple):
    """One database of the backup, or one table of it.

    ``directory`` is its place below the backup's root; ``target`` the name that it gets. ``rows`` of each table are
    ``None`` where the manifest does not say. ``by_client`` is whether the server's client loads it.
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
    """``shared`` is whether all databases lie in one folder, ``generation`` that of the MyDumper that wrote them."""

    databases: t.Sequence[DatabaseRestore]
    generation: str
    shared: bool
    compression: str
    dump_bytes: int


def read_plan(path: str, *, database: t.Optional[str], target: t.Optional[str], table: t.Optional[str]) -> RestorePlan:
    """What of the backup to restore, by the manifest at *path*: all of it, one *database*, or one *table* of that.

    :param target: another name for the database
    :raises OptionError: for a database or table that the backup does not hold, and for a name that must not be
    :raises ManifestUnusable: when the manifest cannot be read
    """
    if database is None and (target is not None or table is not None):
        raise OptionError("name the database: another name, or one table, is of one database")
    if (target or "").lower() in SYSTEM_DATABASES:
        raise OptionError(f"{target} is a database of the server's own: choose another name")
    try:
        with open(path, encoding="utf-8") as stream:
            manifest = json.load(stream)
        return _plan(manifest, database, target, table)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ManifestUnusable(f"the manifest {path} cannot be read ({error!r}): it is damaged or missing") from error


def _plan(
    manifest: t.Mapping[str, t.Any], database: t.Optional[str], target: t.Optional[str], table: t.Optional[str]
) -> RestorePlan:
    names = [one["name"] for one in manifest["databases"]]
    if database is not None and database not in names:
        raise OptionError(f"the backup holds no database {database!r}: it holds {', '.join(map(repr, names))}")
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
            what = "is a view" if table in views else "is not in the backup"
            raise OptionError(
                f"{one['name']}.{table} {what}; its tables are {', '.join(sorted(tables)[:20]) or 'none'}"
            )
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
    # Backups of 1.0 list names alone.
    return (listed, None) if isinstance(listed, str) else (listed["name"], listed["rows"])
