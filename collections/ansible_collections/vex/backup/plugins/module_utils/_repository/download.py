# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The download of an archive and its manifest, whose names exist only for verified data."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import (
    Archive,
    archive_of,
    summary_of,
)
from ansible_collections.vex.backup.plugins.module_utils._archive.signature import check_key
from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import incomplete_of, manifest_of
from ansible_collections.vex.backup.plugins.module_utils._common.files import private_files, sha256_of, write_durably
from ansible_collections.vex.backup.plugins.module_utils._common.lock import directory_lock
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    ArchiveDiffers,
    BackupError,
    DownloadFailed,
    NoSuchBackup,
    OptionError,
)
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import StoredBackup, as_result
from ansible_collections.vex.backup.plugins.module_utils._repository.choice import choose_backup
from ansible_collections.vex.backup.plugins.module_utils._repository.manifests import own_manifest
from ansible_collections.vex.backup.plugins.module_utils._repository.proofs import examine
from ansible_collections.vex.backup.plugins.module_utils._repository.resumed_transfer import fetch
from ansible_collections.vex.backup.plugins.module_utils._store.cold import require_warm, thaw
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination, open_store
from ansible_collections.vex.backup.plugins.module_utils._store.listing import head
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Described
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.read import read_object
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience


@dataclasses.dataclass(frozen=True)
class DownloadRequest:
    """The options of ``backup_download``.

    :param key: of the archive; or ``None``, and *hostname* is set
    :param hostname: its newest backup is downloaded, or the backup that *name* or *at* chooses
    :param dest: an existing or new directory; with *hostname*, the backup gets a directory of its name in it
    :param manifest_only: leave the archive in the bucket
    :param manifest_keys: the manifest must be signed with one of them; without keys, every manifest is accepted
    :param thaw: ask for what is in cold storage, and wait for it: for the manifest alone with *manifest_only*
    :param thaw_timeout: seconds for that; 0 for no limit
    :param parallel: chunks at a time
    :param patience: seconds to wait for a store that is away
    :param timeout: seconds for the whole download; 0 or ``None`` for no limit
    """

    destination: Destination
    key: t.Optional[str]
    prefix: t.Optional[str]
    hostname: t.Optional[str]
    name: t.Optional[str]
    at: t.Optional[str]
    dest: str
    manifest_only: bool
    manifest_keys: t.Sequence[str] = dataclasses.field(repr=False)
    thaw: bool
    thaw_timeout: int
    parallel: int
    patience: int
    timeout: t.Optional[int]
    check_mode: bool


class Target(t.NamedTuple):
    """The key of an archive, the directory it is downloaded into, and the backup when it was chosen among a host's."""

    key: str
    dest: str
    chosen: t.Optional[StoredBackup] = None


@ending_children()
def download(request: DownloadRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Download an archive and ``{key}.manifest.json``; the manifest gets its name last.

    An interrupted attempt leaves ``{archive}.{etag}.partial``, and the next attempt continues it.

    :returns: the result of ``backup_download``; times are UTC, sizes bytes
    :raises OptionError: for an option that cannot work
    :raises NoSuchBackup: when there is no such object or backup, or no manifest beside it
    :raises ManifestUnusable: when the manifest is damaged or describes another archive
    :raises ManifestForged: when none of the keys signed the manifest, or it was copied or renamed
    :raises ArchiveDiffers: when something else has the archive's name in the directory
    :raises NotEnoughSpace: before anything is downloaded
    :raises AlreadyRunning: when another download into the directory is running
    :raises DownloadFailed: when the archive differs from its manifest
    :raises ObjectCold: when the archive or its manifest must be thawed first
    :raises StoreFailed, Interrupted: the data downloaded so far is kept for the next attempt
    """
    started = timestamp(utc_now())
    try:
        _check(request)
        target = _thaw(request, log) if request.thaw and not request.check_mode else None
        with _open_store(request, "the download", request.timeout, log) as store:
            target = target or _find(request, store)
            result = _download(request, store, target, log)
            if target.chosen is not None:
                (examined,) = examine(store, [target.chosen], request.manifest_keys)
                result["chosen"] = as_result(examined.backup)
    except BackupError as error:
        error.details.update(status=3, download_started=started, download_finished=timestamp(utc_now()))
        raise
    return {**result, "status": 1, "download_started": started, "download_finished": timestamp(utc_now())}


def _check(request: DownloadRequest) -> None:
    if request.parallel < 1:
        raise OptionError("parallel must be at least 1")
    for key in request.manifest_keys:
        check_key(key)


def _open_store(request: DownloadRequest, work: str, timeout: t.Optional[int], log: RunLog) -> Store:
    patience = store_patience(request.patience, log)
    return open_store(request.destination, work=work, timeout=timeout, patience=patience, parallel=request.parallel)


def _find(request: DownloadRequest, store: Store) -> Target:
    """Return the archive to download."""
    if request.key is not None:
        return Target(request.key, request.dest)
    # The module requires a hostname where there is no key.
    backup = choose_backup(store, request.prefix or "", request.hostname or "", name=request.name, at=request.at)
    return Target(backup.key, os.path.join(request.dest, backup.name), backup)


def _thaw(request: DownloadRequest, log: RunLog) -> Target:
    """Find the archive, and wait until what is wanted of it can be read."""
    with _open_store(request, "the thaw", request.thaw_timeout, log) as store:
        target = _find(request, store)
        archive = [] if request.manifest_only else [target.key]
        thaw(store, [manifest_of(target.key), incomplete_of(target.key), *archive], log)
    return target


def _download(request: DownloadRequest, store: Store, target: Target, log: RunLog) -> t.Dict[str, t.Any]:
    key, content = _read_manifest(store, target.key)
    manifest = own_manifest(content, target.key, key, store.url(key), request.manifest_keys)
    archive = archive_of(manifest)
    described = _describe_archive(store, target.key, archive)
    listed = described.listed
    if not request.check_mode:
        _make_directory(target.dest)
    path = os.path.join(target.dest, archive.name)
    has_archive = request.manifest_only or _is_downloaded(path, archive)
    if not has_archive:
        require_warm(store, described)
    if not has_archive and not request.check_mode:
        refusal = f"another download into {target.dest} is running: wait for its end, or give another directory"
        with directory_lock(target.dest, refusal):
            fetch(store, listed, archive, path, log)
    has_manifest = _read_file(manifest_of(path)) == content
    if not has_manifest and not request.check_mode:
        write_durably(manifest_of(path), content)
    return {
        "archive": path,
        "manifest": manifest_of(path),
        "size": archive.size,
        "sha256": archive.sha256,
        "etag": listed.etag,
        "cold": described.cold_tier,
        "backup": summary_of(manifest),
        "changed": not has_archive or not has_manifest,
    }


def _make_directory(dest: str) -> None:
    try:
        with private_files():
            os.makedirs(dest, exist_ok=True)
    except OSError as error:
        raise OptionError(f"dest is not a directory and cannot be made one: {dest}: {error.strerror}") from error


def _read_manifest(store: Store, key: str) -> t.Tuple[str, bytes]:
    """Return the key and the content of the manifest, or of what is there instead."""
    for beside in (manifest_of(key), incomplete_of(key)):
        try:
            return beside, read_object(store, beside)
        except Refused as error:
            if not error.is_missing:
                raise
    raise NoSuchBackup(
        f"{store.url(manifest_of(key))} does not exist: either the key is wrong, or the upload of the archive did not "
        "end, or the backup was removed; restore another backup"
    )


def _describe_archive(store: Store, key: str, archive: Archive) -> Described:
    """Return the store's description of the archive."""
    described = head(store, key)
    if described is None:
        raise NoSuchBackup(f"{store.url(key)} does not exist, only its manifest does: restore another backup")
    if described.size != archive.size:
        raise DownloadFailed(
            f"{store.url(key)} has {described.size} bytes, its manifest gives {archive.size}: it was "
            "truncated or replaced; restore another backup"
        )
    return described


def _is_downloaded(path: str, archive: Archive) -> bool:
    """Return whether an earlier call downloaded the archive.

    :raises ArchiveDiffers: when something else has its name
    """
    if not os.path.lexists(path):
        return False
    if os.path.isfile(path) and os.path.getsize(path) == archive.size and sha256_of(path) == archive.sha256:
        return True
    raise ArchiveDiffers(f"{path} exists and is not the archive in the bucket: remove it, or choose another directory")


def _read_file(path: str) -> t.Optional[bytes]:
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as stream:
        return stream.read()
    return None
