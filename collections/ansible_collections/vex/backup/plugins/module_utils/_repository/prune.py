# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove from the bucket what no rule keeps, such that nothing half removed reads as a backup."""

from __future__ import annotations

import contextlib
import datetime
import typing as t
import uuid

from ansible_collections.vex.backup.plugins.module_utils._archive.signature import check_key
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    DownloadFailed,
    Interrupted,
    ManifestForged,
    ManifestUnusable,
    OptionError,
    StoreFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import (
    HOLD,
    MANIFEST,
    PROOF,
    StoredBackup,
    is_archive,
    prefix_of,
    read_catalogue,
)
from ansible_collections.vex.backup.plugins.module_utils._repository.manifests import stored_manifest
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_log import Removal, Removals
from ansible_collections.vex.backup.plugins.module_utils._repository.retention import (
    Decision,
    Policy,
    Verdict,
    decide,
    policy_of,
)
from ansible_collections.vex.backup.plugins.module_utils._store.objects import (
    head,
    list_objects,
    list_uploads,
    utc,
)
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Bound, Refused, Store

Tell = t.Callable[[Removal], None]


class Request(t.NamedTuple):
    """Whose backups, and which of them stay.

    ``prefix`` is what keys start with; ``run`` the run that has just ended well, ``None`` when a person asks;
    ``unfinished_days`` is how old an upload must be that will not end any more.
    """

    prefix: str
    hostname: str
    policy: Policy
    run: t.Optional[str] = None
    manifest_keys: t.Sequence[str] = ()
    unfinished_days: int = 7
    retries: int = 5
    check_mode: bool = False


class Pruned(t.NamedTuple):
    """What became of a host's part of a bucket.

    ``removals`` are the backups that went, or would go; ``markers`` the keys of objects that the bucket still holds
    behind a delete marker; ``aborted`` the keys of uploads that would never have ended; ``leftovers`` those of archives
    whose upload ended without a manifest; ``problems`` are sentences.
    """

    decisions: t.List[Decision]
    removals: t.List[Removal]
    markers: t.List[str]
    aborted: t.List[str]
    leftovers: t.List[str]
    problems: t.List[str]


def prune_bucket(params: t.Mapping[str, t.Any], log: RunLog, *, check_mode: bool) -> t.Dict[str, t.Any]:
    """Apply retention to one host's backups in the bucket, and note in the log tables what went.

    Backups are not worse for what fails here, so that is no error but a ``message`` in the result.

    :param params: the options of ``backup_prune``
    :returns: the module's result
    :raises OptionError: an option that cannot work
    """
    request = _request(params, check_mode)
    bound = Bound(params["timeout"] or None, "pruning")
    with Store(params, params["bucket"], bound=bound, retries=request.retries, parallel=1) as store:
        removals = Removals(params) if params["spool_dir"] is not None and not check_mode else None
        pruned = prune_objects(request, store, utc_now(), log, removals.keep if removals else _forget)
    problems = [*pruned.problems, *(removals.note() if removals else [])]
    for problem in problems:
        log.warning(problem)
    gone = {one.key for one in pruned.removals}
    result: t.Dict[str, t.Any] = {
        "changed": bool(pruned.removals or pruned.aborted),
        "decisions": [
            {
                "name": one.backup.name,
                "key": one.backup.key,
                "keep": one.keep,
                "reason": one.reason,
                "removed": one.backup.key in gone and not check_mode,
            }
            for one in pruned.decisions
        ],
        "aborted": pruned.aborted,
        "leftovers": pruned.leftovers,
        "markers": pruned.markers,
    }
    return {**result, "message": "; ".join(problems), "warnings": problems} if problems else result


def prune_objects(request: Request, store: Store, now: datetime.datetime, log: RunLog, tell: Tell) -> Pruned:
    """The part of :func:`prune_bucket` that the object store sees.

    :param now: UTC
    :param tell: called with each removal as soon as it is one
    """
    pruned = Pruned([], [], [], [], [], [])
    try:
        backups = read_catalogue(
            list_objects(store, prefix_of(request.prefix, request.hostname)), request.prefix
        ).backups
        verdict, runs = _decide(request, store, backups, now)
        pruned.decisions.extend(verdict.decisions)
        if verdict.refusal is not None:
            pruned.problems.append(verdict.refusal)
        elif backups and any(request.policy):
            _remove(request, store, pruned, runs, now, log, tell)
            _tidy(request, store, backups, pruned, log)
    except (StoreFailed, Interrupted) as error:
        # What went until then is still to be noted.
        pruned.problems.append(f"retention broke off: {error}")
    return pruned


def _forget(_removal: Removal) -> None:
    """Where nobody notes what went."""


def _request(params: t.Mapping[str, t.Any], check_mode: bool) -> Request:
    if params["unfinished_days"] < 1:
        raise OptionError("unfinished_days must be at least 1: an upload that is under way must not be aborted")
    for key in params["manifest_keys"]:
        check_key(key)
    return Request(
        prefix=params["prefix"],
        hostname=params["hostname"],
        policy=policy_of(params),
        run=params["name"],
        manifest_keys=params["manifest_keys"],
        unfinished_days=params["unfinished_days"],
        retries=params["retries"],
        check_mode=check_mode,
    )


def _decide(
    request: Request, store: Store, backups: t.Sequence[StoredBackup], now: datetime.datetime
) -> t.Tuple[Verdict, t.Dict[str, t.Optional[str]]]:
    """The decisions, and the run of each good backup by key, when something is to go."""
    runs: t.Dict[str, t.Optional[str]] = {}
    verdict = decide(backups, {}, request.policy, now, request.run)
    if all(one.keep for one in verdict.decisions):
        return verdict, runs
    # A backup may go only when those that stay for it are what they seem, and that stands in their manifests.
    faults = {}
    for one in backups:
        if one.manifest:
            try:
                manifest = stored_manifest(store, one, request.manifest_keys, request.retries)
            except (ManifestUnusable, ManifestForged, DownloadFailed) as error:
                faults[one.key] = str(error)
            else:
                runs[one.key] = _run_of(manifest)
    return decide(backups, faults, request.policy, now, request.run), runs


def _remove(
    request: Request,
    store: Store,
    pruned: Pruned,
    runs: t.Mapping[str, t.Optional[str]],
    now: datetime.datetime,
    log: RunLog,
    tell: Tell,
) -> None:
    """Remove what may go, oldest first, so that what breaks it off leaves the newest."""
    refused = []
    for count, (one, keep, reason) in reversed(list(enumerate(pruned.decisions))):
        if keep:
            continue
        protected = _protection(store, one, now)
        if protected is not None:
            pruned.decisions[count] = Decision(one, True, protected)
            continue
        removal = Removal(runs[one.key], one.key, now)
        if request.check_mode:
            pruned.removals.append(removal)
            continue
        log.info(f"removing {store.url(one.key)} and its manifest: {reason}")
        try:
            # The manifest first: what remains without it is no backup. The archive last: what remains is seen by it.
            _delete(store, one.key + MANIFEST, pruned)
            pruned.removals.append(removal)
            tell(removal)
            if one.proven is not None:
                _delete(store, one.key + PROOF, pruned)
            _delete(store, one.key, pruned)
        except Refused as error:
            refused.append(f"{one.name} {'is half' if removal in pruned.removals else 'is not'} removed: {error}")
            if removal not in pruned.removals:
                pruned.decisions[count] = Decision(one, True, f"the bucket refused to remove it: {error}")
    if refused:
        others = f"; so it is with {len(refused) - 1} more" if len(refused) > 1 else ""
        pruned.problems.append(f"retention: {refused[0]}{others}")


def _protection(store: Store, backup: StoredBackup, now: datetime.datetime) -> t.Optional[str]:
    """Why a backup must not be touched, as the bucket itself has it at this moment, if so."""
    for key in (backup.key, backup.key + MANIFEST):
        answer = head(store, key) or {}
        if answer.get("ObjectLockLegalHoldStatus") == "ON":
            return "locked by the bucket: a legal hold"
        until = answer.get("ObjectLockRetainUntilDate")
        if until is not None and utc(until) > now:
            return f"locked by the bucket until {timestamp(utc(until))} (UTC)"
    # Last, since whoever holds a backup puts this and then looks whether its manifest is there yet.
    if head(store, backup.key + HOLD) is not None:
        return "held, a moment ago"
    return None


def _delete(store: Store, key: str, pruned: Pruned) -> None:
    if store.call("delete_object", Key=key).get("DeleteMarker"):
        pruned.markers.append(key)


def _tidy(request: Request, store: Store, backups: t.Sequence[StoredBackup], pruned: Pruned, log: RunLog) -> None:
    """Abort uploads that will not end any more, and list what those that ended without a manifest left."""
    # The store's own clock, by its last word: what it wrote when the newest backup came.
    before = max(one.modified for one in backups) - datetime.timedelta(days=request.unfinished_days)
    pruned.leftovers.extend(one.key for one in backups if not one.manifest and one.modified < before)
    try:
        for upload in list_uploads(store, prefix_of(request.prefix, request.hostname)):
            if upload.initiated >= before or not is_archive(upload.key.removesuffix(MANIFEST), request.prefix):
                continue
            pruned.aborted.append(upload.key)
            if not request.check_mode:
                log.info(f"aborting an upload of {store.url(upload.key)} that began {timestamp(upload.initiated)}")
                store.call("abort_multipart_upload", Key=upload.key, UploadId=upload.upload_id)
    except Refused as error:
        pruned.problems.append(f"unfinished uploads were not looked for: {error}")


def _run_of(manifest: t.Mapping[str, t.Any]) -> t.Optional[str]:
    # It names a file of the spool: what anybody wrote into a bucket must not choose that.
    with contextlib.suppress(ValueError):
        return str(uuid.UUID(str(manifest.get("run_uuid"))))
    return None
