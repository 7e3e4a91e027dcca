# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mark that keeps a backup from retention."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import NoSuchBackup
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import (
    HOLD,
    MANIFEST,
    choose,
    prefix_of,
    read_catalogue,
)
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import put_object
from ansible_collections.vex.backup.plugins.module_utils._store.objects import head, list_objects
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Bound, Store


def hold(params: t.Mapping[str, t.Any], *, check_mode: bool) -> t.Dict[str, t.Any]:
    """Hold a backup, or give it back.

    :param params: the options of ``backup_hold``
    :returns: the module's result
    :raises NoSuchBackup: when there is no whole backup of that name, or no longer
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    held = params["state"] == "present"
    bound = Bound(params["timeout"] or None, "hold")
    with Store(params, params["bucket"], bound=bound, retries=params["retries"], parallel=1) as store:
        listed = list_objects(store, prefix_of(params["prefix"], params["hostname"]))
        backup = choose(read_catalogue(listed, params["prefix"]).backups, name=params["name"])
        changed = backup.held != held
        if changed and not check_mode:
            if held:
                put_object(store, backup.key + HOLD, b"")
                # Retention may have been about to remove it: then the mark came too late, and that must be said.
                if head(store, backup.key + MANIFEST) is None:
                    raise NoSuchBackup(f"{store.url(backup.key)} was removed by retention a moment ago")
            else:
                store.call("delete_object", Key=backup.key + HOLD)
    return {"changed": changed, "key": backup.key}
