# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restore an unpacked backup: look, refuse to write over, load, and count what came of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.lock import directory_lock
from ansible_collections.vex.backup.plugins.module_utils._common.process import find_program, run
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, time_of, timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    AlreadyRunning,
    BackupError,
    Interrupted,
    OptionError,
    ProgramMissing,
    RestoreDiffers,
    RestoreFailed,
    TargetExists,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import connect, resolve_login
from ansible_collections.vex.backup.plugins.module_utils._mysql.option_file import option_file_text
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server, describe
from ansible_collections.vex.backup.plugins.module_utils._restore.definers import make_definers, make_time_zones
from ansible_collections.vex.backup.plugins.module_utils._restore.files import (
    PROGRAMS,
    SCRIPT,
    TABLES,
    VIEW_SUFFIX,
    VIEWS,
    Prepared,
    create_statement,
    prepared,
)
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore, RestorePlan, read_plan
from ansible_collections.vex.backup.plugins.module_utils._restore.server_checks import (
    Existing,
    collation_of,
    count_rows,
    differences,
    doubts,
    existing,
    make_database,
    make_room,
    set_collation,
    shortened,
    statements,
)
from ansible_collections.vex.backup.plugins.module_utils._tools import myloader
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import (
    LEGACY,
    Version,
    environment,
    parse_version,
)

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

Params = t.Mapping[str, t.Any]

# The server alone bounds how long a statement may be: a large BLOB is one.
CLIENT = ("--default-character-set=utf8mb4", "--comments", "--binary-mode", "--max-allowed-packet=1G")
# A strict server refuses tables with zero dates, which another took; mysqldump says the same.
LOADERS_MODE = "sql_mode = 'NO_AUTO_VALUE_ON_ZERO'"
# Rows come back as they were dumped, also those that a constraint would refuse today.
UNCHECKED = {"mariadb": ["check_constraint_checks = 0"], "mysql": []}


class _Target(t.NamedTuple):
    """Where to, and with what."""

    params: Params
    server: Server
    client: str
    loader: str
    version: t.Optional[Version]
    defaults_file: str
    deadline: Deadline
    log: RunLog

    def connect(self) -> Connection[Cursor]:
        """Log in, for statements that are not to be replicated where that is asked for."""
        left = self.deadline.remaining()
        connection = connect(
            resolve_login(self.params),
            statement_timeout=None if left is None else int(left) + 1,
        )
        if not self.params["binlog"]:
            with statements(), connection.cursor() as cursor:
                cursor.execute("SET SESSION sql_log_bin = 0")
        return connection


def restore(params: Params, log: RunLog, *, check_mode: bool) -> t.Dict[str, t.Any]:
    """Restore what *params* (the options of ``mysql_restore``) name.

    :returns: the module's result; times are UTC
    :raises OptionError: an option that cannot work
    :raises ManifestUnusable: a manifest that cannot be read
    :raises ServerUnavailable: a server that is not there, or went away
    :raises ProgramMissing: a program that the backup needs and this host lacks
    :raises TargetExists: something is there already, and nothing was changed
    :raises AlreadyRunning: another restore loads the same files, and nothing was changed
    :raises NotEnoughSpace, RestoreFailed, CommandTimeout, Interrupted: ``incomplete`` names databases that hold part
    :raises RestoreDiffers: everything was loaded, and it is not what was dumped
    """
    started = timestamp(utc_now())
    facts: t.Dict[str, t.Any] = {}
    try:
        with ending_children():
            result = _restore(params, log, facts, check_mode=check_mode)
    except BackupError as error:
        error.details.update(facts, status=3, restore_started=started, restore_finished=timestamp(utc_now()))
        raise
    status = 2 if result.get("restore_warnings") else 1
    return {**result, "status": status, "restore_started": started, "restore_finished": timestamp(utc_now())}


def _restore(params: Params, log: RunLog, facts: t.Dict[str, t.Any], *, check_mode: bool) -> t.Dict[str, t.Any]:
    root = os.path.abspath(params["path"])
    if params["threads"] < 1:
        raise OptionError("threads must be at least 1")
    manifest = params["manifest"] or os.path.join(root, "manifest.json")
    plan = read_plan(manifest, database=params["database"], target=params["target"], table=params["table"])
    if not os.path.isdir(root) and not check_mode:
        raise OptionError(f"path is not a directory: {root}")
    deadline = Deadline(params["timeout"], "the restore")
    with contextlib.closing(connect(resolve_login(params))) as connection, contextlib.ExitStack() as files:
        server = describe(connection)
        defaults_file = files.enter_context(_login_file(params, server))
        client, loader, version = _programs(plan, server)
        target = _Target(params, server, client, loader, version, defaults_file, deadline, log)
        found = {one.name: existing(connection, one) for one in plan.databases}
        facts.update(
            server_version=server.name,
            tool_version=f"myloader {version.text}" if version else os.path.basename(client),
            existing=[f"{one.target}: {found[one.name]}" for one in plan.databases if found[one.name]],
        )
        if check_mode:
            return {**facts, **_described(plan, {}), "changed": True}
        _refuse_to_overwrite(params, plan, found)
        log.info(f"preparing what is loaded of {root}")
        with prepared(root, plan, deadline) as ready:
            facts["incomplete"] = [one.target for one in plan.databases]
            counted, failed = _load(target, plan, found, ready)
        log.info("comparing with the manifest")
        with contextlib.closing(target.connect()) as after:
            differing = [*failed, *differences(after, plan, counted)]
            warnings = [*ready.warnings, *(text for one in plan.databases for text in doubts(after, one))]
    described = _described(plan, counted)
    if not differing:
        facts["incomplete"] = []
        log.info(f"restored {described['tables']} tables, {described['rows']} rows, as they were dumped")
        if params["discard"]:
            warnings += _discarded(root)
    facts["restore_warnings"] = warnings
    for warning in warnings:
        log.warning(warning)
    if differing:
        raise RestoreDiffers(f"what was restored is not what was dumped: {shortened(differing)}", differences=differing)
    return {**facts, **described, "changed": True}


def _discarded(root: str) -> t.List[str]:
    """Remove the backup; why it could not be, as a warning: what was restored is none the worse for it."""
    around, name = os.path.split(root)
    # Made for this one backup, as `s3_download` does: its archive is there too.
    folder = around if os.path.basename(around) == name and time_of(name) is not None else root
    try:
        if os.path.islink(folder):
            # `rmtree` refuses it too, from Python 3.13 on without words.
            raise OSError("it is a symbolic link")
        with directory_lock(root, "another restore loads it"):
            shutil.rmtree(folder)
    except (OSError, AlreadyRunning, Interrupted) as error:
        return [f"what was restored is still in {folder}, remove it: {getattr(error, 'strerror', None) or error}"]
    return []


def _described(plan: RestorePlan, counted: t.Mapping[t.Tuple[str, str], int]) -> t.Dict[str, t.Any]:
    databases = [
        {
            "name": one.name,
            "target": one.target,
            "tables": len(one.tables),
            "views": len(one.views),
            "programs": len(one.programs),
            "rows": sum(rows for (name, _table), rows in counted.items() if name == one.name),
        }
        for one in plan.databases
    ]
    return {
        "databases": databases,
        "tables": sum(len(one.tables) for one in plan.databases),
        "rows": sum(counted.values()),
        "bytes": plan.dump_bytes,
    }


def _programs(plan: RestorePlan, server: Server) -> t.Tuple[str, str, t.Optional[Version]]:
    names = ["mariadb", "mysql"] if server.product == "mariadb" else ["mysql", "mariadb"]
    client = find_program(names, "install the package mariadb-client or mysql-client")
    if all(one.by_client for one in plan.databases):
        return client, "", None
    loader = find_program(["myloader"], "install the package mydumper, 0.10.x or 0.20 and later")
    version = parse_version(run([loader, "--version"], timeout=60).stdout)
    if version.generation != plan.generation:
        wanted = "0.10.x" if plan.generation == LEGACY else "0.20 or later"
        raise ProgramMissing(
            f"this host has myloader {version.text}, and the backup was made by MyDumper {wanted}, whose files it does "
            "not understand: restore from a host with that one"
        )
    return client, loader, version


def _refuse_to_overwrite(params: Params, plan: RestorePlan, found: t.Mapping[str, Existing]) -> None:
    there = [f"{one.target} ({found[one.name]})" for one in plan.databases if found[one.name]]
    if there and not params["overwrite"]:
        raise TargetExists(
            f"the server holds what the restore would write over: {'; '.join(there)}. Nothing was changed; choose "
            "another name for the database, or allow it with overwrite"
        )


@contextlib.contextmanager
def _login_file(params: Params, server: Server) -> t.Iterator[str]:
    first = f"SET SESSION {', '.join([LOADERS_MODE, *UNCHECKED[server.product]])}"
    with tempfile.NamedTemporaryFile("wb", prefix="vex-backup-", suffix=".cnf") as stream:
        text = option_file_text(resolve_login(params), {}, first, "myloader")
        stream.write(text.encode("utf-8", "surrogateescape"))
        stream.flush()
        yield stream.name


def _load(
    target: _Target, plan: RestorePlan, found: t.Mapping[str, Existing], files: Prepared
) -> t.Tuple[t.Dict[t.Tuple[str, str], int], t.List[str]]:
    """Load everything; the rows that came, as :func:`count_rows` has them, and a sentence on each view that failed."""
    with contextlib.closing(target.connect()) as connection:
        if target.params["make_definers"]:
            make_definers(connection, files.folders.values())
            make_time_zones(connection, files.folders.values())
        collations = {one.target: collation_of(connection, one.target) for one in plan.databases}
        for one in plan.databases:
            make_room(connection, one, found[one.name])
            if not one.by_client:
                make_database(connection, one, create_statement(files.folders[one.name], one))
    # A table's rows may refer to another database's: all data goes in before anything that looks at it.
    for one in plan.databases:
        target.log.info(f"loading {one.name} as {one.target}")
        folder = files.folders[one.name]
        if one.by_client:
            _run_client(target, os.path.join(folder, SCRIPT), one, None)
        else:
            _run_loader(target, plan, one, os.path.join(folder, TABLES))
    views = _make_views(target, _views(plan, files))
    # Before there are events, which 0.10 leaves to programs.sql: one that is due may delete rows meanwhile.
    target.log.info("counting the rows")
    counted = count_rows(target.connect, plan, target.params["threads"])
    for one in plan.databases:
        if one.programs:
            _run_client(target, os.path.join(files.folders[one.name], PROGRAMS), one, one.target)
    # Some may call functions that were not there.
    views = _make_views(target, [(one, path) for one, path, _why in views])
    with contextlib.closing(target.connect()) as connection:
        for database, collation in collations.items():
            if collation is not None and collation_of(connection, database) != collation:
                set_collation(connection, database, collation)
    return counted, [f"view {one.target}.{_view_in(path, one)} could not be made: {why}" for one, path, why in views]


def _views(plan: RestorePlan, files: Prepared) -> t.List[t.Tuple[DatabaseRestore, str]]:
    folders = [(one, os.path.join(files.folders[one.name], VIEWS)) for one in plan.databases if not one.by_client]
    return [(one, os.path.join(folder, name)) for one, folder in folders for name in sorted(os.listdir(folder))]


def _view_in(path: str, one: DatabaseRestore) -> str:
    return os.path.basename(path)[len(one.name) + 1 : -len(VIEW_SUFFIX)]


def _make_views(
    target: _Target, views: t.Sequence[t.Tuple[DatabaseRestore, str]]
) -> t.List[t.Tuple[DatabaseRestore, str, str]]:
    """Make views, of whatever database, until all are there or none of the others can be: these, and why not.

    A view may look at others, in other databases too, and the backup does not say at which.
    """
    pending = list(views)
    while True:
        failed = []
        for one, path in pending:
            try:
                _run_client(target, path, one, one.target)
            except RestoreFailed as error:
                failed.append((one, path, str(error)))
        if not failed or len(failed) == len(pending):
            return failed
        pending = [(one, path) for one, path, _why in failed]


def _run_client(target: _Target, script: str, one: DatabaseRestore, database: t.Optional[str]) -> None:
    argv = [target.client, f"--defaults-file={target.defaults_file}", *CLIENT]
    settings = [*UNCHECKED[target.server.product], *([] if target.params["binlog"] else ["sql_log_bin = 0"])]
    if settings:
        argv.append(f"--init-command=SET SESSION {', '.join(settings)}")
    if database is not None:
        argv.append(f"--database={database}")
    done = run(argv, environment=environment(), stdin=script, timeout=target.deadline.remaining())
    if done.returncode != 0:
        what = f"{os.path.basename(script)} of {one.name}"
        raise RestoreFailed(
            f"{os.path.basename(target.client)} could not load {what} into {one.target}: "
            f"{' '.join(done.stderr.split())[-1000:] or f'exit status {done.returncode}'}"
        )


def _run_loader(target: _Target, plan: RestorePlan, one: DatabaseRestore, folder: str) -> None:
    version = t.cast("Version", target.version)
    load = myloader.Load(
        directory=folder,
        defaults_file=target.defaults_file,
        threads=target.params["threads"],
        binlog=target.params["binlog"],
        target=one.target if one.target != one.name else None,
        source=one.name if plan.shared or one.table is not None else None,
        table=one.table,
    )
    done = run(
        [target.loader, *myloader.arguments(version, load)],
        environment=environment(),
        timeout=target.deadline.remaining(),
    )
    failures = myloader.failures(done.returncode, f"{done.stderr}\n{done.stdout}")
    if failures:
        raise RestoreFailed(f"myloader could not load {one.name} into {one.target}: {shortened(failures)}")
