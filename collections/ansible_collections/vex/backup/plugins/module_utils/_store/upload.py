# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Upload an archive so that its key, and then its manifest's, exist only for whole, verified data."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import sha256_of
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.signals import undisturbed
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    ObjectDiffers,
    OptionError,
    StoreFailed,
    UploadFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import (
    MEBIBYTE,
    Part,
    as_header,
    equal,
    split,
)
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Answer, Bound, Refused, Store

# S3's own bounds on a part, in MiB.
PART_SIZES = range(5, 5 * 1024 + 1)
# What a failed upload may still take to take its parts back.
ABORT_SECONDS = 30


class Request(t.NamedTuple):
    """What to upload, where, and how.

    ``s3`` holds a module's ``S3`` options; ``part_size`` is in MiB, ``timeout`` in seconds for the whole upload;
    ``sha256`` is added to ``metadata``.
    """

    s3: t.Mapping[str, t.Any]
    src: str
    bucket: str
    key: str
    manifest: t.Optional[str] = None
    storage_class: t.Optional[str] = None
    server_side_encryption: t.Optional[str] = None
    kms_key_id: t.Optional[str] = None
    metadata: t.Optional[t.Mapping[str, t.Any]] = None
    part_size: int = 16
    parallel: int = 4
    retries: int = 5
    timeout: t.Optional[int] = None
    check_mode: bool = False


class Object(t.NamedTuple):
    """A file and the object that it becomes.

    ``sha256`` is what the file must have: it is compared before the object appears. ``settings`` are further parameters
    of the request that creates it.
    """

    path: str
    size: int
    sha256: str
    key: str
    settings: t.Mapping[str, t.Any]


def upload(request: Request, log: RunLog) -> t.Dict[str, t.Any]:
    """Upload ``src`` to ``key`` and, when that is verified, ``manifest`` to ``{key}.manifest.json``.

    :returns: the module's result; times are UTC, sizes bytes
    :raises OptionError: an option that cannot work
    :raises ObjectDiffers: an object of that key exists and is not this file
    :raises StoreFailed, Interrupted: nothing is left of what was uploaded
    """
    started = timestamp(utc_now())
    try:
        _check(request)
        bound = Bound(request.timeout or None, "upload")
        with Store(
            request.s3, request.bucket, bound=bound, retries=request.retries, parallel=request.parallel
        ) as store:
            result = _upload(request, store, log)
    except BackupError as error:
        error.details.update(status=3, upload_started=started, upload_finished=timestamp(utc_now()))
        raise
    return {
        "bucket": request.bucket,
        "key": request.key,
        "url": f"s3://{request.bucket}/{request.key}",
        "manifest_key": _manifest_key(request),
        **result,
        "status": 1,
        "upload_started": started,
        "upload_finished": timestamp(utc_now()),
    }


def _check(request: Request) -> None:
    if request.part_size not in PART_SIZES:
        raise OptionError(f"part_size must be from {PART_SIZES[0]} to {PART_SIZES[-1]} MiB, not {request.part_size}")
    for name, least in (("parallel", 1), ("retries", 0)):
        if getattr(request, name) < least:
            raise OptionError(f"{name} must be at least {least}")
    for option in ("src", "manifest"):
        path = getattr(request, option)
        if path is not None and not os.path.isfile(path) and not request.check_mode:
            raise OptionError(f"{option} is not a file: {path}")
    if not all(f"{name}{value}".isascii() for name, value in (request.metadata or {}).items()):
        raise OptionError("metadata may hold ASCII characters only, that is all S3 takes: encode the others")


def _manifest_key(request: Request) -> t.Optional[str]:
    return f"{request.key}.manifest.json" if request.manifest is not None else None


def _upload(request: Request, store: Store, log: RunLog) -> t.Dict[str, t.Any]:
    if not os.path.isfile(request.src):
        # Only in check mode: what makes the archive changes nothing there either, so its absence means nothing.
        store.call("head_bucket")
        return {"changed": True}
    objects = _objects(request)
    there = [_existing(store, item) for item in objects]
    result = {"size": objects[0].size, "sha256": objects[0].sha256, "changed": not all(there)}
    part_bytes = request.part_size * MEBIBYTE
    if all(there) or request.check_mode:
        for item in objects:
            with _parts(item, part_bytes, store) as parts:
                list(_read(parts, item))
    else:
        _abort_left(store, request.key, log)
        there = [_ensure(store, item, head, part_bytes, log) for item, head in zip(objects, there)]
    return result if there[0] is None else {**result, **_shape(there[0])}


def _objects(request: Request) -> t.List[Object]:
    encryption = {"ServerSideEncryption": request.server_side_encryption, "SSEKMSKeyId": request.kms_key_id}
    settings = {**encryption, "StorageClass": request.storage_class}
    if request.manifest is None:
        return [_object(request.src, sha256_of(request.src), request.key, request, settings)]
    archive = _object(request.src, _sha256_in(request.manifest), request.key, request, settings)
    # The manifest is read often, so it is never in a storage class where reading is slow or dear.
    key = f"{request.key}.manifest.json"
    return [archive, _object(request.manifest, sha256_of(request.manifest), key, request, encryption)]


def _object(path: str, sha256: str, key: str, request: Request, settings: t.Mapping[str, t.Optional[str]]) -> Object:
    metadata = {name: str(value) for name, value in (request.metadata or {}).items()}
    given = {name: value for name, value in settings.items() if value is not None}
    return Object(path, os.stat(path).st_size, sha256, key, {**given, "Metadata": {**metadata, "sha256": sha256}})


def _sha256_in(manifest: str) -> str:
    """The SHA-256 that packing found the archive to have."""
    try:
        with open(manifest, encoding="utf-8") as stream:
            return str(json.load(stream)["archive"]["sha256"])
    except (ValueError, LookupError, TypeError) as error:
        raise OptionError(f"manifest {manifest} is not that of an archive, it has no archive.sha256") from error


@contextlib.contextmanager
def _parts(item: Object, part_bytes: int, store: Store) -> t.Iterator[t.List[Part]]:
    with open(item.path, "rb") as stream:
        yield split(stream.fileno(), item.size, part_bytes, store.bound.check)


def _read(parts: t.Sequence[Part], item: Object) -> t.Iterator[Part]:
    """Each of *parts* when its digest has been taken; the last one only when all together are *item*.

    :raises UploadFailed: when they are not
    """
    whole = hashlib.sha256()
    for part in parts:
        part.take_digest(whole)
        if part is parts[-1] and whole.hexdigest() != item.sha256:
            raise UploadFailed(
                f"{item.path} has SHA-256 {whole.hexdigest()}, its manifest says {item.sha256}: "
                "the archive was changed after it was packed, or the manifest is another's"
            )
        yield part


def _shape(answer: Answer) -> Answer:
    etag = answer["ETag"].strip('"')
    several = re.search(r"-(\d+)$", etag)
    return {"etag": etag, "parts": int(several.group(1)) if several else 1}


def _head(store: Store, key: str) -> t.Optional[Answer]:
    """What the server knows of *key*; ``None`` when it is certain that there is no such object."""
    try:
        return store.call("head_object", Key=key, ChecksumMode="ENABLED")
    except Refused as error:
        if error.code == "404":
            return None
        raise


def _existing(store: Store, item: Object) -> t.Optional[Answer]:
    """What the server knows of *item*; ``None`` when it does not exist, as far as these credentials may see.

    :raises ObjectDiffers: when the key holds something else
    """
    try:
        head = _head(store, item.key)
    except Refused as error:
        if error.code == "403":
            # They may be good for writing alone; if they are not even that, the write says so better than this.
            return None
        raise
    if head is None:
        return None
    if (head["ContentLength"], head["Metadata"].get("sha256")) != (item.size, item.sha256):
        raise ObjectDiffers(
            f"{store.url(item.key)} exists and is not {item.path}: "
            f"it has {head['ContentLength']} bytes and SHA-256 {head['Metadata'].get('sha256')}, "
            f"the file {item.size} and {item.sha256}; remove the object, or give another key"
        )
    return head


def _ensure(store: Store, item: Object, there: t.Optional[Answer], part_bytes: int, log: RunLog) -> Answer:
    """Upload *item* unless it is *there*, and compare what the server says of it with the file."""
    with _parts(item, part_bytes, store) as parts:
        if there is not None:
            _compare(store, item, list(_read(parts, item)), [there])
            return there
        log.info(f"uploading {item.path} to {store.url(item.key)}: {item.size} bytes, parts: {len(parts)}")
        answer = _put(store, item, parts) if len(parts) == 1 else _put_parts(store, item, parts)
        head = _existing(store, item)
        try:
            _compare(store, item, parts, [answer] if head is None else [answer, head])
        except UploadFailed:
            # It is ours, made a moment ago, and what is not verified must not stay under that name.
            with contextlib.suppress(StoreFailed):
                store.call("delete_object", Key=item.key)
            raise
    log.info(f"uploaded {store.url(item.key)}: size and checksum are those of {item.path}")
    return answer


def _compare(store: Store, item: Object, parts: t.Sequence[Part], answers: t.Sequence[Answer]) -> None:
    verdicts = [equal(answer, parts) for answer in answers]
    if False in verdicts:
        raise UploadFailed(
            f"the server's checksum of {store.url(item.key)} is not that of {item.path}: "
            "check the disk and the network, remove the object if it is still there, and repeat"
        )
    if True not in verdicts:
        raise UploadFailed(
            f"the server answers neither a SHA-256 nor an MD5 of {store.url(item.key)}, so it cannot be verified: "
            "use a server that keeps checksums, or no aws:kms encryption"
        )


def _put(store: Store, item: Object, parts: t.Sequence[Part]) -> Answer:
    (part,) = _read(parts, item)
    return _create(store, "put_object", item, Body=part, ChecksumSHA256=as_header(part.sha256), **item.settings)


def _put_parts(store: Store, item: Object, parts: t.Sequence[Part]) -> Answer:
    upload_id = None
    requests: t.List[t.Any] = []
    try:
        created = store.call("create_multipart_upload", Key=item.key, ChecksumAlgorithm="SHA256", **item.settings)
        upload_id = created["UploadId"]
        for part in _read(parts, item):
            # Not far ahead of what is sent: it is still in memory then, and what fails is noticed soon.
            if len(requests) >= 2 * store.parallel:
                store.wait([requests[-2 * store.parallel]])
            requests.append(store.start(_put_part, store, item.key, upload_id, part))
        sent = {"Parts": store.wait(requests)}
        return _create(store, "complete_multipart_upload", item, UploadId=upload_id, MultipartUpload=sent)
    except BaseException:
        with undisturbed(), contextlib.suppress(StoreFailed):
            # Parts that arrive after the abort would stay, so none may be under way.
            store.end()
            store.bound.restart(ABORT_SECONDS)
            if upload_id is None:
                _abort_left(store, item.key, RunLog(None))
            else:
                store.call("abort_multipart_upload", Key=item.key, UploadId=upload_id)
        raise


def _put_part(store: Store, key: str, upload_id: str, part: Part) -> Answer:
    checksum = as_header(part.sha256)
    answer = store.request(
        "upload_part", Key=key, UploadId=upload_id, PartNumber=part.number, Body=part, ChecksumSHA256=checksum
    )
    sent = {"PartNumber": part.number, "ETag": answer["ETag"]}
    if "ChecksumSHA256" not in answer:
        return sent
    if answer["ChecksumSHA256"] != checksum:
        raise UploadFailed(
            f"the server's checksum of part {part.number} of {store.url(key)} is not that of what was sent: "
            "check the disk and the network, and repeat"
        )
    return {**sent, "ChecksumSHA256": checksum}


def _create(store: Store, operation: str, item: Object, **params: t.Any) -> Answer:
    """Make the object appear, unless its key is taken."""
    try:
        return store.call(operation, Key=item.key, IfNoneMatch="*", **params)
    except Refused as error:
        if error.code in ("PreconditionFailed", "NoSuchUpload"):
            # Another's object, or this one: its first answer was lost, and the request repeated.
            head = _existing(store, item)
            if head is not None:
                return head
        if error.code != "NotImplemented" or _head(store, item.key) is not None:
            raise
    # A server that knows no conditions: the look a moment ago is the best there is.
    if "Body" in params:
        params["Body"].seek(0)
    return store.call(operation, Key=item.key, **params)


def _abort_left(store: Store, key: str, log: RunLog) -> None:
    """Abort unfinished uploads of *key*, which belongs to one run, so they are what its killed attempts left."""
    try:
        uploads = store.call("list_multipart_uploads", Prefix=key).get("Uploads", [])
        for left in uploads:
            if left["Key"] == key:
                store.call("abort_multipart_upload", Key=key, UploadId=left["UploadId"])
                log.info(f"aborted an unfinished upload of {store.url(key)}")
    except Refused as error:
        log.info(f"unfinished uploads were not looked for: {error}")
