# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The store that is a container of Azure Blob Storage."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import datetime
import functools
import hashlib
import itertools
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.patience import Patience
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError, StoreFailed, UploadFailed
from ansible_collections.vex.backup.plugins.module_utils._store.azure_answers import (
    described_of,
    listed_of,
    metadata_for,
    metadata_of,
    utc,
    written_of,
)
from ansible_collections.vex.backup.plugins.module_utils._store.azure_client import AZURE_FAILURE, AzureSettings, Client
from ansible_collections.vex.backup.plugins.module_utils._store.blocks import send_blocks
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import MEBIBYTE, Part
from ansible_collections.vex.backup.plugins.module_utils._store.objects import (
    Content,
    Deleted,
    Described,
    Listed,
    Page,
    Unfinished,
    Upload,
    Written,
)
from ansible_collections.vex.backup.plugins.module_utils._store.port import Adapter, Following, Rights, Store
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason, Refused
from ansible_collections.vex.backup.plugins.module_utils._store.write import create, digested

# Without it the modules refuse to start: see AZURE_FAILURE in azure_client.py.
with contextlib.suppress(ImportError):
    from azure.core import MatchConditions
    from azure.storage.blob import BlobBlock, BlobPrefix, ContentSettings, StandardBlobTier

# A file of at most this size is sent by one request, from memory.
WHOLE_BYTES = 4 * MEBIBYTE
# Azure's limit on the size of one block.
LARGEST_BLOCK = 4000 * MEBIBYTE
# Azure's limit on the blobs of one page of a list.
PAGE = 5000
# Azure's unfinished uploads have no ids: the uncommitted blocks of a key are one.
UPLOAD_ID = "uncommitted"
# Before every blob of Azure, which is younger.
BEFORE_AZURE = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
# What a deleted blob leaves where soft delete is on.
SOFT_DELETED = "soft-deleted"


class AzureStore(Store):
    """One container of Azure Blob Storage.

    :param work: the name of the work in error messages, such as ``the upload``
    :param timeout: seconds for all requests together; 0 or ``None`` for no limit
    :param patience: with a store that is away
    :param parallel: requests at a time
    :raises OptionError: for an option that the SDK refuses, or a library that is missing
    """

    type = "azure"
    rights = Rights(
        list="the permission to list (l)",
        write="the permission to create and write (c, w)",
        read="the permission to read (r)",
        remove="the permission to delete (d)",
        list_unfinished="the permission to list (l)",
        last_activity="the permission to read (r)",
        abort="the permission to delete (d)",
    )

    def __init__(
        self,
        settings: AzureSettings,
        place: str,
        *,
        work: str,
        timeout: t.Optional[int],
        patience: Patience,
        parallel: int = 1,
    ) -> None:
        super().__init__(work=work, timeout=timeout, patience=patience, parallel=parallel)
        self.place = place
        self._encryption = settings.encryption
        self._client = Client(settings, place, timeout=timeout, deadline=lambda: self.deadline)

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._client.close()

    def url(self, key: str) -> str:
        """Return ``https://account.blob.core.windows.net/container/key``."""
        return self._client.url(key)

    def probe(self) -> None:
        """Check that the container exists and the credentials may list it."""
        self._client.page("list_blobs", "", None, results_per_page=1)

    def head(self, key: str, *, checksums: bool = False) -> t.Optional[Described]:
        """Describe one blob; its checksums are an MD5, or the ids of its blocks, which hold their SHA-256."""
        try:
            found = described_of(self.url(key), self._client.request("get_blob_properties", key))
            return self._with_checksums(found) if checksums and found.sha256 is not None else found
        except Refused as error:
            if error.is_missing:
                return None
            raise

    def _with_checksums(self, found: Described) -> Described:
        """Add the checksums of a blob that an upload of ours has made."""
        written = found.written
        if found.cold_tier is not None:
            # Nobody may ask for its blocks. Its metadata appeared in one moment with them, once they were verified.
            return dataclasses.replace(
                found, written=dataclasses.replace(written, checksums={"sha256": found.metadata["sha256"]})
            )
        committed, _uncommitted = self._client.request("get_block_list", found.listed.key, "committed")
        if not committed:
            return found
        checksums = {**written.checksums, "blocks": " ".join(block.id for block in committed)}
        return dataclasses.replace(
            found, written=dataclasses.replace(written, checksums=checksums, parts=len(committed))
        )

    def get(self, key: str, span: t.Optional[t.Tuple[int, int]] = None, etag: t.Optional[str] = None) -> Content:
        """Read a blob or a range of it."""
        offset, length = span or (0, None)
        condition = {} if etag is None else {"etag": f'"{etag}"', "match_condition": MatchConditions.IfNotModified}
        try:
            found = self._client.request(
                "download_blob", key, offset=offset, length=length, raw_request_hook=self._once(key), **condition
            )
        except Refused as error:
            # An empty blob has no range that could be read.
            described = self.head(key) if error.code == "InvalidRange" and span is None else None
            if described is None:
                raise
            return Content(b"", described.metadata)
        return Content(found.readall(), metadata_of(found.properties.metadata))

    def _once(self, key: str) -> t.Callable[[t.Any], None]:
        """Return a hook of a request that makes it fail when the SDK repeats it, as it does after a broken body."""
        requests = itertools.count()

        def check(_request: t.Any) -> None:
            self.deadline.check()
            if next(requests):
                broken = StoreFailed(f"the connection broke while {self.url(key)} was read: check the network")
                broken.may_pass = True
                raise broken

        return check

    def list_page(self, prefix: str, following: Following = None) -> Page[Listed]:
        """List a page of blobs."""
        found, following = self._client.page("list_blobs", prefix, following, results_per_page=PAGE)
        return Page([listed_of(self.url(prefix), blob) for blob in found], following)

    def folders_page(self, prefix: str, following: Following = None) -> Page[str]:
        """List a page of the beginnings of keys."""
        found, following = self._client.page("walk_blobs", prefix, following, results_per_page=PAGE, delimiter="/")
        return Page([one.name for one in found if isinstance(one, BlobPrefix)], following)

    def put_bytes(self, key: str, content: bytes, media_type: t.Optional[str] = None) -> None:
        """Write a small blob, with its MD5."""
        media = {} if media_type is None else {"content_settings": ContentSettings(content_type=media_type)}
        md5 = hashlib.new("md5", content, usedforsecurity=False).digest()
        self._put(key, content, md5, overwrite=True, **media)

    def _put(self, key: str, content: bytes, md5: bytes, **params: t.Any) -> t.Any:
        length = len(content)
        return self._client.request(
            "upload_blob", key, content, length=length, headers=_md5_header(md5), **params, **self._encryption
        )

    def delete(self, key: str, version: t.Optional[str] = None) -> Deleted:
        """Remove a blob, or one version of it."""
        if version == SOFT_DELETED:
            raise Refused(
                f"{self.url(key)} stays restorable for as long as the storage account's soft delete says",
                Reason.UNSUPPORTED,
            )
        of_version = {} if version is None else {"version_id": version}
        permanent: t.List[t.Optional[str]] = []

        def note(response: t.Any) -> None:
            permanent.append(response.http_response.headers.get("x-ms-delete-type-permanent"))

        try:
            self._client.request("delete_blob", key, raw_response_hook=note, **of_version)
        except Refused as error:
            if not error.is_missing:
                raise
        return Deleted(SOFT_DELETED if "false" in permanent else None)

    def put_file(self, upload: Upload, parts: t.Sequence[Part], log: RunLog) -> Written:
        """Create a blob from a file: by one request, or by blocks and a list of them."""
        if len(parts[0]) > LARGEST_BLOCK:
            raise OptionError(f"part_size must be at most {LARGEST_BLOCK // MEBIBYTE} MiB, Azure's limit on a block")
        for part in parts:
            part.takes_md5 = True
        if len(parts) > 1 or upload.size > WHOLE_BYTES:
            return send_blocks(self, upload, parts, log, functools.partial(self._complete, upload))
        (part,) = digested(parts, upload)
        return create(self, upload, lambda: self._put_whole(upload, part))

    def _put_whole(self, upload: Upload, part: Part) -> Written:
        part.seek(0)
        answer = self._put(upload.key, part.read(), part.md5, overwrite=False, **_params(upload))
        return written_of(self.url(upload.key), answer, {"md5": part.md5.hex()}, 1)

    def _complete(self, upload: Upload, _upload_id: str, blocks: t.List[str]) -> Written:
        def commit() -> Written:
            answer = self._client.request(
                "commit_block_list",
                upload.key,
                [BlobBlock(block) for block in blocks],
                match_condition=MatchConditions.IfMissing,
                **_params(upload),
                **self._encryption,
            )
            return written_of(self.url(upload.key), answer, {"blocks": " ".join(blocks)}, len(blocks))

        return create(self, upload, commit)

    def matches(self, written: Written, parts: t.Sequence[Part], sha256: str) -> t.Optional[bool]:
        """Compare the ids of the blocks, or the MD5 of a blob that was sent whole."""
        found = written.checksums
        if "blocks" in found:
            # Blocks of another size show nothing.
            return True if found["blocks"] == " ".join(_block_id(part) for part in parts) else None
        if "md5" in found and len(parts) == 1:
            return found["md5"] == parts[0].md5.hex()
        return True if found.get("sha256") == sha256 else None

    def begin(self, _upload: Upload, _log: RunLog) -> str:
        """Return the word for uncommitted blocks: the first block begins an upload."""
        return UPLOAD_ID

    def send(self, upload: Upload, _upload_id: str, part: Part, _log: RunLog) -> str:
        """Send one block, whose MD5 the server verifies; return its id."""
        block = _block_id(part)
        part.seek(0)
        try:
            self._client.request(
                "stage_block",
                upload.key,
                block,
                part,
                length=len(part),
                headers=_md5_header(part.md5),
                **self._encryption,
            )
        except Refused as error:
            if error.code != "Md5Mismatch":
                raise
            raise UploadFailed(f"part {part.number}: {error}") from error
        return block

    def unfinished_page(self, prefix: str, following: Following = None) -> Page[Unfinished]:
        """List a page of keys that have uncommitted blocks and no blob."""
        found, following = self._client.page(
            "list_blobs", prefix, following, results_per_page=PAGE, include=["uncommittedblobs"]
        )
        # The list shows a blob without committed blocks as an empty one.
        unfinished = [
            Unfinished(one.name, UPLOAD_ID, utc(one.last_modified))
            for one in found
            if not one.size and self.head(one.name) is None
        ]
        return Page(unfinished, following)

    def last_activity(self, _upload: Unfinished) -> t.Optional[datetime.datetime]:
        """Return ``None``: Azure tells no times of blocks, and the list's own time is all that is known."""
        return None

    def abort(self, upload: Unfinished) -> None:
        """Remove uncommitted blocks: a deletion with a condition that no blob meets, and nothing else."""
        try:
            self._client.request("delete_blob", upload.key, if_unmodified_since=BEFORE_AZURE)
        except Refused as error:
            if error.is_missing or (error.is_changed and self.head(upload.key) is not None):
                return
            error.extend("Azure removes uncommitted blocks a week after the last one was sent")
            raise

    def thaw(self, described: Described, _days: int) -> None:
        """Move a blob of the Archive tier to the Hot tier, where it stays."""
        try:
            self._client.request("set_standard_blob_tier", described.listed.key, StandardBlobTier.HOT)
        except Refused as error:
            # Somebody else has just asked for it.
            if not error.is_cold:
                raise


def _block_id(part: Part) -> str:
    """Return the id of a part's block: by its content, so that blocks of two files of one key never mix."""
    return f"{part.number:05}-{base64.b64encode(part.sha256).decode('ascii')}"


def _md5_header(md5: bytes) -> t.Dict[str, str]:
    return {"Content-MD5": base64.b64encode(md5).decode("ascii")}


def _params(upload: Upload) -> t.Dict[str, t.Any]:
    """Return the parameters of a request that creates a blob.

    :raises OptionError: for a tier or metadata that Azure does not have
    """
    tier = {} if upload.storage_class is None else {"standard_blob_tier": _tier(upload.storage_class)}
    return {"metadata": metadata_for(upload.metadata), **tier}


def _tier(storage_class: str) -> t.Any:
    try:
        return StandardBlobTier(storage_class)
    except ValueError:
        names = ", ".join(tier.value for tier in StandardBlobTier)
        raise OptionError(
            f"storage_class {storage_class!r} is not an access tier of Azure: give one of {names}"
        ) from None


ADAPTER = Adapter(
    store=AzureStore,
    settings=AzureSettings,
    place="container",
    library="azure-storage-blob",
    failure=AZURE_FAILURE,
)
