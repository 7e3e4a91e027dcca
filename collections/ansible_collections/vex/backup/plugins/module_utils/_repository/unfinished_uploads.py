# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unfinished uploads, which are aborted, and archives whose upload ended without a manifest."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import archive_beside, host_prefix, parse
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, timestamp
from ansible_collections.vex.backup.plugins.module_utils._errors import Interrupted, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import StoredBackup
from ansible_collections.vex.backup.plugins.module_utils._store.listing import last_part, list_uploads
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused


def old_leftovers(backups: t.Iterable[StoredBackup], before: datetime.datetime) -> t.List[str]:
    """Return the keys of the archives without a manifest that were uploaded before a time (UTC)."""
    return [one.key for one in backups if not one.is_uploaded and one.modified < before]


def abort_unfinished(
    store: Store, prefix: str, hostname: str, before: datetime.datetime, log: RunLog, check_mode: bool
) -> t.Tuple[t.List[str], t.List[str]]:
    """Abort the uploads of a host's archives and manifests that have not ended, and got nothing since a time (UTC).

    :returns: their keys, and sentences on what failed
    """
    aborted: t.List[str] = []
    try:
        for upload in list_uploads(store, host_prefix(prefix, hostname)):
            archive = archive_beside(upload.key) or upload.key
            if upload.initiated >= before or parse(archive, prefix) is None:
                continue
            try:
                last = last_part(store, upload)
            except Refused as error:
                if not error.is_denied:
                    raise
                log.info(f"keeping the upload of {store.url(upload.key)}, which may be going on: {error}")
                continue
            if last >= before:
                log.info(f"keeping the upload of {store.url(upload.key)}, which got its last part {timestamp(last)}")
                continue
            if not check_mode:
                log.info(f"aborting the upload of {store.url(upload.key)}, which got nothing since {timestamp(last)}")
                store.call(store.abort, upload)
            aborted.append(upload.key)
    except (StoreFailed, Interrupted) as error:
        return aborted, [f"unfinished uploads were not aborted: {error}"]
    return aborted, []
