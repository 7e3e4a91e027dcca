# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of a backup: its data files are fed to the server's client, several at a time, with nothing on the disk."""

from __future__ import annotations

import os
import typing as t
from concurrent.futures import FIRST_EXCEPTION, wait

from ansible_collections.vex.backup.plugins.module_utils._common.process import Completed, Running, running
from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._errors import RestoreFailed
from ansible_collections.vex.backup.plugins.module_utils._restore.backup import Backup
from ansible_collections.vex.backup.plugins.module_utils._restore.definitions import Failure, label_of
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore, RestorePlan, TableRestore
from ansible_collections.vex.backup.plugins.module_utils._restore.target import Target

# A transaction of this size costs the server little; a whole file would outgrow its binary log cache.
TRANSACTION_BYTES = 8 * 1024 * 1024
# Files below SMALL_BYTES share a client, up to BATCH_BYTES: starting one takes as long as loading some rows.
SMALL_BYTES = 1024 * 1024
BATCH_BYTES = 8 * 1024 * 1024
_ERROR_CHARACTERS = 1000
# The settings at the head of MyDumper's files are the dumped server's.
_MOST_HEADER_BYTES = 1024 * 1024
# After a damaged file: with it, the beginning of a statement is no statement, wherever it was cut off.
_REFUSED = b"'\n;\n"
# Printed after each file. Without quotes, so that it is no text whatever the file ends with.
_LOADED = b"\nCOMMIT;\nSELECT 1;\n"


class _ClientEndedError(Exception):
    """A client ended before it had read its input."""


class DataFile(t.NamedTuple):
    """A file with rows of one table: its path below the backup's root, and its size on the disk."""

    database: DatabaseRestore
    table: str
    path: str
    size: int

    @property
    def planned(self) -> TableRestore:
        """The table in the plan."""
        return self.database.tables[self.table]


class Batch(t.NamedTuple):
    """Files of one database that one client loads, all exact or none."""

    files: t.Sequence[DataFile]

    @property
    def size(self) -> int:
        """The size of all files on the disk."""
        return sum(file.size for file in self.files)


def load_rows(target: Target, backup: Backup, plan: RestorePlan, created: t.AbstractSet[str]) -> t.List[Failure]:
    """Load the rows of all tables; return the files that could not be loaded.

    :param created: the labels of the tables that the server has
    :raises ServerUnavailable: when the server goes away
    """
    batches = make_batches(list_files(backup, plan, created))
    target.log.info(f"loading {sum(len(batch.files) for batch in batches)} files of rows")
    with Threads(target.request.threads) as pool:
        try:
            started = [pool.submit(_load_batch, target, backup, batch) for batch in batches]
            ended, _running = wait(started, return_when=FIRST_EXCEPTION)
            return [failure for one in ended for failure in one.result()]
        except BaseException:
            # The other threads end their clients.
            target.deadline.stop()
            raise


def list_files(backup: Backup, plan: RestorePlan, created: t.AbstractSet[str]) -> t.List[DataFile]:
    """Return the files to load, as :func:`load_rows` does."""
    files = []
    for one in plan.databases:
        for name, table in one.tables.items():
            if label_of(one, "TABLE", name) in created:
                paths = [backup.require(os.path.join(one.directory, file)) for file in table.files]
                files += [DataFile(one, name, path, backup.size(path)) for path in paths]
    return files


def make_batches(files: t.Iterable[DataFile]) -> t.List[Batch]:
    """Return the files in batches, the largest first, so that all clients end at about the same time."""
    batches: t.List[Batch] = []
    small: t.Dict[t.Tuple[str, bool], t.List[DataFile]] = {}
    in_order: t.Dict[t.Tuple[str, str], t.List[DataFile]] = {}
    for file in files:
        if not file.planned.is_transactional and (file.size >= SMALL_BYTES or len(file.planned.files) > 1):
            # An ARCHIVE table takes its keys in order, and others are locked by one session at a time.
            in_order.setdefault((file.database.name, file.table), []).append(file)
            continue
        if file.size >= SMALL_BYTES:
            batches.append(Batch([file]))
            continue
        kind = (file.database.name, file.planned.is_exact)
        waiting = small.setdefault(kind, [])
        waiting.append(file)
        if sum(one.size for one in waiting) >= BATCH_BYTES:
            batches.append(Batch(small.pop(kind)))
    batches += map(Batch, (*small.values(), *in_order.values()))
    return sorted(batches, key=lambda batch: -batch.size)


def statements(blocks: t.Iterable[bytes]) -> t.Iterator[bytes]:
    """Return the content of a data file without the lines before its first INSERT, in transactions.

    MyDumper and the exact dump write a line end within a value as two characters, so a semicolon at a line's end is the
    end of a statement.

    :raises RestoreFailed: when there is no INSERT
    """
    header, passed = b"", -1
    for block in blocks:
        if passed < 0:
            header += block
            start = 0 if header.startswith(b"INSERT ") else header.find(b"\nINSERT ") + 1
            if not header[start:].startswith(b"INSERT "):
                if len(header) > _MOST_HEADER_BYTES:
                    raise RestoreFailed("it holds no rows at its beginning")
                continue
            text, passed = header[start:], 0
        else:
            text = block
        passed += len(text)
        end = text.rfind(b";\n") + 2 if passed >= TRANSACTION_BYTES else 1
        if end > 1:
            yield text[:end] + b"COMMIT;\n" + text[end:]
            passed = len(text) - end
        else:
            yield text


def _load_batch(target: Target, backup: Backup, batch: Batch) -> t.List[Failure]:
    """Load files one after the other; after one that fails, continue with the next."""
    failures = []
    files = list(batch.files)
    while files:
        target.deadline.check()
        loaded, reason = _load_files(target, backup, files)
        if reason is not None:
            file = files[loaded]
            name = f"{os.path.basename(file.path)} could not be loaded: {reason}"
            failures.append(Failure(label_of(file.database, "TABLE", file.table), f"lacks rows: {name}"))
            target.require_server(str(failures[-1]))
            loaded += 1
        files = files[loaded:]
    return failures


def _load_files(target: Target, backup: Backup, files: t.Sequence[DataFile]) -> t.Tuple[int, t.Optional[str]]:
    """Load files with one client; return how many it loaded, and why it could not load the next."""
    fed, damage = 0, None
    with running(target.client_arguments(files[0].database.target), stdin=None) as client:
        try:
            _feed(target, client, [_head(target, files[0])])
            for file in files:
                with backup.opened(file.path) as blocks:
                    _feed(target, client, statements(blocks))
                _feed(target, client, [_LOADED])
                fed += 1
        except RestoreFailed as error:
            damage = str(error)
            client.feed(_REFUSED, target.deadline)
        except _ClientEndedError:
            pass
        done = client.finish(target.deadline)
    loaded = done.stdout.count("\n")
    if damage is not None and loaded == fed:
        return loaded, damage
    if loaded == len(files) and done.returncode == 0:
        return loaded, None
    return min(loaded, len(files) - 1), f"{os.path.basename(target.client.path)}: {_reason(done)}"


def _reason(done: Completed) -> str:
    """Return why a client failed."""
    # MariaDB's client writes the refused statement before the error.
    start = max(0, done.stderr.rfind("\nERROR "))
    return " ".join(done.stderr[start:].split())[:_ERROR_CHARACTERS] or f"exit status {done.returncode}"


def _head(target: Target, file: DataFile) -> bytes:
    """Return the statements that set the session of a client."""
    names = "utf8mb4" if file.planned.is_exact else "binary"
    return f"{target.session};\nSET NAMES {names};\nSET autocommit = 0;\n".encode()


def _feed(target: Target, client: Running, blocks: t.Iterable[bytes]) -> None:
    """Feed blocks to the client.

    :raises _ClientEndedError: when it reads no more; its output tells why
    """
    for block in blocks:
        if not client.feed(block, target.deadline):
            raise _ClientEndedError
