# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The restore of an unpacked backup: plan, refuse to overwrite, load, and compare with the manifest."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR, SUCCESS, WARNING
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, OptionError, RestoreDiffers
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import connect
from ansible_collections.vex.backup.plugins.module_utils._restore.checks_after_load import (
    find_differences,
    find_warnings,
)
from ansible_collections.vex.backup.plugins.module_utils._restore.discard import discard
from ansible_collections.vex.backup.plugins.module_utils._restore.existing import (
    Existing,
    refuse_to_overwrite,
)
from ansible_collections.vex.backup.plugins.module_utils._restore.files import prepared
from ansible_collections.vex.backup.plugins.module_utils._restore.load import load
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import RestorePlan, read_plan
from ansible_collections.vex.backup.plugins.module_utils._restore.preflight import check_target
from ansible_collections.vex.backup.plugins.module_utils._restore.request import RestoreRequest
from ansible_collections.vex.backup.plugins.module_utils._restore.row_counts import RowCounts
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import shortened
from ansible_collections.vex.backup.plugins.module_utils._restore.target import Target, login_file


class Outcome(t.NamedTuple):
    """A comparison with the manifest: the rows of each table, a sentence for each difference and each warning."""

    counted: RowCounts
    differences: t.Sequence[str]
    warnings: t.Sequence[str]


def restore(request: RestoreRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Restore a backup, all of it, one database or one table.

    :returns: the result of ``mysql_restore``; times are UTC
    :raises OptionError: for an option that cannot work
    :raises ManifestUnusable: when the manifest cannot be read
    :raises ServerUnavailable: when the server cannot be reached or goes away
    :raises ProgramMissing: when the backup needs a program that this host lacks
    :raises TargetExists: when the restore would overwrite something; nothing was changed
    :raises AlreadyRunning: when another restore loads the same files; nothing was changed
    :raises NotEnoughSpace, RestoreFailed, CommandTimeout, Interrupted: ``incomplete`` of the error's details names the
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
    with contextlib.closing(connect(request.login)) as connection, contextlib.ExitStack() as stack:
        server, programs, found = check_target(connection, plan)
        defaults_file = stack.enter_context(login_file(request.login, server))
        facts = {
            "server_version": server.name,
            "tool_version": str(programs),
            "existing": [f"{one.target}: {found[one.name]}" for one in plan.databases if found[one.name]],
        }
        if request.check_mode:
            return {**facts, **_describe(plan, {}), "changed": True}
        target = Target(request, server, programs, defaults_file, deadline, log)
        with _details_on_failure(**facts):
            if not request.overwrite:
                refuse_to_overwrite(plan.databases, found)
            outcome = _load_and_compare(target, root, plan, found)
            warnings = _conclude(target, root, plan, outcome)
    return {**facts, **_describe(plan, outcome.counted), "restore_warnings": warnings, "changed": True}


def _load_and_compare(target: Target, root: str, plan: RestorePlan, found: t.Mapping[str, Existing]) -> Outcome:
    target.log.info(f"preparing the files of {root}")
    with prepared(root, plan, target.deadline) as ready:
        with _details_on_failure(incomplete=[one.target for one in plan.databases]):
            loaded = load(target, plan, found, ready)
            target.log.info("comparing with the manifest")
            with contextlib.closing(target.connect()) as connection:
                differences = [*loaded.failures, *find_differences(connection, plan, loaded.counted)]
                warnings = [text for one in plan.databases for text in find_warnings(connection, one)]
        return Outcome(loaded.counted, differences, [*ready.warnings, *warnings])


def _conclude(target: Target, root: str, plan: RestorePlan, outcome: Outcome) -> t.List[str]:
    """Log the outcome, remove the backup if the request asks for it, and return all warnings.

    :raises RestoreDiffers: for any difference
    """
    warnings = list(outcome.warnings)
    if not outcome.differences:
        counts = _describe(plan, outcome.counted)
        target.log.info(f"restored {counts['tables']} tables, {counts['rows']} rows, as they were dumped")
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


def _describe(plan: RestorePlan, counted: RowCounts) -> t.Dict[str, t.Any]:
    databases = [
        {
            "name": one.name,
            "as": one.target,
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
