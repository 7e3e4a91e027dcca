# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The writing of objects, with checksums that the server verifies and that are compared afterwards."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.signals import undisturbed
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    ObjectDiffers,
    OptionError,
    StoreFailed,
    UploadFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._store.checksums import create_upload, write_checked
from ansible_collections.vex.backup.plugins.module_utils._store.listing import (
    abort_upload,
    head,
    list_uploads,
    stat,
)
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import Part, as_header, matches, split
from ansible_collections.vex.backup.plugins.module_utils._store.read import sha256_of_object
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import UNSUPPORTED, Refused
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Answer, Future, Store

# Time for a failed upload to remove its parts, in seconds.
ABORT_SECONDS = 30


@dataclasses.dataclass(frozen=True)
class Upload:
    """A file, and the object that it becomes.

    :param size: bytes
    :param sha256: the file's, by its manifest; compared before the object appears
    :param settings: further parameters of the request that creates the object, its metadata included
    """

    path: str
    size: int
    sha256: str
    key: str
    settings: t.Mapping[str, t.Any]


def encryption_of(server_side_encryption: t.Optional[str], kms_key_id: t.Optional[str]) -> t.Dict[str, str]:
    """Return the parameters of a request that writes an encrypted object; none for what is ``None``.

    :raises OptionError: for a key without the encryption that it is for
    """
    if kms_key_id is not None and not (server_side_encryption or "").startswith("aws:kms"):
        raise OptionError("kms_key_id needs server_side_encryption aws:kms or aws:kms:dsse: set that too")
    given = {"ServerSideEncryption": server_side_encryption, "SSEKMSKeyId": kms_key_id}
    return {name: value for name, value in given.items() if value is not None}


def put_object(store: Store, key: str, content: bytes, **settings: str) -> None:
    """Write a small object, with a checksum.

    :param settings: further parameters of S3's PutObject
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    write_checked(store, functools.partial(store.call, "put_object"), content, RunLog(None), {"Key": key, **settings})


def find_existing(store: Store, upload: Upload) -> t.Optional[Answer]:
    """Return the server's description of an object uploaded before, ``None`` when none is visible.

    :raises ObjectDiffers: when another object has the key
    """
    try:
        found = _describe(store, upload.key)
    except Refused as error:
        if error.code == "AccessDenied":
            # The credentials may be valid for writing alone. If not, the refusal of the write explains it better.
            return None
        raise
    if found is None:
        return None
    if (found["ContentLength"], found["Metadata"].get("sha256")) != (upload.size, upload.sha256):
        raise ObjectDiffers(
            f"{store.url(upload.key)} exists and is not {upload.path}: "
            f"it has {found['ContentLength']} bytes and SHA-256 {found['Metadata'].get('sha256')}, "
            f"the file {upload.size} and {upload.sha256}; remove the object, or give another key"
        )
    return found


def check_file(store: Store, upload: Upload, part_bytes: int) -> None:
    """Compare the file with its manifest, without uploading it.

    :raises UploadFailed: when it has another SHA-256
    """
    with _parts(store, upload, part_bytes) as parts:
        list(_digested(parts, upload))


def put_file(store: Store, upload: Upload, existing: t.Optional[Answer], part_bytes: int, log: RunLog) -> Answer:
    """Upload a file, unless the object is *existing*, and compare the server's checksum with the file.

    :param part_bytes: the size of a part
    :returns: the server's description of the object
    :raises UploadFailed: when file, manifest and object are not the same; a new object is removed then
    """
    with _parts(store, upload, part_bytes) as parts:
        if existing is not None:
            _compare(store, upload, list(_digested(parts, upload)), [existing], log)
            return existing
        log.info(f"uploading {upload.path} to {store.url(upload.key)}: {upload.size} bytes, parts: {len(parts)}")
        answer = _put_whole(store, upload, parts, log) if len(parts) == 1 else _put_parts(store, upload, parts, log)
        found = find_existing(store, upload)
        try:
            _compare(store, upload, parts, [answer] if found is None else [answer, found], log)
        except UploadFailed as error:
            # This upload made the object, and an unverified object must not keep the name.
            try:
                store.call("delete_object", Key=upload.key)
            except StoreFailed as left:
                error.extend(f"the object could not be removed: {left}")
            raise
    log.info(f"uploaded {store.url(upload.key)}: size and checksum match {upload.path}")
    return answer


def _describe(store: Store, key: str) -> t.Optional[Answer]:
    """Return the server's description of an object, with its checksum if the server has one."""
    if store.takes_checksums:
        try:
            return head(store, key, ChecksumMode="ENABLED")
        except Refused as error:
            if error.code not in UNSUPPORTED:
                raise
    return head(store, key)


def abort_unfinished(store: Store, key: str, log: RunLog, but: t.Optional[str] = None) -> None:
    """Abort unfinished uploads of *key*, left by killed or repeated attempts: a key belongs to one run.

    :param but: the id of the upload that goes on
    """
    try:
        for left in list_uploads(store, key):
            if left.key == key and left.upload_id != but:
                abort_upload(store, left.key, left.upload_id)
                log.info(f"aborted an unfinished upload of {store.url(key)}")
    except Refused as error:
        log.info(f"unfinished uploads could not be listed: {error}")


@contextlib.contextmanager
def _parts(store: Store, upload: Upload, part_bytes: int) -> t.Iterator[t.List[Part]]:
    with open(upload.path, "rb") as stream:
        yield split(stream.fileno(), upload.size, part_bytes, store.deadline.check)


def _digested(parts: t.Sequence[Part], upload: Upload) -> t.Iterator[Part]:
    """Yield each part once its digest is computed; the last one only when the whole file has the right SHA-256.

    :raises UploadFailed: when it has another
    """
    whole = hashlib.sha256()
    for part in parts:
        part.take_digest(whole)
        if part is parts[-1] and whole.hexdigest() != upload.sha256:
            raise UploadFailed(
                f"{upload.path} has SHA-256 {whole.hexdigest()}, its manifest gives {upload.sha256}: the archive was "
                "changed after it was packed, or the manifest describes another archive; pack it again"
            )
        yield part


def _compare(store: Store, upload: Upload, parts: t.Sequence[Part], answers: t.Sequence[Answer], log: RunLog) -> None:
    results = [matches(answer, parts, upload.sha256) for answer in answers]
    if False not in results and True not in results:
        log.info(f"the server returns neither a SHA-256 nor an MD5 of {store.url(upload.key)}: reading it back")
        results = [_read_back(store, upload) == upload.sha256]
    if False in results:
        raise UploadFailed(
            f"the server's checksum of {store.url(upload.key)} differs from {upload.path}'s: "
            "check the disk and the network, remove the object if it is still there, and repeat"
        )


def _read_back(store: Store, upload: Upload) -> t.Optional[str]:
    """Return the SHA-256 of an object by reading it, ``None`` when it is not there."""
    try:
        listed = stat(store, upload.key)
        return None if listed is None else sha256_of_object(store, listed, upload.sha256)
    except StoreFailed as error:
        failed = UploadFailed(
            f"{store.url(upload.key)} cannot be verified: the server returns neither a SHA-256 nor an MD5 of it, and "
            f"reading it back failed: {error}; grant s3:GetObject, or use a server that keeps checksums"
        )
        failed.may_pass = error.may_pass
        raise failed from error


def _put_whole(store: Store, upload: Upload, parts: t.Sequence[Part], log: RunLog) -> Answer:
    (part,) = _digested(parts, upload)

    def put(**params: t.Any) -> Answer:
        request = functools.partial(store.call, "put_object")
        return write_checked(store, request, part, log, {"Key": upload.key, **params})

    return _create(store, put, upload, upload.settings)


def _put_parts(store: Store, upload: Upload, parts: t.Sequence[Part], log: RunLog) -> Answer:
    upload_id = None
    requests: t.List[Future] = []
    repeated = store.patience.repetitions
    try:
        upload_id = create_upload(store, log, {"Key": upload.key, **upload.settings})["UploadId"]
        if store.patience.repetitions > repeated:
            # An attempt whose answer was lost may have begun an upload too.
            abort_unfinished(store, upload.key, log, but=upload_id)
        for part in _digested(parts, upload):
            # Digests are only a few parts ahead of the upload: the parts are still in memory, and a failure ends both.
            if len(requests) >= 2 * store.parallel:
                store.wait([requests[-2 * store.parallel]])
            requests.append(store.start(put_part, store, upload.key, upload_id, part, log))
        sent = {"UploadId": upload_id, "MultipartUpload": {"Parts": store.wait(requests)}}
        complete = functools.partial(store.call, "complete_multipart_upload", Key=upload.key)
        return _create(store, complete, upload, sent)
    except BaseException as error:
        with undisturbed():
            # Parts that arrive after the abort would stay in the bucket, so no request may be running.
            store.cancel(ABORT_SECONDS)
            left = _take_back(store, upload.key, upload_id, log)
        if left and isinstance(error, BackupError):
            error.extend(left)
        raise


def _take_back(store: Store, key: str, upload_id: t.Optional[str], log: RunLog) -> t.Optional[str]:
    """Abort an upload, or every unfinished upload of *key* without an id; return a sentence when that failed."""
    try:
        if upload_id is None:
            abort_unfinished(store, key, log)
        else:
            abort_upload(store, key, upload_id)
    except StoreFailed as error:
        left = (
            f"parts of the upload may be left in the bucket as an unfinished upload of {store.url(key)}, because it "
            "could not be aborted: the next upload of this key, retention or a lifecycle rule of the bucket aborts it"
        )
        log.warning(f"{left} ({error})")
        return left
    return None


def put_part(store: Store, key: str, upload_id: str, part: Part, log: RunLog) -> Answer:
    """Send one part of a multipart upload, from within one of the store's threads.

    :returns: the entry for the request that completes the upload
    :raises UploadFailed: when the server's checksum differs
    """
    checksum = as_header(part.sha256)
    params = {"Key": key, "UploadId": upload_id, "PartNumber": part.number}
    answer = write_checked(store, functools.partial(store.request, "upload_part"), part, log, params)
    sent = {"PartNumber": part.number, "ETag": answer["ETag"]}
    if "ChecksumSHA256" not in answer:
        return sent
    if answer["ChecksumSHA256"] != checksum:
        raise UploadFailed(
            f"the server's checksum of part {part.number} of {store.url(key)} differs from the sent bytes': "
            "check the disk and the network, and repeat"
        )
    return {**sent, "ChecksumSHA256": checksum}


def _create(store: Store, create: t.Callable[..., Answer], upload: Upload, params: t.Mapping[str, t.Any]) -> Answer:
    """Make the request that creates the object, unless another object has the key."""
    try:
        return create(IfNoneMatch="*", **params)
    except Refused as error:
        if error.code in ("PreconditionFailed", "NoSuchUpload"):
            # Another object, or this one: a request whose answer was lost is repeated.
            found = find_existing(store, upload)
            if found is not None:
                return found
        if error.code not in UNSUPPORTED or head(store, upload.key) is not None:
            raise
    # The server has no conditional writes: the check a moment ago must be enough.
    return create(**params)
