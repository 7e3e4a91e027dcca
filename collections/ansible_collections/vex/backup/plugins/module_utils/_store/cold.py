# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects in cold storage, where a rule of the bucket moved them: they are thawed before they can be read."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import ObjectCold, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.listing import head
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Described
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store

REMEDY = (
    "a restore with --thaw (vex_backup_restore_thaw) asks the store for it and waits for hours; or choose another "
    "backup, or thaw it by the store's own tools"
)
# How long a thawed copy stays, in days.
THAWED_DAYS = 7
# Seconds between two looks at an object that is being thawed.
LOOK_SECONDS = 60.0


def require_warm(store: Store, described: Described) -> None:
    """Refuse an object that cannot be read yet.

    :raises ObjectCold: with the remedy
    """
    tier, url = described.cold_tier, store.url(described.listed.key)
    if tier is None:
        return
    if described.is_thawing:
        raise ObjectCold(f"{url} is being thawed from cold storage ({tier}): repeat later, or {REMEDY}")
    raise ObjectCold(f"{url} is in cold storage ({tier}): {REMEDY}")


def thaw(store: Store, keys: t.Sequence[str], log: RunLog) -> None:
    """Ask for copies of objects that can be read, and wait for them; skip keys without an object.

    :raises StoreFailed: when the store refuses, cannot be reached, or needs longer than the store's deadline
    """
    for key in keys:
        _ask(store, key, log)
    try:
        for key in keys:
            while _is_cold(head(store, key)):
                store.deadline.pause(LOOK_SECONDS)
    except StoreFailed as error:
        error.extend("the store goes on to thaw what it was asked for, so repeat later")
        raise


def _ask(store: Store, key: str, log: RunLog) -> None:
    described = head(store, key)
    if described is None or described.cold_tier is None:
        return
    if described.is_thawing:
        log.info(f"{store.url(key)} is already being thawed from cold storage ({described.cold_tier}): waiting for it")
        return
    store.call(store.thaw, described, THAWED_DAYS)
    log.info(
        f"asked the store to thaw {store.url(key)} from cold storage ({described.cold_tier}), which may take hours: "
        "waiting"
    )


def _is_cold(described: t.Optional[Described]) -> bool:
    return described is not None and described.cold_tier is not None
