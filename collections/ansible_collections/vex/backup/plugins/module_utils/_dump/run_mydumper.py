# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run of MyDumper: it writes the rows of the plain tables of a snapshot."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import rename
from ansible_collections.vex.backup.plugins.module_utils._common.process import Running, running
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.table_files import TABLES, by_table
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import ToolRun, full_disk
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.limits import statement_bytes
from ansible_collections.vex.backup.plugins.module_utils._tools import mydumper
from ansible_collections.vex.backup.plugins.module_utils._tools.dump_driver import Dump, is_plain
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper_log import condensed

# A MyDumper without snapshots after this time has another problem, and writers must not wait for it.
SNAPSHOT_SECONDS = 60
# A disk with less than this free counts as full: a write that was too large for it leaves some bytes free.
_FULL_BYTES = 1024 * 1024
_POLL_SECONDS = 0.01
_PERIOD_SECONDS = 0.2


class _Target(t.NamedTuple):
    """The place of a table's files: the directory of its database in ``dump/``, and the names of both."""

    directory: str
    database: str
    table: str


class MyDumperRun:
    """A MyDumper in progress."""

    def __init__(self, run: ToolRun, program: Running, dump: Dump, targets: t.Mapping[str, _Target]) -> None:
        self._run = run
        self._program = program
        self._dump = dump
        self._targets = targets
        # Files by database and table, relative to the database's directory.
        self.files: t.Dict[t.Tuple[str, str], t.List[str]] = {}

    def wait_for_snapshots(self) -> None:
        """Wait until every thread has its snapshot.

        :raises DumpFailed: when it has none in time
        """
        end = time.monotonic() + SNAPSHOT_SECONDS
        while True:
            # In this order: MyDumper may write its log and end between the two.
            has_ended = self._program.has_ended(within=_POLL_SECONDS)
            log = _read(self._dump.log) or ""
            if self._run.plan.version.driver.snapshots_exist.search(log):
                break
            if has_ended:
                reasons = self.finish()
                raise DumpFailed(f"MyDumper began no snapshot: {(reasons or ['it printed no reason'])[0]}")
            if time.monotonic() > end:
                # Its end takes time, in which writers must not wait: it comes after that of the lock.
                raise DumpFailed(f"MyDumper began no snapshot within {SNAPSHOT_SECONDS} seconds")

    def wait(self, check: t.Callable[[], None]) -> t.List[str]:
        """Wait for the end, and hand over each file that is complete; return the reasons of a failure.

        :param check: raises the error of a reader of the same snapshot that has failed meanwhile
        :raises BackupError: when the deadline passes, or the work on a file fails
        """
        final_names = self._run.plan.version.driver.final_names
        while not self._program.has_ended(within=_PERIOD_SECONDS):
            self._hand_over(final_names(self._closed()))
            self._run.files.check()
            check()
            self._run.deadline.remaining()
        failures = self.finish()
        if not failures:
            self._hand_over(_list(self._dump.output))
            # Files of tables that were created since the plan was made are in no manifest.
            shutil.rmtree(self._dump.output)
        return failures

    def finish(self) -> t.List[str]:
        """Decide the outcome of a MyDumper that has ended, and keep its log."""
        done = self._program.wait(self._run.deadline.remaining())
        text = "\n".join(filter(None, (_read_and_delete(self._dump.log), done.stderr, done.stdout)))
        self._run.append_dump_log(", ".join(self._dump.databases), condensed(text))
        failures = mydumper.failures(
            self._run.plan.version.driver,
            mydumper.Evidence(
                returncode=done.returncode,
                log=text,
                metadata=_read(os.path.join(self._dump.output, "metadata")),
                unfinished_metadata="metadata.partial" in _list(self._dump.output),
            ),
        )
        if failures and shutil.disk_usage(self._run.folder).free < _FULL_BYTES:
            # MyDumper's own message may be missing, since its log is on the same disk.
            failures.insert(0, full_disk(os.path.dirname(self._run.request.path)))
        return failures

    def keep_log(self) -> None:
        """Keep the log of a MyDumper that is ended early: it shows how far it got."""
        self._run.append_dump_log(", ".join(self._dump.databases), condensed(_read_and_delete(self._dump.log)))

    def _closed(self) -> t.List[str]:
        """Return the files that MyDumper has written and closed; none of them when that is not known."""
        # In this order: a file that is created between the two is not listed. MyDumper removes empty ones.
        written = [name for name in _list(self._dump.output) if _size(os.path.join(self._dump.output, name))]
        try:
            still_open = {os.path.basename(path) for path in self._program.open_files()}
        except OSError:
            return []
        return [name for name in written if name not in still_open]

    def _hand_over(self, names: t.Iterable[str]) -> None:
        for stem, files in by_table(names, self._targets.keys()).items():
            target = self._targets[stem]
            moved = []
            for name in files:
                place = os.path.join(target.directory, TABLES, name)
                rename(os.path.join(self._dump.output, name), os.path.join(self._run.folder, place))
                self.files.setdefault((target.database, target.table), []).append(os.path.join(TABLES, name))
                moved.append(place)
            self._run.files.add(moved)


@contextlib.contextmanager
def started_mydumper(run: ToolRun, databases: t.Sequence[DatabasePlan]) -> t.Iterator[MyDumperRun]:
    """Start MyDumper for the plain tables of *databases*; it ends with the block at the latest."""
    private = os.path.dirname(run.option_file)
    reading = [one for one in databases if one.mydumper_tables]
    dump = Dump(
        databases=[one.name for one in reading],
        output=f"{run.folder}.mydumper",
        log=f"{run.request.dump_log}.part",
        option_file=run.option_file,
        omitted=os.path.join(private, "omitted"),
        threads=run.request.threads,
        product=run.plan.server.product,
        server_version=run.plan.server_version,
        statement_bytes=statement_bytes(run.plan.packet_bytes),
    )
    # Other names do not match the pattern that MyDumper gets. One with a line end would omit another table.
    omitted = [f"{one.name}.{name}\n" for one in reading for name in one.not_for_mydumper if is_plain(name)]
    with open(dump.omitted, "w", encoding="utf-8") as stream:
        stream.writelines(omitted)
    targets = {
        f"{one.name}.{table.name}": _Target(one.directory, one.name, table.name)
        for one in databases
        for table in one.mydumper_tables
    }
    for directory in {target.directory for target in targets.values()}:
        os.makedirs(os.path.join(run.folder, directory, TABLES), 0o700)
    _read_and_delete(dump.log)
    argv = [run.plan.mydumper_path, *run.plan.version.driver.arguments(dump)]
    try:
        with running(argv, environment=mydumper.environment(), keep_open=[run.lock]) as program:
            started = MyDumperRun(run, program, dump, targets)
            try:
                yield started
            except (BackupError, OSError):
                started.keep_log()
                raise
    finally:
        # After a failure, whose reason an error here would hide.
        shutil.rmtree(dump.output, ignore_errors=True)


def _list(folder: str) -> t.List[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        # MyDumper has not created it yet.
        return []


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        # MyDumper has renamed or removed it.
        return 0


def _read(path: str) -> t.Optional[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def _read_and_delete(path: str) -> str:
    """Read a file, then delete it; return an empty text if there is none."""
    text = _read(path) or ""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    return text
