# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The upload of an archive and its manifest, whose keys exist only for whole, verified data."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import incomplete_of, manifest_of
from ansible_collections.vex.backup.plugins.module_utils._common.files import sha256_of
from ansible_collections.vex.backup.plugins.module_utils._common.lock import reading
from ansible_collections.vex.backup.plugins.module_utils._common.rate import Rate
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, OptionError
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination, open_store
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import MEBIBYTE
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Upload
from ansible_collections.vex.backup.plugins.module_utils._store.pending import Pending, list_pending, noted
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience
from ansible_collections.vex.backup.plugins.module_utils._store.write import (
    abort_unfinished,
    check_file,
    find_existing,
    put_file,
)

# S3's limits on the size of a part, in MiB.
PART_SIZES = range(5, 5 * 1024 + 1)


@dataclasses.dataclass(frozen=True)
class UploadRequest:
    """The options of ``s3_upload`` and its siblings.

    :param src: path of the archive
    :param manifest: path of its manifest; ``None`` uploads the archive alone
    :param run_uuid: of the run that made the archive: until the upload has ended, a note beside the archive tells a
        later run what to upload; ``None`` writes no note
    :param metadata: of both objects; ``sha256`` is added
    :param part_size: MiB
    :param parallel: parts at a time
    :param patience: seconds to wait for a store that is away
    :param timeout: seconds for the whole upload; 0 or ``None`` for no limit
    :param rate: bytes a second that all parts together are sent at; 0 for no limit
    """

    destination: Destination
    src: str
    key: str
    manifest: t.Optional[str]
    run_uuid: t.Optional[str]
    metadata: t.Mapping[str, t.Any]
    part_size: int
    parallel: int
    patience: int
    timeout: t.Optional[int]
    check_mode: bool
    rate: int = 0


@ending_children()
def upload(request: UploadRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Upload ``src`` to ``key`` and, once that is verified, ``manifest`` beside it.

    That is ``{key}.manifest.json``, or ``{key}.incomplete.json`` when the dump has status 3.

    :returns: the result of ``s3_upload``; times are UTC, sizes bytes
    :raises OptionError: for an option that cannot work
    :raises ObjectDiffers: when another object has the key
    :raises AlreadyRunning: when another process uploads or removes the archive
    :raises StoreFailed, Interrupted: nothing of the upload is left in the bucket
    """
    started = timestamp(utc_now())
    try:
        _check(request)
        with (
            _noted(request, log),
            open_store(
                request.destination,
                work="the upload",
                timeout=request.timeout,
                patience=store_patience(request.patience, log),
                parallel=request.parallel,
            ) as store,
        ):
            result = {"url": store.url(request.key), **_upload(request, store, log)}
    except BackupError as error:
        error.details.update(status=3, upload_started=started, upload_finished=timestamp(utc_now()))
        raise
    return {
        "bucket": request.destination.place,
        "key": request.key,
        "pending": [] if request.check_mode else _others(request),
        **result,
        "status": 1,
        "upload_started": started,
        "upload_finished": timestamp(utc_now()),
    }


def _others(request: UploadRequest) -> t.List[str]:
    """Return the names of the other archives beside an archive that are to be uploaded to its destination."""
    found = list_pending(os.path.dirname(request.src), request.destination.name)
    return [name for name in found if name != os.path.basename(request.src)]


def _noted(request: UploadRequest, log: RunLog) -> t.ContextManager[None]:
    if request.run_uuid is None or request.check_mode:
        return contextlib.nullcontext()
    to = request.destination
    pending = Pending(request.run_uuid, to.name, to.place, request.key, to.storage_class, request.part_size)
    return noted(request.src, to.name, pending, log)


def _check(request: UploadRequest) -> None:
    if request.part_size not in PART_SIZES:
        raise OptionError(f"part_size must be from {PART_SIZES[0]} to {PART_SIZES[-1]} MiB, not {request.part_size}")
    if request.parallel < 1:
        raise OptionError("parallel must be at least 1")
    for option in ("src", "manifest"):
        path = getattr(request, option)
        if path is not None and not os.path.isfile(path) and not request.check_mode:
            raise OptionError(f"{option} is not a file: {path}")
    if not all(f"{name}{value}".isascii() for name, value in request.metadata.items()):
        raise OptionError("metadata may hold ASCII characters only, a limit of S3: encode the others")


def _upload(request: UploadRequest, store: Store, log: RunLog) -> t.Dict[str, t.Any]:
    if not os.path.isfile(request.src):
        # Only in check mode, in which the archive was not made either.
        store.call(store.probe)
        return {"changed": True, "manifest_key": None}
    with reading(request.src):
        return _upload_files(request, store, log)


def _upload_files(request: UploadRequest, store: Store, log: RunLog) -> t.Dict[str, t.Any]:
    rate = Rate(request.rate)
    uploads = uploads_of(request)
    existing = [find_existing(store, one) for one in uploads]
    result = {
        "size": uploads[0].size,
        "sha256": uploads[0].sha256,
        "manifest_key": uploads[1].key if request.manifest is not None else None,
        "changed": not all(existing),
    }
    part_bytes = request.part_size * MEBIBYTE
    if all(existing) or request.check_mode:
        for one in uploads:
            check_file(store, one, part_bytes)
        archive = None if existing[0] is None else existing[0].written
    else:
        abort_unfinished(store, request.key, log)
        archive, *_manifest = [
            put_file(store, one, found, part_bytes, log, rate) for one, found in zip(uploads, existing)
        ]
    return result if archive is None else {**result, "etag": archive.etag, "parts": archive.parts}


def uploads_of(request: UploadRequest) -> t.List[Upload]:
    """Return the archive and, if there is one, its manifest, in the order of their upload.

    :raises OptionError: when the manifest describes no archive
    """
    storage_class = request.destination.storage_class
    if request.manifest is None:
        return [_describe(request, request.src, sha256_of(request.src), request.key, storage_class)]
    sha256, key = _read_manifest(request.manifest, request.key)
    archive = _describe(request, request.src, sha256, request.key, storage_class)
    # Manifests are read often, so they never get a storage class that is slow or expensive to read.
    return [archive, _describe(request, request.manifest, sha256_of(request.manifest), key, None)]


def _describe(request: UploadRequest, path: str, sha256: str, key: str, storage_class: t.Optional[str]) -> Upload:
    metadata = {name: str(value) for name, value in request.metadata.items()}
    return Upload(path, os.stat(path).st_size, sha256, key, {**metadata, "sha256": sha256}, storage_class)


def _read_manifest(manifest: str, archive_key: str) -> t.Tuple[str, str]:
    """Return the SHA-256 that the archive had when it was packed, and the key that the manifest gets."""
    try:
        with open(manifest, encoding="utf-8") as stream:
            content = json.load(stream)
        sha256 = str(content["archive"]["sha256"])
        return sha256, (incomplete_of if content.get("status") == ERROR else manifest_of)(archive_key)
    except (ValueError, LookupError, TypeError) as error:
        raise OptionError(
            f"manifest {manifest} does not describe an archive: it has no archive.sha256; pack the dump again"
        ) from error
