# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The writing of objects, with checksums that the server verifies and that are compared afterwards."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.rate import Rate
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import ObjectDiffers, StoreFailed, UploadFailed
from ansible_collections.vex.backup.plugins.module_utils._store.listing import list_uploads, stat
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import Part, split
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Described, Upload, Written
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.read import sha256_of_object
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused


class Digest(t.Protocol):
    """A digest that is being computed."""

    def update(self, data: bytes, /) -> object:
        """Add the next bytes."""


class _Both(t.NamedTuple):
    """Two digests of the same bytes."""

    one: Digest
    other: Digest

    def update(self, data: bytes) -> None:
        self.one.update(data)
        self.other.update(data)


def find_existing(store: Store, upload: Upload) -> t.Optional[Described]:
    """Return the store's description of an object uploaded before, ``None`` when none is visible.

    :raises ObjectDiffers: when another object has the key
    """
    try:
        found = store.call(lambda: store.head(upload.key, checksums=True))
    except Refused as error:
        if error.is_denied:
            # The credentials may be valid for writing alone. If not, the refusal of the write explains it better.
            return None
        raise
    if found is None:
        return None
    if (found.size, found.sha256) != (upload.size, upload.sha256):
        raise ObjectDiffers(
            f"{store.url(upload.key)} exists and is not {upload.path}: "
            f"it has {found.size} bytes and SHA-256 {found.sha256}, "
            f"the file {upload.size} and {upload.sha256}; remove the object, or give another key"
        )
    return found


def check_file(store: Store, upload: Upload, part_bytes: int) -> None:
    """Compare the file with its manifest, without uploading it.

    :raises UploadFailed: when it has another SHA-256
    """
    with _parts(store, upload, part_bytes) as parts:
        list(digested(parts, upload))


def put_file(
    store: Store,
    upload: Upload,
    existing: t.Optional[Described],
    part_bytes: int,
    log: RunLog,
    rate: t.Optional[Rate] = None,
) -> Written:
    """Upload a file, unless the object is *existing*, and compare the server's checksum with the file.

    :param part_bytes: the size of a part
    :param rate: the limit on what is sent; ``None`` for none
    :returns: what the store tells of the object
    :raises UploadFailed: when file, manifest and object are not the same; a new object is removed then
    """
    with _parts(store, upload, part_bytes, rate) as parts:
        if existing is not None:
            _compare(store, upload, list(digested(parts, upload)), [existing.written], log)
            return existing.written
        log.info(f"uploading {upload.path} to {store.url(upload.key)}: {upload.size} bytes, parts: {len(parts)}")
        written = store.put_file(upload, parts, log)
        found = find_existing(store, upload)
        try:
            _compare(store, upload, parts, [written] if found is None else [written, found.written], log)
        except UploadFailed as error:
            # This upload made the object, and an unverified object must not keep the name.
            try:
                store.call(store.delete, upload.key)
            except StoreFailed as left:
                error.extend(f"the object could not be removed: {left}")
            raise
    log.info(f"uploaded {store.url(upload.key)}: size and checksum match {upload.path}")
    return written


def abort_unfinished(store: Store, key: str, log: RunLog, but: t.Optional[str] = None) -> None:
    """Abort unfinished uploads of *key*, left by killed or repeated attempts: a key belongs to one run.

    :param but: the id of the upload that goes on
    """
    try:
        for left in list_uploads(store, key):
            if left.key == key and left.upload_id != but:
                store.call(store.abort, left)
                log.info(f"aborted an unfinished upload of {store.url(key)}")
    except Refused as error:
        log.info(f"unfinished uploads could not be listed: {error}")


@contextlib.contextmanager
def _parts(store: Store, upload: Upload, part_bytes: int, rate: t.Optional[Rate] = None) -> t.Iterator[t.List[Part]]:
    deadline = store.deadline
    pace = None if rate is None else functools.partial(rate.wait, pause=deadline.pause)
    with open(upload.path, "rb") as stream:
        yield split(stream.fileno(), upload.size, part_bytes, deadline.check, pace)


def digested(parts: t.Sequence[Part], upload: Upload, other: t.Optional[Digest] = None) -> t.Iterator[Part]:
    """Yield each part once its digest is computed; the last one only when the whole file has the right SHA-256.

    :param other: a digest of the whole file too, from the same reading
    :raises UploadFailed: when it has another
    """
    whole = hashlib.sha256()
    for part in parts:
        part.take_digest(t.cast("t.Any", whole if other is None else _Both(whole, other)))
        if part is parts[-1] and whole.hexdigest() != upload.sha256:
            raise UploadFailed(
                f"{upload.path} has SHA-256 {whole.hexdigest()}, its manifest gives {upload.sha256}: the archive was "
                "changed after it was packed, or the manifest describes another archive; pack it again"
            )
        yield part


def _compare(store: Store, upload: Upload, parts: t.Sequence[Part], answers: t.Sequence[Written], log: RunLog) -> None:
    results = [store.matches(answer, parts, upload.sha256) for answer in answers]
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
            f"reading it back failed: {error}; grant {store.rights.read}, or use a server that keeps checksums"
        )
        failed.may_pass = error.may_pass
        raise failed from error


def create(store: Store, upload: Upload, make: t.Callable[[], Written]) -> Written:
    """Make the request that creates the object, unless another object has the key. From the main thread.

    :param make: makes it once, on the condition that there is no such object
    """
    try:
        return store.call(make)
    except Refused as error:
        if error.is_changed or error.is_ended:
            # Another object, or this one: a request whose answer was lost is repeated.
            found = find_existing(store, upload)
            if found is not None:
                return found.written
        raise
