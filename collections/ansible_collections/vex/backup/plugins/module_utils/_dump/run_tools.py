# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run MyDumper and mysqldump as a plan says, and gather what each left behind."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.process import Completed, run, running
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump.binlog_position import (
    are_asked_for_in_vain,
    writers_held,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.chunk_compression import Packed, wait_compressing
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.files import data_bytes
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import (
    INSTANCE,
    INSTANCE_DIRECTORY,
    DatabasePlan,
    Plan,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.stored_programs import write_programs
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, DumpFailed, ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import connect, resolve_login
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import list_objects
from ansible_collections.vex.backup.plugins.module_utils._tools import mydumper, mysqldump

_END_BYTES = 4096


@dataclasses.dataclass
class DumpResult:
    """What a dump came to; ``coordinates`` by database, ``bytes`` before compression.

    ``packed`` holds what was compressed while MyDumper ran, by names before that, below ``dump/``.
    """

    warnings: t.List[str] = dataclasses.field(default_factory=list)
    errors: t.List[str] = dataclasses.field(default_factory=list)
    coordinates: t.Dict[str, mydumper.Coordinates] = dataclasses.field(default_factory=dict)
    bytes: int = 0
    packed: t.Dict[str, Packed] = dataclasses.field(default_factory=dict)
    consistent: bool = True

    def coordinates_text(self) -> str:
        """``file:position`` (and GTID) of the snapshot, or of each database's own."""
        if len(self.coordinates) == 1:
            only = next(iter(self.coordinates.values()))
            return f"{only.file}:{only.position} {only.gtid}".strip()
        return "; ".join(f"{name}={at.file}:{at.position}" for name, at in self.coordinates.items())


class _Context(t.NamedTuple):
    folder: str
    plan: Plan
    params: t.Mapping[str, t.Any]
    defaults_file: str
    deadline: Deadline
    lock: int
    log: RunLog
    compressor: t.Optional[Compressor]


def run_dumps(
    partial: str,
    plan: Plan,
    params: t.Mapping[str, t.Any],
    defaults_file: str,
    deadline: Deadline,
    lock: int,
    log: RunLog,
    compressor: t.Optional[Compressor],
) -> DumpResult:
    """Dump into ``{partial}/dump``.

    A database that fails does not keep the others from being dumped, unless the server is gone or a piece could not be
    compressed.

    :param lock: descriptor of the instance's lock, which the programs inherit
    :param compressor: compresses what is finished while the rest is dumped, if anything does
    :raises CommandTimeout: when the deadline passes
    :raises DumpFailed, NotEnoughSpace: when a piece could not be compressed
    """
    context = _Context(os.path.join(partial, "dump"), plan, params, defaults_file, deadline, lock, log, compressor)
    os.mkdir(context.folder, 0o700)
    result = DumpResult(consistent=plan.mode == INSTANCE or len(plan.databases) == 1)
    groups = [list(plan.databases)] if plan.mode == INSTANCE else [[one] for one in plan.databases]
    for group in groups:
        before = len(result.errors)
        _dump_group(context, group, result)
        if len(result.errors) > before and not _server_answers(params):
            result.errors.append("the server no longer answers; the databases that were left are not dumped")
            break
    result.bytes = data_bytes(context.folder, result.packed)
    result.consistent = result.consistent and not result.errors
    return result


def _dump_group(context: _Context, group: t.Sequence[DatabasePlan], result: DumpResult) -> None:
    before = len(result.errors)
    if group[0].reason:
        _run_mysqldump(context, group[0], result)
    else:
        outcome = _run_mydumper(context, group, result)
        label = "the instance" if context.plan.mode == INSTANCE else group[0].name
        result.warnings += [f"{label}: {message}" for message in outcome.warnings]
        result.errors += [f"{label}: {message}" for message in outcome.errors]
    for one in group:
        if one.programs and len(result.errors) == before:
            _write_programs(context, one, result)


def _write_programs(context: _Context, one: DatabasePlan, result: DumpResult) -> None:
    folder = os.path.join(context.folder, one.directory)
    os.makedirs(folder, 0o700, exist_ok=True)
    try:
        with connect(resolve_login(context.params), raw=True) as connection:
            write_programs(connection, one.name, one.programs, os.path.join(folder, "programs.sql"))
    except (DumpFailed, ServerUnavailable) as error:
        result.errors.append(f"{one.name}: {error}")


def _run_mydumper(context: _Context, group: t.Sequence[DatabasePlan], result: DumpResult) -> mydumper.Outcome:
    plan, params = context.plan, context.params
    directory = INSTANCE_DIRECTORY if plan.mode == INSTANCE else group[0].directory
    output = os.path.join(context.folder, directory, "tables")
    os.mkdir(os.path.dirname(output), 0o700)
    own_log = f"{params['dump_log']}.part"
    _take(own_log)
    dump = mydumper.Dump(
        databases=[one.name for one in group],
        output=output,
        log=own_log,
        defaults_file=context.defaults_file,
        threads=params["threads"],
        long_query_guard=params["long_query_guard"],
        product=plan.server.product,
        server_version=plan.server_version,
        routines=params["routines"],
        events=params["events"],
        triggers=params["triggers"],
        non_transactional_tables=any(one.objects.non_transactional for one in group),
    )
    heading = f"# {', '.join(dump.databases)}"
    try:
        done, held = _run_holding_writers(context, dump, result)
    except (BackupError, OSError):
        # Ended before its time: what it said until then tells how far it got.
        _append_log(params["dump_log"], heading, _take(own_log))
        raise
    text = "\n".join(part for part in (_take(own_log), done.stderr, done.stdout) if part)
    _append_log(params["dump_log"], heading, text)

    metadata = _read(os.path.join(output, "metadata"))
    files = os.listdir(output) if os.path.isdir(output) else []
    if plan.version.generation == mydumper.LEGACY:
        _repair(output, files)
    expected = {one.name: _still_there(params, one) for one in group}
    coordinates = held or mydumper.parse_coordinates(metadata or "")
    if coordinates:
        result.coordinates["" if plan.mode == INSTANCE else group[0].name] = coordinates
    return mydumper.decide(
        mydumper.Evidence(
            returncode=done.returncode,
            log=text,
            metadata=metadata,
            unfinished_metadata="metadata.partial" in files,
            # What it could not get is here all the same.
            binlog_enabled=plan.server.binlog_enabled and held is None,
            missing_schemas=mydumper.missing_schemas(plan.version, expected, files, metadata or ""),
            generation=plan.version.generation,
        )
    )


def _run_holding_writers(
    context: _Context, dump: mydumper.Dump, result: DumpResult
) -> t.Tuple[Completed, t.Optional[mydumper.Coordinates]]:
    """Run MyDumper to its end, and get the coordinates that it cannot; ``None`` when it can, or when nobody could."""
    plan = context.plan
    found: t.Optional[mydumper.Coordinates] = None
    with contextlib.ExitStack() as ends:
        held = None
        try:
            if are_asked_for_in_vain(plan.version, plan.server):
                held = ends.enter_context(writers_held(context.params))
        except ServerUnavailable as error:
            context.log.warning(f"dump: no coordinates of the binary log: {error}")
        program = ends.enter_context(
            running(
                [plan.mydumper_path, *mydumper.arguments(plan.version, dump)],
                environment=mydumper.environment(),
                keep_open=[context.lock],
            )
        )
        try:
            if held:
                found = held.until_snapshots(lambda: _read(dump.log) or "", program.has_ended)
        except ServerUnavailable as error:
            context.log.warning(f"dump: no coordinates of the binary log: {error}")
        done, packed = wait_compressing(program, plan.version, dump.output, context.compressor, context.deadline)
        below = os.path.relpath(dump.output, context.folder)
        result.packed.update({os.path.join(below, name): piece for name, piece in packed.items()})
        return done, found


def _repair(folder: str, names: t.Sequence[str]) -> None:
    """Mend what MyDumper 0.10 spoils in its files."""
    for name in names:
        path = os.path.join(folder, name)
        if name.endswith("-schema.sql"):
            with open(path, "r+b") as stream:
                repaired = mydumper.repaired_schema(stream.read())
                stream.seek(0)
                stream.write(repaired)
        elif mydumper.is_later_piece(name):
            _give_header(path)


def _give_header(path: str) -> None:
    with open(path, "rb") as source:
        if source.read(6) != b"INSERT":
            return
        source.seek(0)
        with open(f"{path}.new", "wb") as whole:
            whole.write(mydumper.DATA_HEADER)
            shutil.copyfileobj(source, whole)
    os.replace(f"{path}.new", path)


def _run_mysqldump(context: _Context, one: DatabasePlan, result: DumpResult) -> None:
    # The plan finds it whenever a database needs it.
    tool = t.cast("mysqldump.Tool", context.plan.mysqldump_tool)
    server = context.plan.server
    folder = os.path.join(context.folder, one.directory)
    os.makedirs(folder, 0o700, exist_ok=True)
    output = os.path.join(folder, "database.sql")
    context.log.info(f"dump: {one.name} by mysqldump because of {one.reason}")
    done = run(
        [
            tool.path,
            *mysqldump.arguments(
                tool,
                defaults_file=context.defaults_file,
                database=one.name,
                output=output,
                # MariaDB's tool asks in words that MySQL 8.4 no longer knows.
                coordinates=server.binlog_enabled and tool.mariadb == (server.product == "mariadb"),
            ),
        ],
        timeout=context.deadline.remaining(),
        keep_open=[context.lock],
    )
    first_lines, last_lines = _ends(output)
    failures = mysqldump.failures(done.returncode, done.stderr, last_lines)
    result.errors += [f"{one.name}: {message}" for message in failures]
    coordinates = mysqldump.parse_coordinates(first_lines)
    if coordinates:
        result.coordinates[one.name] = coordinates
    elif server.binlog_enabled:
        result.warnings.append(f"{one.name}: {mydumper.NO_COORDINATES_WARNING}")
    _append_log(context.params["dump_log"], f"# {one.name}: by {tool.text}", done.stderr)


def _still_there(params: t.Mapping[str, t.Any], one: DatabasePlan) -> t.Tuple[t.List[str], t.List[str]]:
    """Tables and views that were there before the dump and still are: a table dropped meanwhile is no failure."""
    try:
        with connect(resolve_login(params)) as connection:
            now = list_objects(connection, one.name)
    except ServerUnavailable:
        return list(one.objects.tables), list(one.objects.views)
    return (
        [name for name in one.objects.tables if name in set(now.tables)],
        [name for name in one.objects.views if name in set(now.views)],
    )


def _server_answers(params: t.Mapping[str, t.Any]) -> bool:
    try:
        connect(resolve_login(params)).close()
    except ServerUnavailable:
        return False
    return True


def _read(path: str) -> t.Optional[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def _take(path: str) -> str:
    """What is in a file, which is there no more then."""
    text = _read(path) or ""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    return text


def _ends(path: str) -> t.Tuple[str, str]:
    """The first and the last lines of a file that may be large, or not there."""
    try:
        with open(path, "rb") as stream:
            first = stream.read(_END_BYTES)
            stream.seek(max(0, os.path.getsize(path) - _END_BYTES))
            return first.decode("utf-8", "replace"), stream.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return "", ""


def _append_log(path: str, heading: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with open(descriptor, "a", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(f"{heading}\n{text.rstrip()}\n" if text.strip() else f"{heading}\n")
