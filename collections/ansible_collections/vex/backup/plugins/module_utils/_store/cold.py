# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects in cold storage, where a rule of the bucket moved them: they are thawed before they can be read."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import ObjectCold, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.listing import head
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Answer, Store

# GLACIER_IR is read at once.
COLD_CLASSES = frozenset(("GLACIER", "DEEP_ARCHIVE"))
REMEDY = (
    "a restore with --thaw (vex_backup_restore_thaw) asks the store for it and waits for hours; or choose another "
    "backup, or thaw it by the store's own tools"
)
# How long a thawed copy stays, in days.
THAWED_DAYS = 7
# Seconds between two looks at an object that is being thawed.
LOOK_SECONDS = 60.0


def tier_of(described: Answer) -> t.Optional[str]:
    """Return the name of the cold storage that an object must be thawed from, ``None`` when it can be read.

    :param described: the answer to HEAD
    """
    if 'ongoing-request="false"' in described.get("Restore", ""):
        return None
    # Objects in the archive tiers of INTELLIGENT_TIERING have a status of their own.
    tier = described.get("ArchiveStatus") or described.get("StorageClass")
    return tier if "ArchiveStatus" in described or tier in COLD_CLASSES else None


def require_warm(store: Store, key: str, described: Answer) -> None:
    """Refuse an object that cannot be read yet.

    :param described: the answer to HEAD
    :raises ObjectCold: with the remedy
    """
    tier = tier_of(described)
    if tier is None:
        return
    if _is_thawing(described):
        raise ObjectCold(f"{store.url(key)} is being thawed from cold storage ({tier}): repeat later, or {REMEDY}")
    raise ObjectCold(f"{store.url(key)} is in cold storage ({tier}): {REMEDY}")


def thaw(store: Store, keys: t.Sequence[str], log: RunLog) -> None:
    """Ask for copies of objects that can be read, and wait for them; skip keys without an object.

    :raises StoreFailed: when the store refuses, cannot be reached, or needs longer than the store's deadline
    """
    for key in keys:
        _ask(store, key, log)
    try:
        for key in keys:
            while tier_of(head(store, key) or {}) is not None:
                store.deadline.pause(LOOK_SECONDS)
    except StoreFailed as error:
        error.extend("the store goes on to thaw what it was asked for, so repeat later")
        raise


def _ask(store: Store, key: str, log: RunLog) -> None:
    described = head(store, key) or {}
    tier = tier_of(described)
    if tier is None:
        return
    if _is_thawing(described):
        log.info(f"{store.url(key)} is already being thawed from cold storage ({tier}): waiting for it")
        return
    # A copy of an object in INTELLIGENT_TIERING has no end, and the request must not name one.
    asked = {} if "ArchiveStatus" in described else {"Days": THAWED_DAYS}
    try:
        store.call("restore_object", Key=key, RestoreRequest=asked)
    except Refused as error:
        if error.code != "RestoreAlreadyInProgress":
            raise
    log.info(f"asked the store to thaw {store.url(key)} from cold storage ({tier}), which may take hours: waiting")


def _is_thawing(described: Answer) -> bool:
    return 'ongoing-request="true"' in described.get("Restore", "")
