# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifests in a bucket, verified by their signatures and compared with their archives."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import archive_of, parse_manifest
from ansible_collections.vex.backup.plugins.module_utils._archive.signature import check_signature
from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import INCOMPLETE, host_of, own_key
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    DownloadFailed,
    ManifestForged,
    ManifestUnusable,
    ObjectCold,
    StoreFailed,
    TransferDamaged,
)
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import StoredBackup
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.read import read_objects
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused


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
    (content,) = read_objects(store, [backup.manifest_key])
    return verified_manifest(store, backup, content, keys)


def verified_manifest(
    store: Store, backup: StoredBackup, content: t.Union[bytes, StoreFailed], keys: t.Sequence[str]
) -> t.Dict[str, t.Any]:
    """Verify the manifest of a backup, as :func:`read_manifest` does.

    :param content: what the store has of it, or the error of its reading
    """
    where = store.url(backup.manifest_key)
    if isinstance(content, StoreFailed):
        if not isinstance(content, Refused) or not content.is_missing:
            raise content
        raise ManifestUnusable(f"{where} was removed a moment ago: choose another backup") from content
    manifest = own_manifest(content, backup.key, backup.manifest_key, where, keys)
    archive = archive_of(manifest)
    if archive.size != backup.size:
        raise DownloadFailed(
            f"{store.url(backup.key)} has {backup.size} bytes, its manifest gives {archive.size}: it was truncated or "
            "replaced"
        )
    return manifest


def own_manifest(content: bytes, archive_key: str, key: str, where: str, keys: t.Sequence[str]) -> t.Dict[str, t.Any]:
    """Parse a manifest, and verify that it belongs where it lies.

    :param archive_key: of the archive that it lies beside
    :param key: of the manifest
    :param where: its address, for the errors
    :param keys: as in :func:`read_manifest`
    :raises ManifestUnusable: when it is damaged, or describes another archive
    :raises ManifestForged: when none of *keys* signed it, or it was copied or renamed
    """
    manifest = parse_manifest(content, where)
    check_signature(manifest, where, keys)
    archive = archive_of(manifest)
    if archive.name != os.path.basename(archive_key):
        raise ManifestUnusable(
            f"{where} is the manifest of {archive.name}, so it lies beside the wrong archive: choose another backup"
        )
    _require_own_place(manifest, archive_key, where)
    _require_own_name(manifest, key, where)
    return manifest


def _require_own_name(manifest: t.Mapping[str, t.Any], key: str, where: str) -> None:
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


def _require_own_place(manifest: t.Mapping[str, t.Any], key: str, where: str) -> None:
    """Refuse the manifest of a backup that was copied to the place of another one, such as another host's.

    A signature does not show that: the copy has it too.

    :param key: of the archive; a key that no run makes is nobody's place
    :param where: address of the manifest, for the error
    :raises ManifestForged: when a backup of its host and its name has another key
    """
    host = host_of(key)
    if host is None:
        return
    name = os.path.basename(key).partition(".")[0]
    of_host, of_name = manifest.get("hostname", host), manifest.get("name", name)
    copied = "somebody copied it; find out who, and choose another backup"
    if of_host not in (host, None):
        raise ManifestForged(f"{where} is of a backup of {of_host}, and lies among those of {host}: {copied}")
    if of_name not in (name, None):
        raise ManifestForged(f"{where} is of the backup {of_name}, and lies beside {name}: {copied}")
    own = own_key(key, host, name)
    if own != key:
        raise ManifestForged(f"{where} lies in a place of no backup, since the archive's key would be {own}: {copied}")
