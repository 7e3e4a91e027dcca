# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The list of the backups in a bucket."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import as_result, read_catalog
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import (
    S3Settings,
    Store,
    store_patience,
)


@dataclasses.dataclass(frozen=True)
class ListRequest:
    """The options of ``backup_info``.

    :param hostname: ``None`` for every host
    :param patience: seconds to wait for a store that is away
    :param timeout: seconds; 0 or ``None`` for no limit
    """

    s3: S3Settings
    bucket: str
    prefix: str
    hostname: t.Optional[str]
    patience: int
    timeout: t.Optional[int]


def list_backups(request: ListRequest) -> t.Dict[str, t.Any]:
    """List the backups, newest first.

    :returns: the result of ``backup_info``
    :raises OptionError: for an option that cannot work
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    with Store(
        request.s3,
        request.bucket,
        work="the listing",
        timeout=request.timeout,
        patience=store_patience(request.patience),
    ) as store:
        backups = read_catalog(store, request.prefix, request.hostname).backups
    return {"changed": False, "backups": [as_result(one) for one in backups]}
