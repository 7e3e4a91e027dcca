# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The list of the backups in a bucket."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.signature import check_key
from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import host_prefix
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import as_result, read_catalog
from ansible_collections.vex.backup.plugins.module_utils._repository.choice import no_backup
from ansible_collections.vex.backup.plugins.module_utils._repository.proofs import examine
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination, open_store
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience

# Manifests at a time.
PARALLEL = 8


@dataclasses.dataclass(frozen=True)
class ListRequest:
    """The options of ``backup_info``.

    :param hostname: ``None`` for every host
    :param manifest_keys: manifests and proofs must be signed with one of them; without keys, all are accepted
    :param patience: seconds to wait for a store that is away
    :param timeout: seconds; 0 or ``None`` for no limit
    """

    destination: Destination
    prefix: str
    hostname: t.Optional[str]
    manifest_keys: t.Sequence[str] = dataclasses.field(repr=False)
    patience: int
    timeout: t.Optional[int]


def list_backups(request: ListRequest) -> t.Dict[str, t.Any]:
    """List the backups, newest first, with what their manifests and proofs say.

    :returns: the result of ``backup_info``
    :raises OptionError: for an option that cannot work
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    for key in request.manifest_keys:
        check_key(key)
    with open_store(
        request.destination,
        work="the listing",
        timeout=request.timeout,
        patience=store_patience(request.patience),
        parallel=PARALLEL,
    ) as store:
        backups = read_catalog(store, request.prefix, request.hostname).backups
        examined = examine(store, backups, request.manifest_keys)
        message = {} if backups else {"message": no_backup(store, request.prefix, request.hostname)}
    return {"changed": False, "backups": [as_result(one.backup) for one in examined], **message}


def probe(request: ListRequest) -> t.Dict[str, t.Any]:
    """Check that the store answers, and may be listed where the backups are.

    :returns: the result of ``backup_info``, without backups
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    patience = store_patience(request.patience)
    with open_store(request.destination, work="the listing", timeout=request.timeout, patience=patience) as store:
        # Nothing more, because the credentials may be valid for this part alone.
        store.call(store.list_page, host_prefix(request.prefix, request.hostname))
    return {"changed": False, "backups": []}
