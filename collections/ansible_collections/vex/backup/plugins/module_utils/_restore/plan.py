# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a restore: which databases and tables of a backup, under which names. Read from its manifest."""

from __future__ import annotations

import json
import types
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._dump.dump_format import FORMAT
from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestUnusable, OptionError
from ansible_collections.vex.backup.plugins.module_utils._mysql.broken_tables import Broken
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import DATABASE, TABLE
from ansible_collections.vex.backup.plugins.module_utils._mysql.limits import HEAP
from ansible_collections.vex.backup.plugins.module_utils._mysql.needs import NUMBERS, PACKET, Needs, statement_need
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import SYSTEM_DATABASES, Program
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import (
    SEQUENCE,
    TRANSACTIONAL_ENGINES,
    keeps_rows,
)


class TableRestore(t.NamedTuple):
    """A table of the backup.

    ``rows`` is the number of its rows in the dump. ``files`` hold them, by their paths below the database's directory
    without the suffix of a compressor. ``is_exact`` is set when the server's client wrote them, and not MyDumper.
    ``engine`` and ``fingerprint`` are the dumped server's. ``schema_only`` is set when its rows were left out of the
    backup. ``longest`` is the longest statement in the files, in bytes.
    """

    engine: str
    rows: int
    files: t.Sequence[str]
    is_exact: bool
    fingerprint: t.Mapping[str, t.Any]
    schema_only: bool = False
    longest: int = 0

    @property
    def is_transactional(self) -> bool:
        """Return whether rows can be loaded by several sessions at once."""
        # Manifests of earlier pre-releases do not name the engine.
        return self.engine in ("", *TRANSACTIONAL_ENGINES)


class DatabaseRestore(t.NamedTuple):
    """One database of the backup, or one table of it.

    ``target`` is its name on the server, ``directory`` its path below the backup's root. ``tables`` are by name,
    ``digests`` of the definitions by kind and name. ``unusable`` says why the dumped server itself, or one without the
    tables that were left out, cannot use an object. ``left_out`` are tables and views that the backup does not hold,
    ``broken`` are objects that the dumped server could not read. ``needs`` are those of each definition, by kind and
    name.
    """

    name: str
    target: str
    directory: str
    collation: str
    table: t.Optional[str]
    tables: t.Mapping[str, TableRestore]
    views: t.Sequence[str]
    programs: t.Sequence[Program]
    digests: t.Mapping[t.Tuple[str, str], str]
    unusable: t.Mapping[t.Tuple[str, str], str] = types.MappingProxyType({})
    left_out: t.Sequence[str] = ()
    broken: t.Mapping[t.Tuple[str, str], Broken] = types.MappingProxyType({})
    needs: t.Mapping[t.Tuple[str, str], Needs] = types.MappingProxyType({})

    @property
    def objects(self) -> t.List[t.Tuple[str, str]]:
        """Kind and name of each object, without the triggers of a table that is restored alone."""
        return [key for key in self.needs if self.table is None or key in ((DATABASE, self.name), (TABLE, self.table))]

    def needs_of(self, kind: str, name: str) -> Needs:
        """Return the needs of an object, with those of its rows."""
        rows = statement_need(self.tables[name].longest) if kind == TABLE and name in self.tables else []
        found = self.needs[kind, name]
        return {**found, PACKET: [*found.get(PACKET, ()), *rows]}

    def engine_of(self, table: str) -> str:
        """Return the engine of a table, empty for another object."""
        return self.tables[table].engine if table in self.tables else ""

    @property
    def missing(self) -> t.List[str]:
        """A sentence for each table and view of the database that the backup does not hold, or holds without rows."""
        left_out = self.left_out if self.table is None else ()
        schema_only = [name for name, table in self.tables.items() if table.schema_only]
        elsewhere = {name: table.engine for name, table in self.tables.items() if not keeps_rows("", table.engine)}
        return [
            *(f"{self.name}.{name} was left out of the backup by exclude_tables" for name in left_out),
            *self._unreadable(is_lost=False),
            *(f"{self.name}.{name} is in the backup without rows, by schema_only_tables" for name in schema_only),
            *(
                f"{self.name}.{name} is in the backup without rows, which the engine {engine} keeps elsewhere"
                for name, engine in elsewhere.items()
            ),
        ]

    @property
    def lost(self) -> t.List[str]:
        """A sentence for each object of the dumped server that the backup lacks, because it could not be read."""
        return self._unreadable(is_lost=True)

    def _unreadable(self, *, is_lost: bool) -> t.List[str]:
        return [
            f"{'' if kind == TABLE else f'{kind.lower()} '}{self.name}.{name} is not in the backup, because its server "
            f"could not read it: {broken.reason}"
            for (kind, name), broken in self.broken.items()
            if self.table is None and broken.is_lost == is_lost
        ]

    @property
    def is_renamed(self) -> bool:
        """Return whether the database is restored under another name."""
        return self.target != self.name


class Source(t.NamedTuple):
    """The server that was dumped; ``product`` is ``mysql`` or ``mariadb``, ``limits`` are some of its settings."""

    product: str
    version: str
    lower_case_table_names: int
    limits: t.Mapping[str, str] = types.MappingProxyType({})


class RestorePlan(t.NamedTuple):
    """The databases to restore, and how they were dumped.

    ``dump_bytes`` is the size of the whole dump before compression. ``accounts`` are the names of the accounts and
    roles that the backup holds, ``server_objects`` kind and name of the other objects of the server.
    """

    databases: t.Sequence[DatabaseRestore]
    source: Source
    compression: str
    dump_bytes: int
    accounts: t.Sequence[str]
    server_objects: t.Sequence[str] = ()


def read_plan(path: str, *, database: t.Optional[str], target: t.Optional[str], table: t.Optional[str]) -> RestorePlan:
    """Read the plan from a manifest: all of the backup, one database, or one table of it.

    :param path: the manifest
    :param target: another name for *database*
    :raises OptionError: for a database or table that the backup does not hold, and for a name of a system database
    :raises ManifestUnusable: when the manifest cannot be read, or is of an earlier release
    """
    if database is None and (target is not None or table is not None):
        raise OptionError("set database too: as and table apply to one database")
    if (target or "").lower() in SYSTEM_DATABASES:
        raise OptionError(f"{target} is a system database of the server: choose another name")
    try:
        with open(path, encoding="utf-8") as stream:
            manifest = json.load(stream)
        require_format(path, manifest)
        return _plan(manifest, database, target, table)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ManifestUnusable(
            f"the manifest {path} cannot be read ({error!r}): download it again, or choose another backup"
        ) from error


def require_format(path: str, manifest: t.Mapping[str, t.Any]) -> None:
    """Refuse the manifest of a dump whose layout this release does not know.

    :raises ManifestUnusable: with the remedy
    """
    found = manifest["format"]
    if found < FORMAT:
        raise ManifestUnusable(
            f"the backup of the manifest {path} was made by an earlier release, whose layout this release does not "
            "load: restore it by the commands under `restore` in its manifest"
        )
    if found > FORMAT:
        raise ManifestUnusable(f"the backup of the manifest {path} was made by a later release: restore it with that")


def _plan(
    manifest: t.Mapping[str, t.Any], database: t.Optional[str], target: t.Optional[str], table: t.Optional[str]
) -> RestorePlan:
    names = [one["name"] for one in manifest["databases"]]
    if database is not None and database not in names:
        raise OptionError(f"the backup holds no database {database!r}: choose one of {', '.join(map(repr, names))}")
    chosen = [one for one in manifest["databases"] if database in (None, one["name"])]
    server = manifest["server"]
    return RestorePlan(
        databases=[_database(one, target, table) for one in chosen],
        source=Source(
            product=server["product"],
            version=server["version"],
            lower_case_table_names=server["lower_case_table_names"],
            limits={name: _limit(name, value) for name, value in server.get("limits", {}).items()},
        ),
        compression=manifest["compression"],
        dump_bytes=int(manifest["dump_bytes"]),
        accounts=manifest.get("accounts", []),
        server_objects=manifest.get("server_objects", []) if database is None else [],
    )


def _limit(name: str, value: str) -> str:
    return str(int(value)) if name == HEAP else value


def _database(one: t.Mapping[str, t.Any], target: t.Optional[str], table: t.Optional[str]) -> DatabaseRestore:
    tables = {found["name"]: _table(found) for found in one["tables"]}
    views, programs = one["views"], [Program(program["kind"], program["name"]) for program in one["programs"]]
    if table is not None:
        if table not in tables:
            why = "is a view" if table in views else "is not in the backup"
            why = "was left out of the backup by exclude_tables" if table in one.get("left_out", []) else why
            why = (
                "is not in the backup, because its server could not read it" if (TABLE, table) in _broken(one) else why
            )
            shown = ", ".join(sorted(tables)[:20]) or "none"
            raise OptionError(f"{one['name']}.{table} {why}: choose a table of the backup ({shown})")
        tables, views = {table: tables[table]}, []
        programs = [program for program in programs if program.kind == "TRIGGER"]
    return DatabaseRestore(
        name=one["name"],
        target=one["name"] if target is None else target,
        directory=one["directory"],
        collation=one["collation"],
        table=table,
        tables=tables,
        views=views,
        programs=programs,
        # Earlier pre-releases computed those of sequences in another way, and did not say what is unusable.
        digests={
            (found["kind"], found["name"]): found["sha256"]
            for found in one["definitions"]
            if found["kind"] != SEQUENCE or "unusable" in found
        },
        unusable={
            (found["kind"], found["name"]): found["unusable"] for found in one["definitions"] if found.get("unusable")
        },
        left_out=one.get("left_out", []),
        broken=_broken(one),
        needs={(found["kind"], found["name"]): _needs(found.get("needs", {})) for found in one["definitions"]},
    )


def _broken(one: t.Mapping[str, t.Any]) -> t.Dict[t.Tuple[str, str], Broken]:
    return {
        (str(found["kind"]), str(found["name"])): Broken(str(found["reason"]), bool(found["is_lost"]))
        for found in one.get("broken", [])
    }


def _needs(found: Needs) -> Needs:
    """Return the needs of an object.

    :raises ValueError: for a text that must be a number and is none
    """
    return {what: [str(int(value)) if what in NUMBERS else value for value in values] for what, values in found.items()}


def _table(found: t.Mapping[str, t.Any]) -> TableRestore:
    return TableRestore(
        engine=found.get("engine", ""),
        rows=int(found["rows"]),
        files=found["files"],
        is_exact=bool(found["exact"]),
        fingerprint=dict(found["fingerprint"]),
        schema_only=bool(found.get("schema_only")),
        longest=int(found.get("longest_statement", 0)),
    )
