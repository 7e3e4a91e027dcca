# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The removals of retention, noted in the log tables; the spool keeps them while the log database is unreachable."""

from __future__ import annotations

import datetime
import functools
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import incomplete_of, manifest_of, proof_of
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, timestamp
from ansible_collections.vex.backup.plugins.module_utils._common.spool import Spool
from ansible_collections.vex.backup.plugins.module_utils._errors import LogDatabaseUnavailable
from ansible_collections.vex.backup.plugins.module_utils._log_db.columns import SHORT_FORM
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import (
    LogDatabase,
    check_version,
    log_database,
    log_patience,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.running_runs import restores_in_progress
from ansible_collections.vex.backup.plugins.module_utils._log_db.uploads import mark_removed
from ansible_collections.vex.backup.plugins.module_utils._store.listing import head
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused

_TIME = "%Y-%m-%d %H:%M:%S"


class Removal(t.NamedTuple):
    """A removed backup: its run, if its manifest names one, the archive's key, the time (UTC), and the destination."""

    run_uuid: t.Optional[str]
    key: str
    moment: datetime.datetime
    destination: str = SHORT_FORM

    @property
    def entry(self) -> str:
        """The name of its entry in the spool."""
        return str(self.run_uuid) if self.destination == SHORT_FORM else f"{self.run_uuid}.{self.destination}"


Note = t.Callable[[Removal], None]


class RemovalNotes(t.NamedTuple):
    """The notes of a removal, so that it is neither lost nor left half done when the process is killed.

    ``begin`` is called before the first deletion, ``keep`` as soon as the manifest is removed, ``end`` after the last
    deletion, or when the bucket refused one.
    """

    begin: Note
    keep: Note
    end: Note


class PruneLog:
    """The removals of one call of retention: each is kept in the spool at once, and all are delivered at the end.

    :param spool_dir: made when absent
    :param patience: seconds to wait for the log database
    """

    def __init__(self, spool_dir: str, database: LogDatabase, patience: float, log: RunLog) -> None:
        self._database = database
        self._patience = log_patience(patience, log)
        self._log = log
        self._spool = Spool(spool_dir, "removals")
        self._begun = Spool(spool_dir, "removing")
        self._records = Spool(spool_dir, "records")
        self._removals: t.Dict[str, Removal] = {}
        self._problems: t.List[str] = []

    def notes(self, bucket: str) -> RemovalNotes:
        """Return what retention calls with each removal from a bucket."""
        return RemovalNotes(functools.partial(self.begin, bucket), self.keep, self.end)

    def begin(self, bucket: str, removal: Removal) -> None:
        """Note that a removal begins, so that a later call ends it when this process is killed."""
        self._write(self._begun, removal, bucket=bucket)

    def end(self, removal: Removal) -> None:
        """Note that a removal has ended."""
        if removal.run_uuid is not None:
            self._begun.remove(removal.entry)

    def finish(self, store: Store, destination: str) -> t.List[str]:
        """Remove the rest of the backups that a killed call began to remove: those without a manifest.

        :param destination: the name of the store
        :returns: sentences on what the store refused; an audit names what is left
        :raises StoreFailed: when the store refuses every request, or cannot be reached
        """
        problems = []
        for name in self._begun.names():
            begun = self._begun.read(name, _parse_begun)
            if begun is None or (begun[0], begun[1].destination) != (store.place, destination):
                continue
            _bucket, removal = begun
            try:
                self._finish(store, removal)
            except Refused as error:
                if not error.is_of_one_object:
                    raise
                problems.append(f"what a killed retention left was not removed: {error}")
            self.end(removal)
        return problems

    def _finish(self, store: Store, removal: Removal) -> None:
        # With a manifest it is whole, and retention decides again.
        if not any(head(store, key) for key in (manifest_of(removal.key), incomplete_of(removal.key))):
            self.keep(removal)
            for key in (proof_of(removal.key), removal.key):
                if head(store, key) is not None:
                    store.call(store.delete, key)

    def keep(self, removal: Removal) -> None:
        """Write a removal to the spool, so that it is not lost when the process is killed before the delivery."""
        if removal.run_uuid is not None:
            self._removals[removal.entry] = removal
            self._write(self._spool, removal)

    def restores_in_progress(self, since: datetime.datetime) -> t.Dict[str, str]:
        """Return the restores and proofs in progress that began after a time (UTC), by the run whose backup they read.

        None while the log database is away: a restore whose backup is removed fails before it changes anything.
        """

        def read() -> t.Dict[str, str]:
            with log_database(self._database) as connection:
                check_version(connection)
                return restores_in_progress(connection, since)

        try:
            return self._patience.attempt(read)
        except LogDatabaseUnavailable as error:
            self._log.warning(f"retention does not know which backups are being restored: {error}")
            # One wait is enough.
            self._patience = log_patience(0, self._log)
            return {}

    def deliver(self) -> t.List[str]:
        """Mark the uploads of all removals in the spool as removed, also the removals of earlier calls.

        :returns: sentences on what failed; a later call delivers what stays in the spool
        """
        problems = []
        try:
            self._patience.attempt(self._deliver)
        except LogDatabaseUnavailable as error:
            kept = f"the removals are kept in {self._spool}, and a later run notes them in the log tables"
            problems = [f"{error}; {kept}"]
        # Without duplicates: each removal may have had the same problem.
        found = dict.fromkeys([*self._spool.warnings, *self._problems, *problems])
        return [*found, *self._spool.unreadable()]

    def _write(self, spool: Spool, removal: Removal, **more: str) -> None:
        if removal.run_uuid is None:
            return
        with spool.lock():
            try:
                spool.write(removal.entry, {**removal._asdict(), "moment": timestamp(removal.moment), **more})
            except OSError as error:
                self._problems.append(f"a removal could not be written to the spool {spool}: {error.strerror}")

    def _deliver(self) -> None:
        """Deliver what waits, within the lock of the spool: between two attempts, others may use it."""
        with self._spool.lock():
            # A run whose record waits has no row to mark yet.
            unwritten = set(self._records.names())
            found = {**_read(self._spool), **self._removals}
            waiting = {name: removal for name, removal in found.items() if removal.run_uuid not in unwritten}
            if not waiting:
                return
            with log_database(self._database) as connection:
                check_version(connection)
                for name, removal in waiting.items():
                    run, moment = str(removal.run_uuid), timestamp(removal.moment)
                    mark_removed(connection, run, removal.destination, removal.key, moment)
                    self._spool.remove(name)


def _read(spool: Spool) -> t.Dict[str, Removal]:
    found = {name: spool.read(name, _parse) for name in spool.names()}
    return {name: removal for name, removal in found.items() if removal is not None}


def _parse_begun(content: t.Any) -> t.Tuple[str, Removal]:
    return str(content["bucket"]), _parse(content)


def _parse(content: t.Any) -> Removal:
    moment = datetime.datetime.strptime(content["moment"], _TIME)
    # An entry of an earlier release names no destination.
    return Removal(content["run_uuid"], content["key"], moment, content.get("destination", SHORT_FORM))
