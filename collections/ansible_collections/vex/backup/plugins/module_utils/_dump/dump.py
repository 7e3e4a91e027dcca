# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The dump of one server: plan, run the tools, decide, compress, test, describe, commit."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import tempfile
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.files import commit, write_json_durably
from ansible_collections.vex.backup.plugins.module_utils._common.lock import instance_lock
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import (
    DUMP_LOG_NAME,
    RUN_LOG_NAME,
    RunLog,
    utc_now,
)
from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads, ending_children
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR, SUCCESS
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.data_files import DataFiles
from ansible_collections.vex.backup.plugins.module_utils._dump.definition_files import ACCOUNTS, SERVER_OBJECTS
from ansible_collections.vex.backup.plugins.module_utils._dump.failed_dumps import (
    partial_directory,
    remove_failed_dumps,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.finish_files import finish_files
from ansible_collections.vex.backup.plugins.module_utils._dump.left_out import describe_left_out
from ansible_collections.vex.backup.plugins.module_utils._dump.manifest import Dumped, dump_manifest
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import Plan, make_plan
from ansible_collections.vex.backup.plugins.module_utils._dump.progress import Progress
from ansible_collections.vex.backup.plugins.module_utils._dump.read_accounts import Accounts, read_accounts
from ansible_collections.vex.backup.plugins.module_utils._dump.run_tools import DumpResult, run_tools
from ansible_collections.vex.backup.plugins.module_utils._dump.table_files import (
    dumped_tables,
    incomplete_tables,
    long_statements,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import ToolRun, explain_refusal
from ansible_collections.vex.backup.plugins.module_utils._dump.trial import try_dump
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    DumpFailed,
    NotEnoughSpace,
    OptionError,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql import server as servers
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect, variables_for_tools
from ansible_collections.vex.backup.plugins.module_utils._mysql.option_file import written_option_file
from ansible_collections.vex.backup.plugins.module_utils._mysql.server_objects import (
    ServerObjects,
    read_server_objects,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.session import LOOK

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


@dataclasses.dataclass(frozen=True)
class DumpRequest:
    """The options of ``mysql_dump``.

    ``timeout`` (0 for no limit) and ``long_query_guard`` are in seconds. ``dump_log`` and ``run_log`` are files,
    ``path`` is a directory that does not exist yet. ``space_factor`` 0 skips the check of the disk.
    """

    login: Login
    path: str
    dump_log: str
    run_log: t.Optional[str]
    databases: t.Sequence[str]
    exclude_databases: t.Sequence[str]
    exclude_tables: t.Sequence[str]
    schema_only_tables: t.Sequence[str]
    mode: str
    threads: int
    routines: bool
    triggers: bool
    events: bool
    accounts: bool
    compression: str
    checksums: str
    long_query_guard: int
    timeout: int
    space_factor: float
    keep_failed: int
    run_uuid: t.Optional[str]
    hostname: t.Optional[str]
    check_mode: bool


def dump(request: DumpRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Dump a server into ``request.path``; in check mode, only try what it needs.

    A dump without the rows of a table that the server cannot read is committed too, with status 3.

    :returns: the module's result
    :raises BackupError: its details hold the result so far, with status 3
    """
    # With a slash at its end, the path would be its own parent directory.
    request = dataclasses.replace(request, path=os.path.abspath(request.path))
    run = _DumpRun(request, log)
    try:
        with ending_children():
            run.run()
    except BackupError as error:
        error.details = {**run.progress.failure(str(error)), **error.details}
        raise
    except OSError as error:
        refusal = explain_refusal(error, os.path.dirname(request.path))
        refusal.details = run.progress.failure(str(refusal))
        raise refusal from error
    return run.progress.result(changed=True)


class _DumpRun:
    """One dump in progress; ``progress`` holds the facts known so far."""

    def __init__(self, request: DumpRequest, log: RunLog) -> None:
        self._request = request
        self._log = log
        self._deadline = Deadline(request.timeout, "the dump")
        self._partial = f"{request.path}.partial"
        self._folder = os.path.dirname(request.path)
        self.progress = Progress(request.path)

    def run(self) -> None:
        """Plan the dump, and execute it except in check mode."""
        request = self._request
        if request.threads < 1:
            raise OptionError("threads must be at least 1")
        if os.path.lexists(request.path):
            raise OptionError(f"path {request.path} exists, and a dump never replaces another: choose a new path")
        with connect(request.login) as connection:
            server = self.progress.server = servers.describe(connection)
            # From now on, all sessions are on this server.
            self._request = dataclasses.replace(request, login=request.login.only(server.instance))
            self._log.info(f"server: {server.name} ({server.version}), account {server.account}")
            if request.check_mode:
                try_dump(connection, server, self._request, self.progress)
                self.progress.status = SUCCESS
                return
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        with instance_lock(self._folder, server.instance) as lock:
            # A session that has looked at a broken table may keep the lock of a snapshot waiting, so it ends before.
            with connect(self._request.login) as connection:
                plan = self.progress.plan = self._plan(connection, server)
            self._log.info(f"databases: {', '.join(plan.names)}")
            for text in describe_left_out(plan.databases):
                self._log.info(text)
            self._dump_and_clean_up(plan, lock)

    def _plan(self, connection: Connection[Cursor], server: servers.Server) -> Plan:
        # This dump may fail too, and then counts as one of the failed dumps that are kept.
        remove_failed_dumps(self._folder, max(0, self._request.keep_failed - 1))
        try:
            return make_plan(connection, server, self._request)
        except NotEnoughSpace:
            remove_failed_dumps(self._folder, 0)
            return make_plan(connection, server, self._request)

    def _dump_and_clean_up(self, plan: Plan, lock: int) -> None:
        keep = self._request.keep_failed
        try:
            with partial_directory(self._partial):
                self._dump(plan, lock)
            if self.progress.status != ERROR:
                # After a complete dump, the failed ones before it have no use.
                keep = 0
        finally:
            # The failure of this removal must not hide the failure of the dump.
            with contextlib.suppress(OSError):
                remove_failed_dumps(self._folder, keep)

    def _dump(self, plan: Plan, lock: int) -> None:
        request = self._request
        compressor = None if request.compression == "none" else Compressor(request.compression)
        accounts, objects = self._read_accounts(), self._read_server_objects(plan)
        plan = plan._replace(warnings=[*plan.warnings, *accounts.warnings])
        started = self.progress.dump_started = utc_now()
        self._log.info(f"dump: started with {plan.tools}, {request.threads} threads")
        with Threads(os.cpu_count() or 1) as pool:
            files = DataFiles(os.path.join(self._partial, "dump"), compressor, pool, self._deadline)
            result = self._run_tools(plan, lock, files)
            finished = self.progress.dump_finished = utc_now()
            self._record(result)
            self.progress.compression_started = utc_now()
            contents = files.wait()
        tables = {one.plan.name: dumped_tables(one, contents) for one in result.databases}
        incomplete = [text for one in result.databases for text in incomplete_tables(one, tables[one.plan.name])]
        too_long = [text for one in result.databases for text in long_statements(plan, one, tables[one.plan.name])]
        result = dataclasses.replace(
            result,
            bytes=sum(file.size for file in contents.values()),
            errors=incomplete,
            warnings=[*result.warnings, *too_long],
        )
        self._record(result)
        self._log.info(f"dump: finished, {result.bytes} bytes, {sum(map(len, tables.values()))} tables")
        of_server = {ACCOUNTS: accounts.definitions, SERVER_OBJECTS: objects.definitions}
        listed = finish_files(self._partial, result.databases, of_server, compressor, self._deadline)
        self.progress.compression_finished = utc_now()
        packed = sum(file["size"] for file in listed)
        self._log.info(f"compression: finished with {request.compression}, {packed} bytes")
        self._commit(Dumped(plan, result, started, finished, tables, listed, accounts.names, objects.labels))

    def _read_accounts(self) -> Accounts:
        if not self._request.accounts:
            return Accounts()
        accounts = read_accounts(self._request.login)
        self._log.info(f"accounts: {', '.join(accounts.names)}")
        return accounts

    def _read_server_objects(self, plan: Plan) -> ServerObjects:
        with connect(self._request.login) as connection:
            objects = read_server_objects(connection, plan.server)
        for text, names in (("objects of the server", objects.labels), ("not readable by the account", objects.unread)):
            if names:
                self._log.info(f"{text}: {', '.join(names)}")
        return objects

    def _run_tools(self, plan: Plan, lock: int, files: DataFiles) -> DumpResult:
        request = self._request
        with tempfile.TemporaryDirectory(prefix="vex-backup-") as private:
            option_file = written_option_file(private, request.login, variables_for_tools(request.login, LOOK))
            folder = os.path.join(self._partial, "dump")
            run = ToolRun(request, plan, folder, option_file, self._deadline, lock, self._log, files)
            return run_tools(run)

    def _record(self, result: DumpResult) -> None:
        """Record the tools' result as the dump's.

        :raises DumpFailed: when it has errors
        """
        self.progress.dumped = result
        self.progress.status = result.status
        if result.errors:
            more = f" (and {len(result.errors) - 1} more)" if len(result.errors) > 1 else ""
            kept = f"; the data is kept in {self._partial}" if self._request.keep_failed else ""
            raise DumpFailed(f"the dump failed: {result.errors[0]}{more}{kept}")

    def _commit(self, dumped: Dumped) -> None:
        request = self._request
        for source, name in ((request.run_log, RUN_LOG_NAME), (request.dump_log, DUMP_LOG_NAME)):
            if source and os.path.exists(source):
                shutil.copyfile(source, os.path.join(self._partial, name))
        write_json_durably(os.path.join(self._partial, "manifest.json"), dump_manifest(request, dumped))
        commit(self._partial, request.path)
        self.progress.compressed_bytes = sum(file["size"] for file in dumped.files)
        self._log.info(f"dump: committed as {request.path}, status {dumped.result.status}")
