# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The transfer of an archive into a file, which continues where an earlier attempt was interrupted."""

from __future__ import annotations

import glob
import hashlib
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import Archive
from ansible_collections.vex.backup.plugins.module_utils._common.files import commit, read_blocks, require_space
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.safe_name import safe_name
from ansible_collections.vex.backup.plugins.module_utils._errors import DownloadFailed, TransferDamaged
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Listed
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.read import read_chunks
from ansible_collections.vex.backup.plugins.module_utils._store.readings import settle


def fetch(store: Store, listed: Listed, archive: Archive, path: str, log: RunLog) -> None:
    """Download an object to *path*, by way of ``{path}.{etag}.partial``.

    :param archive: the object, by its manifest
    :raises NotEnoughSpace: before anything is downloaded
    :raises DownloadFailed: when the object differs from its manifest
    :raises TransferDamaged: when its bytes are others each time
    :raises StoreFailed, Interrupted: the data downloaded so far is kept for the next attempt
    """
    partial = f"{path}.{safe_name(listed.etag)}.partial"
    for left in set(glob.glob(f"{glob.escape(path)}.*.partial")) - {partial}:
        # Of another object that had this key.
        os.unlink(left)
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT, 0o600)
    with open(descriptor, "r+b") as stream:
        digest = _digest_of_start(stream, archive)
        present = stream.tell()
        require_space(os.path.dirname(path), archive.size - present, archive.name)
        log.info(f"downloading {store.url(listed.key)}: {archive.size} bytes, {present} of them are present already")

        def read() -> t.Tuple[str, str]:
            # After a power cut, the bytes of an earlier attempt may be wrong too.
            _append(store, listed, stream, digest)
            return digest.hexdigest(), archive.sha256

        def begin_again(sentence: str) -> None:
            nonlocal digest
            log.warning(sentence)
            stream.seek(0)
            stream.truncate()
            digest = hashlib.sha256()

        try:
            found = settle(read, store.url(listed.key), begin_again)
        except TransferDamaged:
            os.unlink(partial)
            raise
    if found != archive.sha256:
        os.unlink(partial)
        raise DownloadFailed(
            f"{store.url(listed.key)} has SHA-256 {found}, its manifest gives {archive.sha256}: it is damaged in the "
            "bucket, which gave the same bytes twice; restore another backup"
        )
    commit(partial, path)
    log.info(f"downloaded {path}: size and SHA-256 match the manifest")


def _digest_of_start(stream: t.BinaryIO, archive: Archive) -> hashlib._Hash:
    """Return the digest of the bytes that an earlier attempt left, and place *stream* at their end."""
    digest = hashlib.sha256()
    for chunk in read_blocks(stream):
        digest.update(chunk)
    if stream.tell() > archive.size:
        stream.seek(0)
        stream.truncate()
        return hashlib.sha256()
    return digest


def _append(store: Store, listed: Listed, stream: t.BinaryIO, digest: hashlib._Hash) -> None:
    """Download the rest and write it in order, so that the file has no holes."""
    for chunk in read_chunks(store, listed, stream.tell()):
        stream.write(chunk)
        # A killed attempt then leaves everything it has downloaded.
        stream.flush()
        digest.update(chunk)
