# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The restore of an unpacked backup: plan, refuse to overwrite, load, and compare with the manifest."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR, SUCCESS, WARNING
from ansible_collections.vex.backup.plugins.module_utils._common.text import counted
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    OptionError,
    RestoreDiffers,
    ServerUnavailable,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import ACCESS_DENIED, Login, connect
from ansible_collections.vex.backup.plugins.module_utils._restore.account_plan import plan_accounts
from ansible_collections.vex.backup.plugins.module_utils._restore.accounts import restored_accounts
from ansible_collections.vex.backup.plugins.module_utils._restore.backup import locked
from ansible_collections.vex.backup.plugins.module_utils._restore.definers import install_engines
from ansible_collections.vex.backup.plugins.module_utils._restore.definitions import read_definitions
from ansible_collections.vex.backup.plugins.module_utils._restore.discard import discard
from ansible_collections.vex.backup.plugins.module_utils._restore.existing import (
    refuse_to_overwrite,
)
from ansible_collections.vex.backup.plugins.module_utils._restore.load import Outcome, load_and_compare
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import RestorePlan, read_plan
from ansible_collections.vex.backup.plugins.module_utils._restore.preflight import check_target
from ansible_collections.vex.backup.plugins.module_utils._restore.request import RestoreRequest
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import shortened
from ansible_collections.vex.backup.plugins.module_utils._restore.table_work import RowCounts
from ansible_collections.vex.backup.plugins.module_utils._restore.target import (
    Target,
    load_session,
    login_file,
    try_sessions,
)

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


def restore(request: RestoreRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Restore a backup, all of it, one database or one table.

    :returns: the result of ``mysql_restore``; times are UTC
    :raises OptionError: for an option that cannot work
    :raises ManifestUnusable: when the manifest cannot be read
    :raises ServerUnavailable: when the server cannot be reached or goes away
    :raises ProgramMissing: when the backup needs a program that this host lacks
    :raises TargetUnfit: when the server cannot hold the backup; nothing was changed
    :raises TargetExists: when the restore would overwrite something; nothing was changed
    :raises AlreadyRunning: when another restore loads the same files; nothing was changed
    :raises RestoreFailed, CommandTimeout, Interrupted: ``incomplete`` of the error's details names the
        databases that may hold part of the backup
    :raises RestoreDiffers: when everything was loaded and differs from the manifest
    """
    started = timestamp(utc_now())
    try:
        with ending_children():
            result = _restore(request, log)
    except BackupError as error:
        error.details.update(status=ERROR, restore_started=started, restore_finished=timestamp(utc_now()))
        raise
    status = WARNING if result.get("restore_warnings") else SUCCESS
    return {**result, "status": status, "restore_started": started, "restore_finished": timestamp(utc_now())}


def _restore(request: RestoreRequest, log: RunLog) -> t.Dict[str, t.Any]:
    root = os.path.abspath(request.path)
    if request.threads < 1:
        raise OptionError("threads must be at least 1")
    manifest = request.manifest or os.path.join(root, "manifest.json")
    plan = read_plan(manifest, database=request.database, target=request.target, table=request.table)
    if not os.path.isdir(root) and not request.check_mode:
        raise OptionError(f"path {root} is not a directory: unpack the backup there first")
    deadline = Deadline(request.timeout, "the restore")
    with contextlib.closing(_log_in(request.login)) as connection, contextlib.ExitStack() as stack:
        is_scratch = request.make_definers and not request.check_mode
        if is_scratch:
            install_engines(connection, plan)
        server, client, found = check_target(connection, plan, is_scratch=is_scratch)
        chosen = plan_accounts(connection, request, plan, server)
        facts = {
            "server_version": server.name,
            "tool_version": client.text,
            "existing": [f"{one.target}: {found[one.name]}" for one in plan.databases if found[one.name]],
            "accounts": chosen._asdict(),
            "server_objects": list(plan.server_objects),
        }
        if request.check_mode:
            return {**facts, **_describe(plan, _dumped(plan)), "changed": True}
        # From here on, a session on another server fails.
        request = dataclasses.replace(request, login=request.login.only(server.instance))
        with _details_on_failure(**facts):
            if not request.overwrite:
                refuse_to_overwrite(plan.databases, found)
            session = load_session(request.login, plan.source.limits, binlog=request.binlog)
            defaults_file = stack.enter_context(login_file(request.login))
            target = Target(request, server, client, defaults_file, session, deadline, log)
            if chosen.held:
                log.info(str(chosen))
            if plan.server_objects:
                log.info(f"server objects in the backup, which are not restored: {', '.join(plan.server_objects)}")
            with locked(root, plan, deadline) as backup:
                log.info(f"reading the definitions of {root}")
                definitions = {one.name: read_definitions(backup, one) for one in plan.databases}
                try_sessions(target)
                accounts = restored_accounts(target, backup, chosen)
                with accounts as restored, _details_on_failure(incomplete=[one.target for one in plan.databases]):
                    outcome = load_and_compare(target, backup, plan, found, definitions, restored.grant)
                    outcome = outcome._replace(warnings=[*outcome.warnings, *restored.finish()])
            warnings = _conclude(target, root, plan, outcome)
    return {
        **facts,
        **_describe(plan, outcome.counted),
        "compared": outcome.compared._asdict(),
        "restore_warnings": warnings,
        "changed": True,
    }


def _log_in(login: Login) -> Connection[Cursor]:
    try:
        return connect(login)
    except ServerUnavailable as error:
        if error.number in ACCESS_DENIED and not login.password:
            error.extend(
                "give an account with a password, with --user (vex_backup_restore_login_user). An account that logs in "
                "by the socket without one, such as root, is for the operating system's user of that name"
            )
        raise


def _conclude(target: Target, root: str, plan: RestorePlan, outcome: Outcome) -> t.List[str]:
    """Log the outcome, remove the backup if the request asks for it, and return all warnings.

    :raises RestoreDiffers: for any difference
    """
    warnings = [*outcome.warnings, *(text for one in plan.databases for text in one.lost)]
    for text in (text for one in plan.databases for text in one.missing):
        target.log.info(text)
    if not outcome.differences:
        counts = _describe(plan, outcome.counted)
        target.log.info(
            f"restored {counted(counts['tables'], 'table')}, {counted(counts['rows'], 'row')}, as they were dumped"
        )
        if target.request.discard:
            warnings += discard(root)
    for warning in warnings:
        target.log.warning(warning)
    if outcome.differences:
        raise RestoreDiffers(
            f"the restored data differ from the dump: {shortened(outcome.differences)}; check them before you use "
            "the data, or restore another backup",
            differences=outcome.differences,
            incomplete=[one.target for one in plan.databases],
            restore_warnings=warnings,
        )
    return warnings


@contextlib.contextmanager
def _details_on_failure(**details: t.Any) -> t.Iterator[None]:
    """Add *details* to the error, and so to the module's result, when the ``with`` block fails."""
    try:
        yield
    except BackupError as error:
        error.details.update(details)
        raise


def _dumped(plan: RestorePlan) -> RowCounts:
    return {(one.name, name): table.rows for one in plan.databases for name, table in one.tables.items()}


def _describe(plan: RestorePlan, counted: RowCounts) -> t.Dict[str, t.Any]:
    databases = [
        {
            "name": one.name,
            "as": one.target,
            "tables": len(one.tables),
            "views": len(one.views),
            "programs": len(one.programs),
            "rows": sum(rows for (name, _table), rows in counted.items() if name == one.name),
            "left_out": [*one.missing, *one.lost],
        }
        for one in plan.databases
    ]
    return {
        "databases": databases,
        "tables": sum(len(one.tables) for one in plan.databases),
        "rows": sum(counted.values()),
        "bytes": plan.dump_bytes,
    }
