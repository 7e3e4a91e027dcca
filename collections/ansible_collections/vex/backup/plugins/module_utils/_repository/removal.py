# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The removal of backups from a bucket, in an order in which a half removed one is never mistaken for a backup."""

from __future__ import annotations

import datetime
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import hold_of, proof_of
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, Interrupted, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import StoredBackup
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_log import Note, Removal, RemovalNotes
from ansible_collections.vex.backup.plugins.module_utils._repository.retention import Decision
from ansible_collections.vex.backup.plugins.module_utils._store.listing import head
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Deleted
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused

HOLD_SET = "a hold was set a moment ago"
# The hold is looked for again when a deletion is repeated so many seconds after the last look.
HOLD_SECONDS = 10.0


class Attempt(t.NamedTuple):
    """The outcome of the attempt to remove one backup.

    ``removal`` is set once the manifest is removed, in check mode if it would be; ``markers`` are the keys of objects
    that the bucket keeps behind a delete marker; ``protection`` is why the backup stays; ``refused`` the refusal of one
    request; ``stopped`` the error after which no other backup is tried.
    """

    backup: StoredBackup
    removal: t.Optional[Removal] = None
    markers: t.Sequence[str] = ()
    protection: t.Optional[str] = None
    refused: t.Optional[Refused] = None
    stopped: t.Optional[BackupError] = None

    @property
    def kept(self) -> t.Optional[str]:
        """The reason why the backup stays after all; ``None`` when it does not, or the attempt was stopped."""
        if self.removal is None and self.refused is not None:
            return f"the bucket refused to remove it: {self.refused}"
        return self.protection


def remove_backups(
    store: Store,
    doomed: t.Sequence[t.Tuple[Decision, Removal]],
    notes: RemovalNotes,
    log: RunLog,
    *,
    check_mode: bool,
) -> t.Iterator[Attempt]:
    """Remove backups, in the order given, and yield each attempt at once.

    :param doomed: the decisions to remove, each with the removal to record
    :param check_mode: only check whether the bucket protects them
    :raises StoreFailed, Interrupted: after the attempt that it stopped
    """
    for decision, removal in doomed:
        attempt = _attempt(store, decision, removal, notes, log, check_mode)
        yield attempt
        if attempt.stopped is not None:
            raise attempt.stopped


def _attempt(
    store: Store, decision: Decision, removal: Removal, notes: RemovalNotes, log: RunLog, check_mode: bool
) -> Attempt:
    backup = decision.backup
    try:
        protection = _protection(store, backup, removal.moment)
    except (StoreFailed, Interrupted) as error:
        if isinstance(error, Refused) and error.is_of_one_object:
            return Attempt(backup, refused=error)
        return Attempt(backup, stopped=error)
    if protection is not None:
        return Attempt(backup, protection=protection)
    if check_mode:
        return Attempt(backup, removal)
    log.info(f"removing {store.url(backup.key)} and its manifest: {decision.reason}")
    notes.begin(removal)
    attempt = _delete(store, backup, removal, notes.keep)
    if attempt.stopped is None:
        notes.end(removal)
    return attempt


def _protection(store: Store, backup: StoredBackup, now: datetime.datetime) -> t.Optional[str]:
    """Return the reason why the bucket protects a backup at this moment, ``None`` when it does not."""
    for key in (backup.key, backup.manifest_key):
        described = head(store, key)
        lock = None if described is None else described.lock(now)
        if lock is not None:
            return lock
    # The last request before the removal: backup_hold puts the hold first and then checks for the manifest.
    if head(store, hold_of(backup.key)) is not None:
        return HOLD_SET
    return None


def _delete(store: Store, backup: StoredBackup, removal: Removal, keep: Note) -> Attempt:
    # The manifest first: without it, the rest is not a backup. The archive last: audits find the rest by its key.
    proof = [proof_of(backup.key)] if backup.proof is not None else []
    removed = None
    markers: t.List[str] = []
    try:
        for key in (backup.manifest_key, *proof, backup.key):
            answer = store.call(store.delete, key) if removed else _delete_manifest(store, backup)
            if answer is None:
                return Attempt(backup, protection=HOLD_SET)
            if answer.marker is not None:
                markers.append(key)
            if removed is None:
                removed = removal
                keep(removal)
    except Refused as error:
        if error.is_of_one_object:
            return Attempt(backup, removed, markers, refused=error)
        # The patience has ended, or every request is refused. The next backup would take as long.
        return Attempt(backup, removed, markers, stopped=error)
    except (StoreFailed, Interrupted) as error:
        return Attempt(backup, removed, markers, stopped=error)
    return Attempt(backup, removed, markers)


def _delete_manifest(store: Store, backup: StoredBackup) -> t.Optional[Deleted]:
    """Delete the manifest of a backup; return what is left, or ``None`` without a deletion when a hold was set."""
    looked = time.monotonic()

    def delete() -> t.Optional[Deleted]:
        nonlocal looked
        # The store may have been away for long since the last look. Not before each repetition: a store that refuses
        # every second request would then refuse each deletion.
        if time.monotonic() - looked > HOLD_SECONDS:
            if store.head(hold_of(backup.key)) is not None and store.head(backup.manifest_key) is not None:
                return None
            looked = time.monotonic()
        return store.delete(backup.manifest_key)

    return store.call(delete)
