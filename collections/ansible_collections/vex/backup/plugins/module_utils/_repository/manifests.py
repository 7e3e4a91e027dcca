# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifests in the bucket, believed only when they are of the archives they lie beside."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import archive_of, parse_manifest
from ansible_collections.vex.backup.plugins.module_utils._archive.signature import check_signature
from ansible_collections.vex.backup.plugins.module_utils._errors import DownloadFailed, ManifestUnusable
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import MANIFEST, StoredBackup
from ansible_collections.vex.backup.plugins.module_utils._store.objects import read_object
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Refused, Store


def stored_manifest(store: Store, backup: StoredBackup, keys: t.Sequence[str], retries: int) -> t.Dict[str, t.Any]:
    """The manifest of a backup that has one.

    :param keys: one of which must have signed it, unless there are none
    :raises ManifestUnusable: when it is none, or another archive's, or gone by now
    :raises ManifestForged: when none of *keys* signed it
    :raises DownloadFailed: when the archive has not the size that it says
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    key = backup.key + MANIFEST
    where = store.url(key)
    try:
        content = read_object(store, key, retries=retries)
    except Refused as error:
        if error.code != "NoSuchKey":
            raise
        raise ManifestUnusable(f"{where} is not there any more: it was removed a moment ago") from error
    manifest = parse_manifest(content, where)
    check_signature(manifest, where, keys)
    archive = archive_of(manifest)
    if archive.name != os.path.basename(backup.key):
        raise ManifestUnusable(f"{where} is the manifest of {archive.name}: it lies beside the wrong archive")
    if archive.size != backup.size:
        raise DownloadFailed(
            f"{store.url(backup.key)} has {backup.size} bytes, its manifest says {archive.size}: it was cut short or "
            "replaced"
        )
    return manifest
