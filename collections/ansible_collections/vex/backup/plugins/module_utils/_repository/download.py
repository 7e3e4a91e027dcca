# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fetch an archive and its manifest such that their names exist only for what the manifest describes, to the byte."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import (
    Archive,
    archive_of,
    parse_manifest,
    summary_of,
)
from ansible_collections.vex.backup.plugins.module_utils._archive.signature import check_key, check_signature
from ansible_collections.vex.backup.plugins.module_utils._common.files import (
    commit,
    private_files,
    read_blocks,
    require_space,
    sha256_of,
    write_durably,
)
from ansible_collections.vex.backup.plugins.module_utils._common.lock import directory_lock
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.safe_name import safe_name
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    ArchiveDiffers,
    BackupError,
    DownloadFailed,
    NoSuchBackup,
    OptionError,
)
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import (
    MANIFEST,
    StoredBackup,
    choose,
    described,
    prefix_of,
    read_catalogue,
)
from ansible_collections.vex.backup.plugins.module_utils._store.objects import (
    Listed,
    list_objects,
    look,
    read_object,
    read_pieces,
)
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Bound, Refused, Store

ANOTHER = "restore another backup"


class Request(t.NamedTuple):
    """What to fetch, and where to.

    ``s3`` holds a module's ``S3`` options, ``dest`` is a directory, ``timeout`` is in seconds for the whole download.
    Instead of a ``key`` there may be a ``hostname``, whose newest backup until ``at`` or that of this ``name`` is
    meant; it goes into a directory of its name in ``dest``.
    ``manifest_only`` leaves the archive where it is. With ``manifest_keys``, one of them must have signed the manifest.
    """

    s3: t.Mapping[str, t.Any]
    bucket: str
    dest: str
    key: str = ""
    prefix: str = ""
    hostname: t.Optional[str] = None
    name: t.Optional[str] = None
    at: t.Optional[str] = None
    manifest_only: bool = False
    manifest_keys: t.Sequence[str] = ()
    parallel: int = 4
    retries: int = 5
    timeout: t.Optional[int] = None
    check_mode: bool = False


def download(request: Request, log: RunLog) -> t.Dict[str, t.Any]:
    """Fetch ``key`` and ``{key}.manifest.json`` into ``dest``; the manifest gets its name last.

    What an attempt leaves that was broken off is ``{archive}.{etag}.partial``: the next one goes on from its end.

    :returns: the module's result; times are UTC, sizes bytes
    :raises OptionError: an option that cannot work
    :raises NoSuchBackup: no such object or backup, or no manifest beside it
    :raises ManifestUnusable: a manifest that says nothing of an archive
    :raises ManifestForged: a manifest that none of the keys signed
    :raises ArchiveDiffers: the archive's name is taken in ``dest``
    :raises NotEnoughSpace: before anything is fetched
    :raises AlreadyRunning: another download goes into ``dest``
    :raises DownloadFailed: what is in the bucket is not what its manifest says
    :raises StoreFailed, Interrupted: what was fetched until then stays, for the next attempt
    """
    started = timestamp(utc_now())
    try:
        _check(request)
        bound = Bound(request.timeout or None, "download")
        with Store(
            request.s3, request.bucket, bound=bound, retries=request.retries, parallel=request.parallel
        ) as store:
            if request.hostname is None:
                result = _download(request, store, log)
            else:
                chosen = _choose(request, store)
                there = request._replace(key=chosen.key, dest=os.path.join(request.dest, chosen.name))
                result = {**_download(there, store, log), "chosen": described(chosen)}
    except BackupError as error:
        error.details.update(status=3, download_started=started, download_finished=timestamp(utc_now()))
        raise
    return {**result, "status": 1, "download_started": started, "download_finished": timestamp(utc_now())}


def _check(request: Request) -> None:
    for name, least in (("parallel", 1), ("retries", 0)):
        if getattr(request, name) < least:
            raise OptionError(f"{name} must be at least {least}")
    for key in request.manifest_keys:
        check_key(key)


def _choose(request: Request, store: Store) -> StoredBackup:
    listed = list_objects(store, prefix_of(request.prefix, request.hostname))
    return choose(read_catalogue(listed, request.prefix).backups, name=request.name, at=request.at)


def _download(request: Request, store: Store, log: RunLog) -> t.Dict[str, t.Any]:
    content = _manifest(request, store)
    manifest = parse_manifest(content, store.url(request.key + MANIFEST))
    check_signature(manifest, store.url(request.key + MANIFEST), request.manifest_keys)
    archive = archive_of(manifest)
    if archive.name != os.path.basename(request.key):
        raise DownloadFailed(
            f"{store.url(request.key + MANIFEST)} is the manifest of {archive.name}: it lies beside the wrong archive"
        )
    listed = _look(request, store, archive)
    if not request.check_mode:
        _make(request.dest)
    path = os.path.join(request.dest, archive.name)
    there = request.manifest_only or _is_there(path, archive)
    if not there and not request.check_mode:
        refusal = f"another download goes into {request.dest}: wait for its end, or give another directory"
        with directory_lock(request.dest, refusal):
            _fetch(request, store, listed, archive, path, log)
    has_manifest = _content_of(path + MANIFEST) == content
    if not has_manifest and not request.check_mode:
        write_durably(path + MANIFEST, content)
    return {
        "archive": path,
        "manifest": path + MANIFEST,
        "size": archive.size,
        "sha256": archive.sha256,
        "etag": listed.etag,
        "backup": summary_of(manifest),
        "changed": not there or not has_manifest,
    }


def _make(dest: str) -> None:
    try:
        with private_files():
            os.makedirs(dest, exist_ok=True)
    except OSError as error:
        raise OptionError(f"dest is no directory, and cannot be made one: {dest}: {error.strerror}") from error


def _manifest(request: Request, store: Store) -> bytes:
    try:
        return read_object(store, request.key + MANIFEST, retries=request.retries)
    except Refused as error:
        if error.code != "NoSuchKey":
            raise
        raise NoSuchBackup(
            f"{store.url(request.key + MANIFEST)} is not there: an archive without its manifest is one whose upload "
            f"did not end, or that was removed; {ANOTHER}"
        ) from error


def _look(request: Request, store: Store, archive: Archive) -> Listed:
    listed = look(store, request.key)
    if listed is None:
        raise NoSuchBackup(f"{store.url(request.key)} is not there, only its manifest is; {ANOTHER}")
    if listed.size != archive.size:
        raise DownloadFailed(
            f"{store.url(request.key)} has {listed.size} bytes, its manifest says {archive.size}: it was cut short or "
            f"replaced; {ANOTHER}"
        )
    return listed


def _is_there(path: str, archive: Archive) -> bool:
    """Whether an earlier call fetched the archive.

    :raises ArchiveDiffers: when something else has its name
    """
    if not os.path.lexists(path):
        return False
    if os.path.isfile(path) and os.path.getsize(path) == archive.size and sha256_of(path) == archive.sha256:
        return True
    raise ArchiveDiffers(f"{path} exists and is not the archive in the bucket: remove it, or choose another folder")


def _fetch(request: Request, store: Store, listed: Listed, archive: Archive, path: str, log: RunLog) -> None:
    partial = f"{path}.{safe_name(listed.etag)}.partial"
    for left in set(glob.glob(f"{glob.escape(path)}.*.partial")) - {partial}:
        # Of another object that had this key.
        os.unlink(left)
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT, 0o600)
    with open(descriptor, "r+b") as stream:
        digest = _go_on(stream, archive)
        resumed = stream.tell()
        require_space(request.dest, archive.size - resumed, archive.name)
        log.info(f"fetching {store.url(listed.key)}: {archive.size} bytes, {resumed} of them are there")
        _append(request, store, listed, stream, digest)
        if digest.hexdigest() != archive.sha256 and resumed:
            # A power cut may have left a part whose length is right and whose bytes are not.
            log.warning(f"what an earlier attempt left in {partial} is damaged: fetching all of it again")
            stream.seek(0)
            stream.truncate()
            digest = hashlib.sha256()
            _append(request, store, listed, stream, digest)
    if digest.hexdigest() != archive.sha256:
        os.unlink(partial)
        raise DownloadFailed(
            f"{store.url(listed.key)} has SHA-256 {digest.hexdigest()}, its manifest says {archive.sha256}: it is "
            f"damaged in the bucket; {ANOTHER}"
        )
    commit(partial, path)
    log.info(f"fetched {path}: size and SHA-256 are those of its manifest")


def _go_on(stream: t.BinaryIO, archive: Archive) -> hashlib._Hash:
    """Stand at the end of what an earlier attempt left: the digest of that."""
    digest = hashlib.sha256()
    for piece in read_blocks(stream):
        digest.update(piece)
    if stream.tell() > archive.size:
        stream.seek(0)
        stream.truncate()
        return hashlib.sha256()
    return digest


def _append(request: Request, store: Store, listed: Listed, stream: t.BinaryIO, digest: hashlib._Hash) -> None:
    """Fetch the rest, and write it in its order, so that what is there has no holes."""
    for piece in read_pieces(store, listed, request.retries, stream.tell()):
        stream.write(piece)
        # So that what a killed attempt leaves is all that it fetched.
        stream.flush()
        digest.update(piece)


def _content_of(path: str) -> t.Optional[bytes]:
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as stream:
        return stream.read()
    return None
