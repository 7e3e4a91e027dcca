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
from ansible_collections.vex.backup.plugins.module_utils._store.listing import head
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import (
    S3Settings,
    Store,
    store_patience,
)
from ansible_collections.vex.backup.plugins.module_utils._store.write import encryption_of, put_object


@dataclasses.dataclass(frozen=True)
class HoldRequest:
    """The options of ``backup_hold``.

    :param state: ``present`` to hold, ``absent`` to release
    :param patience: seconds to wait for a store that is away
    :param timeout: seconds; 0 or ``None`` for no limit
    """

    s3: S3Settings
    bucket: str
    prefix: str
    hostname: str
    name: str
    state: str
    server_side_encryption: t.Optional[str]
    kms_key_id: t.Optional[str]
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
    encryption = encryption_of(request.server_side_encryption, request.kms_key_id)
    with Store(
        request.s3, request.bucket, work="the hold", timeout=request.timeout, patience=store_patience(request.patience)
    ) as store:
        backup = choose_backup(store, request.prefix, request.hostname, name=request.name)
        wanted = request.state == "present"
        changed = backup.held != wanted
        if changed and not request.check_mode:
            if wanted:
                _put_hold(store, backup, encryption)
            else:
                store.call("delete_object", Key=hold_of(backup.key))
    return {"changed": changed, "key": backup.key}


def _put_hold(store: Store, backup: StoredBackup, encryption: t.Mapping[str, str]) -> None:
    put_object(store, hold_of(backup.key), b"", **encryption)
    # Retention checks for the hold and then removes the manifest. When both run at once, the hold may come too late.
    if head(store, backup.manifest_key) is None:
        raise NoSuchBackup(
            f"{store.url(backup.key)} was not held: retention removed it a moment ago; hold another backup"
        )
