# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hold of a backup: an empty object beside its archive, which keeps retention from removing it."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import hold_of
from ansible_collections.vex.backup.plugins.module_utils._errors import NoSuchBackup
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import StoredBackup
from ansible_collections.vex.backup.plugins.module_utils._repository.choice import choose_backup
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination, open_store
from ansible_collections.vex.backup.plugins.module_utils._store.listing import head
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience


@dataclasses.dataclass(frozen=True)
class HoldRequest:
    """The options of ``backup_hold``.

    :param state: ``present`` to hold, ``absent`` to release
    :param patience: seconds to wait for a store that is away
    :param timeout: seconds; 0 or ``None`` for no limit
    """

    destination: Destination
    prefix: str
    hostname: str
    name: str
    state: str
    patience: int
    timeout: t.Optional[int]
    check_mode: bool


def hold(request: HoldRequest) -> t.Dict[str, t.Any]:
    """Hold a backup, or release it.

    :returns: the result of ``backup_hold``
    :raises OptionError: for an option that cannot work
    :raises NoSuchBackup: when there is no backup of that name with a manifest, or retention has just removed it
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    with open_store(
        request.destination, work="the hold", timeout=request.timeout, patience=store_patience(request.patience)
    ) as store:
        backup = choose_backup(store, request.prefix, request.hostname, name=request.name)
        wanted = request.state == "present"
        changed = backup.held != wanted
        if changed and not request.check_mode:
            if wanted:
                _put_hold(store, backup)
            else:
                store.call(store.delete, hold_of(backup.key))
    return {"changed": changed, "key": backup.key}


def _put_hold(store: Store, backup: StoredBackup) -> None:
    store.call(store.put_bytes, hold_of(backup.key), b"")
    # Retention checks for the hold and then removes the manifest. When both run at once, the hold may come too late.
    if head(store, backup.manifest_key) is None:
        raise NoSuchBackup(
            f"{store.url(backup.key)} was not held: retention removed it a moment ago; hold another backup"
        )
