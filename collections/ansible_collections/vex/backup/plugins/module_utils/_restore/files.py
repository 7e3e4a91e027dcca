# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files that a restore loads: hard links to the wanted files of the unpacked backup, decompressed and adapted.

They are in a directory of their own beside the backup, which is not changed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.files import private_files, require_space
from ansible_collections.vex.backup.plugins.module_utils._common.lock import directory_lock
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import directory_name
from ansible_collections.vex.backup.plugins.module_utils._dump.table_files import data_files
from ansible_collections.vex.backup.plugins.module_utils._errors import RestoreFailed
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore, RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_scripts import (
    programs_script,
    renamed_script,
    table_of_script,
)
from ansible_collections.vex.backup.plugins.module_utils._tools.compressors import SUFFIXES
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY

TABLES = "tables"
VIEWS = "views"
VIEW_SUFFIX = "-schema-view.sql"
SCRIPT = "database.sql"
PROGRAMS = "programs.sql"


class Prepared(t.NamedTuple):
    """The files to load, and a warning for each trigger that is not among them.

    ``folders`` are directories by database. Each has ``tables/`` for myloader and ``views/`` for the client, or
    ``database.sql`` for the client; and ``programs.sql`` if the database has stored programs.
    """

    folders: t.Mapping[str, str]
    warnings: t.Sequence[str]


@contextlib.contextmanager
def prepared(root: str, plan: RestorePlan, deadline: Deadline) -> t.Iterator[Prepared]:
    """Provide the files to load while the ``with`` block runs.

    :param root: the unpacked backup
    :raises AlreadyRunning: when another restore loads this backup
    :raises NotEnoughSpace: before anything is written
    :raises RestoreFailed: when a file of the backup is missing
    """
    loading = f"{root}.loading"
    refusal = f"another restore loads {root}: wait until it ends, or unpack the backup into another directory"
    with directory_lock(root, refusal), private_files():
        with contextlib.suppress(FileNotFoundError):
            # Left by a restore that was killed.
            shutil.rmtree(loading)
        try:
            os.mkdir(loading)
            folders = {one.name: os.path.join(loading, str(place)) for place, one in enumerate(plan.databases)}
            for one in plan.databases:
                _link(root, plan, one, folders[one.name])
            _decompress(root, loading, plan, deadline)
            yield Prepared(folders, [text for one in plan.databases for text in _adapt(one, folders[one.name])])
        finally:
            # The next restore removes the rest. An error here would hide the error of this restore.
            shutil.rmtree(loading, ignore_errors=True)


def create_statement(folder: str, one: DatabaseRestore) -> t.Optional[bytes]:
    """Return MyDumper's ``CREATE DATABASE`` statement, ``None`` when the dump has none."""
    tables = os.path.join(folder, TABLES)
    # MyDumper 0.20 and later names the file by an alias when the name has special characters. With several such files,
    # an alias does not show its database.
    others = [name for name in os.listdir(tables) if name.endswith("-schema-create.sql")]
    for name in [f"{one.name}-schema-create.sql", *(others if len(others) == 1 else [])]:
        with contextlib.suppress(FileNotFoundError), open(os.path.join(tables, name), "rb") as stream:
            return stream.read()
    return None


def wanted_files(names: t.Sequence[str], plan: RestorePlan, one: DatabaseRestore) -> t.List[str]:
    """Return the names of MyDumper's files that a database or a table needs.

    MyDumper 0.20 and later names files by aliases: myloader gets all of them and chooses itself.

    :param names: of all files, without the suffix of their compression
    """
    if plan.generation != LEGACY or (one.table is None and not plan.shared):
        return list(names)
    own = {"metadata", f"{one.name}-schema-create.sql"}
    if one.table is None:
        start = (f"{one.name}.", f"{one.name}-schema-")
        return [name for name in names if name in own or name.startswith(start)]
    stem = f"{one.name}.{one.table}"
    own |= {f"{stem}-schema.sql", *data_files({stem}, names)[stem]}
    return [name for name in names if name in own]


def placed_files(names: t.Sequence[str], plan: RestorePlan) -> t.Dict[str, str]:
    """Return the directory, ``tables`` or ``views``, of each of MyDumper's files.

    The client creates the views of MyDumper 0.10 once all tables exist. Its myloader would create them from placeholder
    tables, and fail for a view that reads from a database that is loaded later.
    """
    views = set()
    if plan.generation == LEGACY:
        views = {name[: -len(VIEW_SUFFIX)] for name in names if name.endswith(VIEW_SUFFIX)}
    placeholders = {f"{view}-schema.sql" for view in views}
    return {
        name: VIEWS if views and name.endswith(VIEW_SUFFIX) else TABLES for name in names if name not in placeholders
    }


def _link(root: str, plan: RestorePlan, one: DatabaseRestore, folder: str) -> None:
    suffix = SUFFIXES[plan.compression]
    os.mkdir(folder)
    source = os.path.join(root, one.directory)
    if one.by_client:
        _link_one(os.path.join(source, SCRIPT), os.path.join(folder, SCRIPT), suffix)
    else:
        source = os.path.join(source, TABLES)
        os.mkdir(os.path.join(folder, TABLES))
        try:
            names = [name[: len(name) - len(suffix)] if name.endswith(suffix) else name for name in os.listdir(source)]
        except FileNotFoundError:
            raise RestoreFailed(f"{source} is missing from the backup: unpack the backup again") from None
        os.mkdir(os.path.join(folder, VIEWS))
        for name, place in placed_files(wanted_files(names, plan, one), plan).items():
            _link_one(os.path.join(source, name), os.path.join(folder, place, name), suffix)
    if one.programs:
        # This directory belongs to one database, even where the tables of all databases share one.
        own = os.path.join(os.path.dirname(os.path.join(root, one.directory)), directory_name(one.name))
        _link_one(os.path.join(own, PROGRAMS), os.path.join(folder, PROGRAMS), suffix)


def _link_one(source: str, path: str, suffix: str) -> None:
    for end in (suffix, ""):
        with contextlib.suppress(FileNotFoundError):
            os.link(source + end, path + end)
            return
    raise RestoreFailed(f"{source} is missing from the backup: unpack the backup again")


def _decompress(root: str, loading: str, plan: RestorePlan, deadline: Deadline) -> None:
    suffix = SUFFIXES[plan.compression]
    if not suffix:
        return
    packed = [os.path.relpath(path, loading) for path in _files(loading) if path.endswith(suffix)]
    chosen = sum(os.path.getsize(os.path.join(loading, name)) for name in packed)
    whole = sum(map(os.path.getsize, _files(os.path.join(root, "dump"))))
    require_space(loading, plan.dump_bytes * chosen // max(1, whole), "the decompressed backup")
    Compressor(plan.compression).decompress(loading, packed, deadline.remaining())


def _adapt(one: DatabaseRestore, folder: str) -> t.List[str]:
    """Adapt the scripts to another name or to one table; return a warning when triggers had to be left out."""
    script, programs = os.path.join(folder, SCRIPT), os.path.join(folder, PROGRAMS)
    if one.by_client and (one.target != one.name or one.table is not None):
        with open(script, "rb") as stream, open(f"{script}.new", "wb") as output:
            lines: t.Iterator[bytes] = renamed_script(stream, one.name, one.target)
            output.writelines(lines if one.table is None else table_of_script(lines, one.table))
        os.replace(f"{script}.new", script)
    if not one.programs or (one.target == one.name and one.table is None):
        return []
    with open(programs, "rb") as stream:
        chosen = programs_script(stream.read(), one.name, one.target, one.table)
    # It may be a hard link to the file of the backup, which must not change.
    os.unlink(programs)
    with open(programs, "wb") as output:
        output.write(chosen.text)
    if not chosen.unread:
        return []
    return [
        (
            f"{one.name}: {chosen.unread} triggers were not restored, because their text does not show clearly which "
            f"table they belong to; create them by hand from {PROGRAMS} of the backup"
        )
    ]


def _files(folder: str) -> t.Iterator[str]:
    for directory, _directories, names in os.walk(folder):
        for name in names:
            yield os.path.join(directory, name)
