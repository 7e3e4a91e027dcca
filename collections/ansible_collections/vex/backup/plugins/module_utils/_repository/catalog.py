# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog of a bucket: its backups, recognised by the keys of its objects alone."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import (
    COMPANIONS,
    BackupKey,
    hold_of,
    host_prefix,
    incomplete_of,
    manifest_of,
    parse,
    prefix_of,
    proof_of,
)
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp
from ansible_collections.vex.backup.plugins.module_utils._store.listing import list_objects
from ansible_collections.vex.backup.plugins.module_utils._store.objects import STANDARD, Listed
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store


class StoredBackup(t.NamedTuple):
    """An archive in the bucket.

    ``taken`` is when its run began, according to ``name``; ``modified`` when it was uploaded; ``proof`` when a proof
    was put beside it, ``None`` without one. All times are UTC without a zone. ``size`` is in bytes. ``manifest`` is set
    for a backup, ``incomplete`` for one that lacks tables which the server could not read; with neither, its upload did
    not end.

    The keys alone do not tell the rest, see :func:`proofs.examine`: ``run_uuid`` of the run that made it, ``proven``,
    when it was restored, ``fault``, why it cannot be verified, ``proof_fault``, why its proof is not believed, and
    ``proof_unread``, whether that is because it could not be read.
    """

    name: str
    hostname: str
    key: str
    size: int
    etag: str
    taken: datetime.datetime
    modified: datetime.datetime
    manifest: bool
    incomplete: bool
    proof: t.Optional[datetime.datetime]
    held: bool
    storage_class: str = STANDARD
    run_uuid: t.Optional[str] = None
    proven: t.Optional[datetime.datetime] = None
    fault: t.Optional[str] = None
    proof_fault: t.Optional[str] = None
    proof_unread: bool = False

    @property
    def manifest_key(self) -> str:
        """The key of the manifest, or of what is there instead."""
        return incomplete_of(self.key) if self.incomplete else manifest_of(self.key)

    @property
    def is_uploaded(self) -> bool:
        """Return whether its upload ended, complete or not."""
        return self.manifest or self.incomplete


class Catalog(t.NamedTuple):
    """``backups``, newest first, with the archives that lack a manifest; ``strays``, the keys of all other objects."""

    backups: t.List[StoredBackup]
    strays: t.List[str]


def read_catalog(store: Store, prefix: str, hostname: t.Optional[str] = None) -> Catalog:
    """List the bucket and return the catalog of one host, or of every host.

    :param prefix: the beginning of all keys
    :raises OptionError: for an empty *hostname*
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    return catalog_of(list_objects(store, host_prefix(prefix, hostname)), prefix)


def catalog_of(listed: t.Iterable[Listed], prefix: str) -> Catalog:
    """Separate the backups from all other objects.

    :param listed: every object below *prefix*, or every object of one host
    """
    objects = {one.key: one for one in listed}
    archives = {key: parts for key, parts in ((key, parse(key, prefix)) for key in objects) if parts is not None}
    known = {key + suffix for key in archives for suffix in ("", *COMPANIONS)}
    backups = [_backup(key, parts, objects) for key, parts in archives.items()]
    backups.sort(key=lambda one: (one.name, one.hostname, one.key), reverse=True)
    return Catalog(backups, sorted(objects.keys() - known))


def _backup(key: str, parts: BackupKey, objects: t.Mapping[str, Listed]) -> StoredBackup:
    proof = objects.get(proof_of(key))
    return StoredBackup(
        name=parts.name,
        hostname=parts.hostname,
        key=key,
        size=objects[key].size,
        etag=objects[key].etag,
        taken=parts.taken,
        modified=objects[key].modified,
        manifest=manifest_of(key) in objects,
        incomplete=incomplete_of(key) in objects and manifest_of(key) not in objects,
        proof=proof.modified if proof else None,
        held=hold_of(key) in objects,
        storage_class=objects[key].storage_class,
    )


def find_backup(store: Store, key: str) -> t.Optional[StoredBackup]:
    """Return the backup with the archive of this *key*, ``None`` when there is none.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    backups = catalog_of(list_objects(store, key), prefix_of(key)).backups
    return next((one for one in backups if one.key == key), None)


def as_result(backup: StoredBackup) -> t.Dict[str, t.Any]:
    """Return a backup as modules return it: times are texts, UTC."""
    values = backup._asdict().items()
    return {name: timestamp(value) if isinstance(value, datetime.datetime) else value for name, value in values}
