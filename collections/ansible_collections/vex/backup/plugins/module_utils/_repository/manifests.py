# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifests in a bucket, verified by their signatures and compared with their archives."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import archive_of, parse_manifest
from ansible_collections.vex.backup.plugins.module_utils._archive.signature import check_signature
from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import INCOMPLETE, host_of
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    DownloadFailed,
    ManifestForged,
    ManifestUnusable,
    ObjectCold,
    TransferDamaged,
)
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import StoredBackup
from ansible_collections.vex.backup.plugins.module_utils._store.read import read_object
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Store


def is_of_one_backup(error: BackupError) -> bool:
    """Return whether an error of reading a backup says nothing about the others, which can be read all the same."""
    if isinstance(error, Refused):
        return error.is_of_one_object
    return isinstance(error, (ManifestUnusable, ManifestForged, DownloadFailed, ObjectCold, TransferDamaged))


def read_manifest(store: Store, backup: StoredBackup, keys: t.Sequence[str]) -> t.Dict[str, t.Any]:
    """Read and verify the manifest of a backup.

    :param keys: the manifest must be signed with one of them; without keys, every manifest is accepted
    :raises ManifestUnusable: when it is damaged, describes another archive, or was just removed
    :raises ManifestForged: when none of *keys* signed it, or it was copied or renamed
    :raises DownloadFailed: when the archive and its manifest have different sizes
    :raises ObjectCold: when the manifest must be thawed first
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    key = backup.manifest_key
    where = store.url(key)
    try:
        content = read_object(store, key)
    except Refused as error:
        if error.code != "NoSuchKey":
            raise
        raise ManifestUnusable(f"{where} was removed a moment ago: choose another backup") from error
    manifest = parse_manifest(content, where)
    check_signature(manifest, where, keys)
    archive = archive_of(manifest)
    if archive.name != os.path.basename(backup.key):
        raise ManifestUnusable(f"{where} is the manifest of {archive.name}, so it lies beside the wrong archive")
    require_own_host(manifest, backup.key, where)
    require_own_name(manifest, key, where)
    if archive.size != backup.size:
        raise DownloadFailed(
            f"{store.url(backup.key)} has {backup.size} bytes, its manifest gives {archive.size}: it was truncated or "
            "replaced"
        )
    return manifest


def require_own_name(manifest: t.Mapping[str, t.Any], key: str, where: str) -> None:
    """Refuse the manifest of an incomplete backup under the name of a whole one's, and the other way round.

    :param key: of the manifest
    :param where: its address, for the error
    :raises ManifestForged: when it was renamed
    """
    if (manifest.get("status") == ERROR) != key.endswith(INCOMPLETE):
        raise ManifestForged(
            f"{where} has the status {manifest.get('status')}, which a manifest of this name does not have: somebody "
            "renamed it; find out who, and choose another backup"
        )


def require_own_host(manifest: t.Mapping[str, t.Any], key: str, where: str) -> None:
    """Refuse the manifest of a backup that was copied to the place of another host's backup.

    A signature does not show that: the copy has it too.

    :param key: of the archive
    :param where: address of the manifest, for the error
    :raises ManifestForged: when it names another host than the key
    """
    host, named = host_of(key), manifest.get("hostname")
    if host is not None and named is not None and host != named:
        raise ManifestForged(
            f"{where} is of a backup of {named}, and lies among those of {host}: somebody copied it; find out who, and "
            "choose another backup"
        )
