# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dump a server: look, check, dump, decide, compress, describe, and only then give the result its name."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.files import commit, write_json_durably
from ansible_collections.vex.backup.plugins.module_utils._common.lock import instance_lock
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.files import (
    discard_failed,
    finish_files,
    hold_directory,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.manifest import dump_manifest
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import Plan, make_plan
from ansible_collections.vex.backup.plugins.module_utils._dump.run_tools import DumpResult, run_dumps
from ansible_collections.vex.backup.plugins.module_utils._dump.table_files import Contents
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    DumpFailed,
    NotEnoughSpace,
    OptionError,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql import server as servers
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import connect, resolve_login
from ansible_collections.vex.backup.plugins.module_utils._mysql.option_file import defaults_file_text
from ansible_collections.vex.backup.plugins.module_utils._tools import mydumper

Params = t.Mapping[str, t.Any]
Facts = t.Dict[str, t.Any]

# With less than this free, a disk counts as full: what was too large for it does not fill it to the last byte.
_FULL_BYTES = 1024 * 1024


def dump(params: Params, log: RunLog, *, check_mode: bool) -> Facts:
    """Dump the server that *params* (the options of ``mysql_dump``) name into ``path``.

    :returns: the module's result
    :raises BackupError: its details hold what was known until then, ``status`` 3 included
    """
    # A slash at its end would make the name's own folder its parent.
    params = {**params, "path": os.path.abspath(params["path"])}
    facts: Facts = {"status": mydumper.ERROR, "dump_path": params["path"], "changed": False}
    try:
        with ending_children():
            return _dump(params, log, facts, check_mode=check_mode)
    except BackupError as error:
        error.details = {**_failed(facts, error), **error.details}
        raise
    except OSError as error:
        refusal = _refused(error, os.path.dirname(params["path"]))
        refusal.details = _failed(facts, refusal)
        raise refusal from error


def _dump(params: Params, log: RunLog, facts: Facts, *, check_mode: bool) -> Facts:
    path = params["path"]
    if os.path.lexists(path):
        raise OptionError(f"path {path} exists: a dump never replaces another")
    deadline = Deadline(params["timeout"], "the dump")
    with connect(resolve_login(params)) as connection:
        server = servers.describe(connection)
        facts["server_version"] = server.name
        log.info(f"server: {server.name} ({server.version}), account {server.account}")
        parent = os.path.dirname(path)
        if check_mode:
            plan = make_plan(connection, server, params)
            facts.update(_intention(plan), changed=True, status=mydumper.SUCCESS)
            return facts
        os.makedirs(parent, mode=0o700, exist_ok=True)
        with instance_lock(parent, server.instance) as lock:
            # This one may come to be the newest of those that failed.
            discard_failed(parent, max(0, params["keep_failed"] - 1))
            try:
                plan = make_plan(connection, server, params)
            except NotEnoughSpace:
                discard_failed(parent, 0)
                plan = make_plan(connection, server, params)
            facts.update(_intention(plan))
            log.info(f"databases: {', '.join(plan.names)}")
            try:
                with hold_directory(f"{path}.partial"):
                    _dump_into(f"{path}.partial", params, plan, log, facts, deadline, lock)
            except BaseException:
                # This one counts now, and what cannot be removed must not hide why it failed.
                with contextlib.suppress(OSError):
                    discard_failed(parent, params["keep_failed"])
                raise
            # A whole dump makes those before it that failed worthless.
            with contextlib.suppress(OSError):
                discard_failed(parent, 0)
            return facts


def _dump_into(
    partial: str, params: Params, plan: Plan, log: RunLog, facts: Facts, deadline: Deadline, lock: int
) -> None:
    compressor = None if params["compression"] == "none" else Compressor(params["compression"])
    facts["dump_started"] = timestamp(utc_now())
    log.info(f"dump: started with {plan.tools}, {params['threads']} threads")
    with tempfile.TemporaryDirectory(prefix="vex-backup-") as private:
        defaults_file = os.path.join(private, "client.cnf")
        descriptor = os.open(defaults_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as stream:
            login = resolve_login(params)
            stream.write(defaults_file_text(login, plan.session_variables, plan.first_statement))
        result = run_dumps(partial, plan, params, defaults_file, deadline, lock, log, compressor)
    if result.errors and shutil.disk_usage(partial).free < _FULL_BYTES:
        # MyDumper says of it what it can, in a log on the same disk.
        result.errors.insert(0, _full(os.path.dirname(partial)))
    facts.update(_observed(result), dump_finished=timestamp(utc_now()))
    _require_success(result, facts, params)
    log.info(f"dump: finished, {result.bytes} bytes, {facts['tables']} tables")

    facts["compression_started"] = timestamp(utc_now())
    known = {name: piece.holds for name, piece in result.packed.items()}
    contents = Contents(os.path.join(partial, "dump"), plan, known)
    files, broken = finish_files(partial, compressor, contents.parts, result.packed, deadline)
    facts["compression_finished"] = timestamp(utc_now())
    if broken:
        result.errors.extend(f"{name} fails its own test after compression" for name in broken)
        facts.update(_observed(result))
        _require_success(result, facts, params)
    log.info(f"compression: finished with {params['compression']}, {sum(file['size'] for file in files)} bytes")

    for source, name in ((params["run_log"], "backup_script.log"), (params["dump_log"], "mydumper_log.log")):
        if source and os.path.exists(source):
            shutil.copyfile(source, os.path.join(partial, name))
    final = params["path"]
    manifest = dump_manifest(os.path.basename(final), params, plan, facts, result, contents, files)
    write_json_durably(os.path.join(partial, "manifest.json"), manifest)
    commit(partial, final)
    facts.update(
        changed=True,
        manifest=os.path.join(final, "manifest.json"),
        compressed_bytes=sum(file["size"] for file in files),
    )
    log.info(f"dump: committed as {final}, status {facts['status']}")


def _failed(facts: Facts, error: BackupError) -> Facts:
    """What was known when *error* ended the dump, which may have looked well until then."""
    return {**facts, "status": mydumper.ERROR, "dump_errors": facts.get("dump_errors") or [str(error)]}


def _refused(error: OSError, folder: str) -> BackupError:
    """The operating system's refusal, in words that help."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NotEnoughSpace(_full(folder))
    return DumpFailed(
        f"the operating system refused: {error}; let the account that runs the backup write to {folder}, "
        "or choose another work directory"
    )


def _full(folder: str) -> str:
    return f"the disk of {folder} is full: make room, or choose another work directory"


def _intention(plan: Plan) -> Facts:
    return {
        "databases": list(plan.names),
        "tables": sum(len(one.objects.tables) for one in plan.databases),
        "server": {"product": plan.server.product, "version": plan.server.version},
        "tool_version": plan.tools,
        "snapshot": plan.mode,
    }


def _observed(result: DumpResult) -> Facts:
    status = mydumper.ERROR if result.errors else mydumper.WARNING if result.warnings else mydumper.SUCCESS
    return {
        "status": status,
        "dump_bytes": result.bytes,
        "dump_warnings": list(result.warnings),
        "dump_errors": list(result.errors),
        "binlog_coordinates": result.coordinates_text(),
        "consistent": result.consistent,
    }


def _require_success(result: DumpResult, facts: Facts, params: Params) -> None:
    if result.errors:
        more = f" (and {len(result.errors) - 1} more)" if len(result.errors) > 1 else ""
        where = f"; what was dumped is kept in {facts['dump_path']}.partial" if params["keep_failed"] else ""
        raise DumpFailed(f"the dump failed: {result.errors[0]}{more}{where}")
