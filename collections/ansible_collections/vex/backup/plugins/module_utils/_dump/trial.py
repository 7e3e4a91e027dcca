# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The trial of a dump: everything that it needs before its first row, each need on its own."""

from __future__ import annotations

import os
import tempfile
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import try_writing
from ansible_collections.vex.backup.plugins.module_utils._common.lock import try_instance_lock
from ansible_collections.vex.backup.plugins.module_utils._common.needs import Needs
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.left_out import describe_broken
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import (
    Plan,
    Tools,
    check_grants,
    check_space,
    draft_plan,
    find_mydumper,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.progress import Progress
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import explain_refusal
from ansible_collections.vex.backup.plugins.module_utils._dump.trial_logins import try_client, try_mydumper
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    AlreadyRunning,
    DumpFailed,
    TablesUnreadable,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql import server as servers
from ansible_collections.vex.backup.plugins.module_utils._tools.client import find_client

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

    from ansible_collections.vex.backup.plugins.module_utils._dump.dump import DumpRequest

_TRIAL_FILE = "rows.sql"
_TRIAL_SECONDS = 60


def try_dump(connection: Connection[Cursor], server: servers.Server, request: DumpRequest, progress: Progress) -> None:
    """Try what a dump does before its first row, also after a failure, and leave nothing behind.

    :param request: its login is for *server* alone
    :param progress: gets the plan, and the needs that were tried
    :raises BackupError: the first failure, with the messages of the others
    """
    folder = os.path.dirname(request.path)
    needs = Needs()
    mydumper = needs.attempt("mydumper", lambda: find_mydumper(request))
    client = needs.attempt("client", lambda: find_client(server.product))
    needs.attempt("compression", lambda: _try_compression(request.compression))
    names = needs.attempt(
        "databases", lambda: servers.choose_databases(connection, request.databases, request.exclude_databases)
    )
    plan = None
    if names is not None:
        needs.attempt("grants", lambda: check_grants(connection, server, request, names))
        if mydumper is not None and client is not None:
            tools = Tools(*mydumper, client)
            plan = needs.attempt("databases", lambda: draft_plan(connection, server, request, tools, names))
    needs.attempt("directory", lambda: _on_disk(folder, lambda: try_writing(folder)))
    needs.attempt("lock", lambda: _on_disk(folder, lambda: _try_lock(needs, folder, server.instance)))
    if client is not None:
        needs.attempt("tools", lambda: try_client(request.login, client))
    if plan is not None:
        progress.plan = plan
        _try_plan(needs, request, plan)
    progress.needs, progress.notes = needs.tried, needs.notes
    needs.conclude()


def _try_plan(needs: Needs, request: DumpRequest, plan: Plan) -> None:
    needs.attempt("disk", lambda: check_space(request, plan))
    needs.attempt("tools", lambda: try_mydumper(request.login, plan))
    # Without the privileges, their failures would only repeat that.
    if needs.is_met("grants"):
        needs.attempt("tables", lambda: _require_readable(plan))


def _try_lock(needs: Needs, folder: str, instance: str) -> None:
    try:
        try_instance_lock(folder, instance)
    except AlreadyRunning as error:
        # A dump that runs now is no fault of the host.
        needs.notes["lock"] = str(error)


def _on_disk(folder: str, action: t.Callable[[], None]) -> None:
    try:
        action()
    except OSError as error:
        raise explain_refusal(error, folder) from error


def _try_compression(name: str) -> None:
    """Compress a small file, and test it.

    :raises ProgramMissing, DumpFailed: when the program is absent, or does not work
    """
    if name == "none":
        return
    compressor = Compressor(name)
    with tempfile.TemporaryDirectory(prefix="vex-backup-") as private:
        with open(os.path.join(private, _TRIAL_FILE), "w", encoding="ascii") as stream:
            stream.write("SELECT 1;\n" * 1000)
        compressor.compress(private, [_TRIAL_FILE], _TRIAL_SECONDS)
        if compressor.find_damaged(private, [_TRIAL_FILE + compressor.suffix], _TRIAL_SECONDS):
            raise DumpFailed(f"{name} does not understand what it compressed: install it again")


def _require_readable(plan: Plan) -> None:
    lost = [text for one in plan.databases for text in describe_broken(one, is_lost=True)]
    if lost:
        raise TablesUnreadable("; ".join(lost))
