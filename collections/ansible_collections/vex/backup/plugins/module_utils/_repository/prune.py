# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Retention in a bucket, for the backups of one host."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import typing as t
import uuid

from ansible_collections.vex.backup.plugins.module_utils._archive.signature import check_key
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    Interrupted,
    ObjectCold,
    OptionError,
    StoreFailed,
    TransferDamaged,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import StoredBackup, read_catalog
from ansible_collections.vex.backup.plugins.module_utils._repository.proofs import examine
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_log import PruneLog, Removal, RemovalNotes
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_work_dir import (
    PruneLocalRequest,
    prune_local,
)
from ansible_collections.vex.backup.plugins.module_utils._repository.removal import (
    Attempt,
    remove_backups,
)
from ansible_collections.vex.backup.plugins.module_utils._repository.retention import (
    Decision,
    Decisions,
    Policy,
    decide,
)
from ansible_collections.vex.backup.plugins.module_utils._repository.unfinished_uploads import (
    abort_unfinished,
    old_leftovers,
)
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination, open_store
from ansible_collections.vex.backup.plugins.module_utils._store.listing import head
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience

# Manifests at a time.
PARALLEL = 4


@dataclasses.dataclass(frozen=True)
class PruneRequest:
    """The options of ``backup_prune`` for a bucket.

    :param name: the run that has just succeeded; ``None`` for retention by hand
    :param unfinished_days: an upload is aborted when it got nothing since this many days before the newest backup, and
        a restore that began earlier no longer keeps a backup
    :param manifest_keys: a manifest must be signed with one of them; without keys, every manifest is accepted
    :param spool_dir: keeps the removals until the log tables note them; ``None`` to note none
    :param log_database: needed with *spool_dir*
    :param patience: seconds to wait for the store, and for the log database, while it is away
    :param timeout: seconds for the requests to the bucket; 0 or ``None`` for no limit
    """

    destination: Destination
    prefix: str
    hostname: str
    name: t.Optional[str]
    keep_last: int
    keep_daily: int
    keep_weekly: int
    keep_monthly: int
    keep_yearly: int
    unfinished_days: int
    manifest_keys: t.Sequence[str] = dataclasses.field(repr=False)
    spool_dir: t.Optional[str]
    log_database: t.Optional[LogDatabase]
    patience: int
    timeout: t.Optional[int]
    check_mode: bool

    @property
    def policy(self) -> Policy:
        """The policy that the ``keep_*`` options make."""
        return Policy(self.keep_last, self.keep_daily, self.keep_weekly, self.keep_monthly, self.keep_yearly)


class Pruned(t.NamedTuple):
    """The result of retention.

    ``removals`` are the removed backups, in check mode the backups to remove; ``markers`` the keys of objects that the
    bucket keeps behind a delete marker; ``aborted`` the keys of unfinished uploads; ``leftovers`` the keys of old
    archives without a manifest; ``problems`` are sentences.
    """

    decisions: t.List[Decision]
    removals: t.List[Removal]
    markers: t.List[str]
    aborted: t.List[str]
    leftovers: t.List[str]
    problems: t.List[str]


def prune_host_and_bucket(host: t.Optional[PruneLocalRequest], bucket: PruneRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Prune a host's work directory (``None`` for no host), then the bucket.

    :returns: the result of ``backup_prune``
    :raises OptionError: for an option that cannot work
    """
    on_host = prune_local(host, log) if host is not None else {"changed": False}
    in_bucket = prune_bucket(bucket, log)
    return {**on_host, **in_bucket, "changed": on_host["changed"] or in_bucket["changed"]}


@ending_children()
def prune_bucket(request: PruneRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Apply retention, and note the removals in the log tables.

    A failure does not raise an error: the result has a ``message``, because all backups are still whole.

    :returns: the result of ``backup_prune``
    :raises OptionError: for an option that cannot work
    """
    _check(request)
    prune_log = None
    now = utc_now()
    if request.spool_dir is not None and request.log_database is not None:
        prune_log = PruneLog(request.spool_dir, request.log_database, request.patience, log)
    with open_store(
        request.destination,
        work="retention",
        timeout=request.timeout,
        patience=store_patience(request.patience, log),
        parallel=PARALLEL,
    ) as store:
        rest: t.List[str] = []
        if prune_log is None:
            pruned = prune_objects(request, store, now, log, NO_NOTES)
        else:
            rest = [] if request.check_mode else _finish(prune_log, store, request.destination.name)
            since = now - datetime.timedelta(days=request.unfinished_days)
            reads = functools.partial(prune_log.restores_in_progress, since)
            pruned = prune_objects(request, store, now, log, prune_log.notes(request.destination.place), reads)
    delivered = prune_log.deliver() if prune_log and not request.check_mode else []
    problems = [*rest, *pruned.problems, *delivered]
    for problem in problems:
        log.warning(problem)
    result = _as_result(pruned, request.check_mode)
    return {**result, "message": "; ".join(problems), "warnings": problems} if problems else result


def prune_objects(
    request: PruneRequest,
    store: Store,
    now: datetime.datetime,
    log: RunLog,
    notes: RemovalNotes,
    reads: t.Callable[[], t.Mapping[str, str]] = dict,
) -> Pruned:
    """Apply retention to the bucket alone.

    :param now: UTC
    :param notes: of each removal
    :param reads: returns what reads a backup now, a text, by the run that made the backup
    """
    decisions: t.List[Decision] = []
    attempts: t.List[Attempt] = []
    aborted: t.List[str] = []
    leftovers: t.List[str] = []
    problems: t.List[str] = []
    try:
        backups = read_catalog(store, request.prefix, request.hostname).backups
        decided, problems = _decide(request, store, backups, now, log)
        decisions = _without_readers(decided.decisions, reads)
        if decided.refusal is not None:
            problems.append(decided.refusal)
        elif backups:
            # Oldest first: an interruption leaves the newest. Without a policy, all stay.
            doomed = [
                (one, Removal(one.backup.run_uuid, one.backup.key, now, request.destination.name))
                for one in reversed(decisions)
                if not one.keep
            ]
            # The attempts before an error stay in the list.
            attempts.extend(remove_backups(store, doomed, notes, log, check_mode=request.check_mode))
            # By the store's own clock: the time of its newest archive.
            before = max(one.modified for one in backups) - datetime.timedelta(days=request.unfinished_days)
            leftovers = old_leftovers(backups, before)
            aborted, failed = abort_unfinished(store, request.prefix, request.hostname, before, log, request.check_mode)
            problems += failed
    except (StoreFailed, Interrupted) as error:
        # A signal can arrive anywhere. The removals until then are still to be noted in the log tables.
        problems.append(f"retention stopped before its end: {error}")
    return Pruned(
        decisions=_final(decisions, attempts),
        removals=[one.removal for one in attempts if one.removal is not None],
        markers=[key for one in attempts for key in one.markers],
        aborted=aborted,
        leftovers=leftovers,
        problems=[*_refusals(attempts), *problems],
    )


def _check(request: PruneRequest) -> None:
    for name in Policy._fields:
        if getattr(request, f"keep_{name}") < 0:
            raise OptionError(f"keep_{name} must be at least 0")
    if request.unfinished_days < 1:
        raise OptionError("unfinished_days must be at least 1: an upload that is still running must not be aborted")
    for key in request.manifest_keys:
        check_key(key)


def _ignore(_removal: Removal) -> None:
    """Do not record a removal."""


NO_NOTES = RemovalNotes(_ignore, _ignore, _ignore)


def _finish(prune_log: PruneLog, store: Store, destination: str) -> t.List[str]:
    """End the removals of a killed call; return sentences on what failed."""
    try:
        return prune_log.finish(store, destination)
    except (StoreFailed, Interrupted) as error:
        return [f"what a killed retention left was not removed: {error}"]


def _decide(
    request: PruneRequest, store: Store, backups: t.Sequence[StoredBackup], now: datetime.datetime, log: RunLog
) -> t.Tuple[Decisions, t.List[str]]:
    """Return the decisions, from what manifests and proofs say when a backup is to be removed; and problems."""
    decided = decide(backups, {}, request.policy, now, request.name)
    if all(one.keep for one in decided.decisions):
        return decided, []
    # A backup may be removed only when the backups that stay are good, which their manifests show.
    faults: t.Dict[str, str] = {}
    cold: t.Dict[str, str] = {}
    unread: t.List[str] = []
    read: t.List[StoredBackup] = []
    for found in examine(store, backups, request.manifest_keys):
        one, error = found.backup, found.error
        if isinstance(error, ObjectCold) and not request.manifest_keys:
            one = one._replace(run_uuid=_run_of(store, one), proof_unread=one.proof is not None)
        read.append(one)
        if error is None:
            continue
        if one.run_uuid is not None:
            cold[one.key] = str(error)
            continue
        # With keys, a manifest that cannot be read may be anybody's.
        faults[one.key] = str(error)
        log.warning(f"{one.name} counts for no rule of retention, and stays: {error}")
        if isinstance(error, (Refused, TransferDamaged)):
            unread.append(f"retention: {one.name} could not be checked, so it stays: {error}")
    return decide(read, faults, request.policy, now, request.name, cold), _first(unread)


def _run_of(store: Store, backup: StoredBackup) -> t.Optional[str]:
    """Return the run that made a backup whose manifest cannot be read, ``None`` when the store does not tell."""
    try:
        described = head(store, backup.key)
    except Refused as error:
        if not error.is_of_one_object:
            raise
        return None
    # It becomes the name of a file in the spool.
    with contextlib.suppress(ValueError):
        return None if described is None else str(uuid.UUID(str(described.metadata.get("run-uuid"))))
    return None


def _first(sentences: t.Sequence[str]) -> t.List[str]:
    """Return the first sentence, and in it how many there are."""
    if len(sentences) < 2:
        return list(sentences)
    return [f"{sentences[0]}; {len(sentences) - 1} more could not be checked either"]


def _without_readers(decisions: t.Sequence[Decision], reads: t.Callable[[], t.Mapping[str, str]]) -> t.List[Decision]:
    """Return the decisions, in which the backups that are being restored stay."""
    readers = reads() if any(not one.keep for one in decisions) else {}
    found = [(one, readers.get(one.backup.run_uuid or "")) for one in decisions]
    return [
        one if one.keep or reader is None else Decision(one.backup, True, f"in use: {reader}") for one, reader in found
    ]


def _final(decisions: t.Sequence[Decision], attempts: t.Sequence[Attempt]) -> t.List[Decision]:
    """Return the decisions with the backups that stay after all."""
    kept = {one.backup.key: one.kept for one in attempts if one.kept is not None}
    return [Decision(one.backup, True, kept[one.backup.key]) if one.backup.key in kept else one for one in decisions]


def _refusals(attempts: t.Sequence[Attempt]) -> t.List[str]:
    refused = [one for one in attempts if one.refused is not None]
    if not refused:
        return []
    state = "is only half removed" if refused[0].removal is not None else "was not removed"
    others = f"; {len(refused) - 1} more could not be removed either" if len(refused) > 1 else ""
    return [f"retention: {refused[0].backup.name} {state}: {refused[0].refused}{others}"]


def _as_result(pruned: Pruned, check_mode: bool) -> t.Dict[str, t.Any]:
    removed = set() if check_mode else {one.key for one in pruned.removals}
    return {
        "changed": bool(pruned.removals or pruned.aborted),
        "decisions": [
            {
                "name": one.backup.name,
                "key": one.backup.key,
                "keep": one.keep,
                "reason": one.reason,
                "removed": one.backup.key in removed,
            }
            for one in pruned.decisions
        ],
        "aborted": pruned.aborted,
        "leftovers": pruned.leftovers,
        "markers": pruned.markers,
    }
