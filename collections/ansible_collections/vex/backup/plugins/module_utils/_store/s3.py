# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The store that is a bucket of an S3 server."""

from __future__ import annotations

import contextlib
import datetime
import functools
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.patience import Patience
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import StoreFailed, UploadFailed
from ansible_collections.vex.backup.plugins.module_utils._store.blocks import send_blocks
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import Part
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
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused
from ansible_collections.vex.backup.plugins.module_utils._store.s3_answers import (
    described_of,
    listed_of,
    utc,
    written_of,
)
from ansible_collections.vex.backup.plugins.module_utils._store.s3_checksums import Checksums, as_header, matches
from ansible_collections.vex.backup.plugins.module_utils._store.s3_client import (
    BOTO3_FAILURE,
    Answer,
    Client,
    S3Settings,
)
from ansible_collections.vex.backup.plugins.module_utils._store.write import create, digested

# Without it the modules refuse to start: see BOTO3_FAILURE in s3_client.py.
with contextlib.suppress(ImportError):
    from botocore.exceptions import BotoCoreError
    from urllib3.exceptions import HTTPError

# The archive tiers of INTELLIGENT_TIERING.
ENDLESS = frozenset(("ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS"))


class S3Store(Store):
    """One bucket of an S3 server.

    :param work: the name of the work in error messages, such as ``the upload``
    :param timeout: seconds for all requests together; 0 or ``None`` for no limit
    :param patience: with a store that is away
    :param parallel: requests at a time
    :raises OptionError: for credentials that cannot be found, or an option that boto3 refuses
    """

    type = "s3"
    rights = Rights(
        list="s3:ListBucket",
        write="s3:PutObject",
        read="s3:GetObject",
        remove="s3:DeleteObject",
        list_unfinished="s3:ListBucketMultipartUploads",
        last_activity="s3:ListMultipartUploadParts",
        abort="s3:AbortMultipartUpload",
    )

    def __init__(
        self,
        settings: S3Settings,
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
        self._client = Client(settings, place, timeout=timeout, parallel=parallel, deadline=lambda: self.deadline)
        self._checksums = Checksums()
        #: Make one request once, from within one of the threads: its operation and parameters by boto3's names.
        self.send_request = self._client.send

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._client.close()

    def url(self, key: str) -> str:
        """Return ``s3://bucket/key``."""
        return self._client.url(key)

    def probe(self) -> None:
        """Check that the bucket exists and the credentials may list it."""
        self.send_request("head_bucket")

    def head(self, key: str, *, checksums: bool = False) -> t.Optional[Described]:
        """Describe one object."""
        try:
            return described_of(key, self._head(key, checksums))
        except Refused as error:
            if error.code == "404":
                return None
            raise

    def _head(self, key: str, checksums: bool) -> Answer:
        if checksums and self._checksums.are_taken:
            try:
                return self.send_request("head_object", Key=key, ChecksumMode="ENABLED")
            except Refused as error:
                if not error.is_unsupported:
                    raise
        return self.send_request("head_object", Key=key)

    def get(self, key: str, span: t.Optional[t.Tuple[int, int]] = None, etag: t.Optional[str] = None) -> Content:
        """Read an object or a range of it."""
        params = {} if span is None else {"Range": f"bytes={span[0]}-{span[0] + span[1] - 1}"}
        if etag is not None:
            params["IfMatch"] = f'"{etag}"'
        answer = self.send_request("get_object", Key=key, **params)
        try:
            return Content(answer["Body"].read(), answer.get("Metadata", {}))
        except (BotoCoreError, HTTPError) as error:
            # Botocore does not wrap urllib3's errors of TLS: a connection closed without notice, a damaged record.
            broken = StoreFailed(f"the connection broke while {self.url(key)} was read: {error}; check the network")
            broken.may_pass = True
            raise broken from error

    def list_page(self, prefix: str, following: Following = None) -> Page[Listed]:
        """List a page of objects."""
        answer = self.send_request("list_objects_v2", Prefix=prefix, **(following or {}))
        return Page([listed_of(item) for item in answer.get("Contents", [])], _token(answer))

    def folders_page(self, prefix: str, following: Following = None) -> Page[str]:
        """List a page of the beginnings of keys."""
        answer = self.send_request("list_objects_v2", Prefix=prefix, Delimiter="/", **(following or {}))
        return Page([item["Prefix"] for item in answer.get("CommonPrefixes", [])], _token(answer))

    def put_bytes(self, key: str, content: bytes, media_type: t.Optional[str] = None) -> None:
        """Write a small object, with a checksum."""
        media = {} if media_type is None else {"ContentType": media_type}
        self._put(content, RunLog(None), {"Key": key, **media, **self._encryption})

    def _put(self, body: t.Union[Part, bytes], log: RunLog, params: t.Dict[str, t.Any]) -> Answer:
        return self._checksums.write(functools.partial(self.send_request, "put_object"), body, log, params)

    def delete(self, key: str, version: t.Optional[str] = None) -> Deleted:
        """Remove an object, or one version of it."""
        of_version = {} if version is None else {"VersionId": version}
        answer = self.send_request("delete_object", Key=key, **of_version)
        return Deleted(answer.get("VersionId", "null") if answer.get("DeleteMarker") else None)

    def put_file(self, upload: Upload, parts: t.Sequence[Part], log: RunLog) -> Written:
        """Create an object from a file: by one request, or by a multipart upload."""
        if len(parts) > 1:
            return send_blocks(self, upload, parts, log, functools.partial(self._complete, upload))
        (part,) = digested(parts, upload)
        params = {"Key": upload.key, **self._params(upload)}
        return self._create(upload, lambda **condition: self._put(part, log, {**params, **condition}))

    def _params(self, upload: Upload) -> t.Dict[str, t.Any]:
        storage_class = {} if upload.storage_class is None else {"StorageClass": upload.storage_class}
        return {"Metadata": dict(upload.metadata), **storage_class, **self._encryption}

    def _complete(self, upload: Upload, upload_id: str, sent: t.List[Answer]) -> Written:
        complete = functools.partial(
            self.send_request,
            "complete_multipart_upload",
            Key=upload.key,
            UploadId=upload_id,
            MultipartUpload={"Parts": sent},
        )
        return self._create(upload, complete)

    def _create(self, upload: Upload, request: t.Callable[..., Answer]) -> Written:
        """Make the request that creates the object, unless another object has the key."""
        try:
            return create(self, upload, lambda: written_of(request(IfNoneMatch="*")))
        except Refused as error:
            if not error.is_unsupported or self.call(self.head, upload.key) is not None:
                raise
        # The server has no conditional writes: the check a moment ago must be enough.
        return self.call(lambda: written_of(request()))

    def matches(self, written: Written, parts: t.Sequence[Part], sha256: str) -> t.Optional[bool]:
        """Compare the SHA-256, or an ETag that is an MD5."""
        return matches(written, parts, sha256)

    def begin(self, upload: Upload, log: RunLog) -> str:
        """Begin a multipart upload."""
        request = functools.partial(self.send_request, "create_multipart_upload")
        upload_id: str = self._checksums.begin(request, log, {"Key": upload.key, **self._params(upload)})["UploadId"]
        return upload_id

    def send(self, upload: Upload, upload_id: str, part: Part, log: RunLog) -> Answer:
        """Send one part; return the entry for the request that completes the upload."""
        checksum = as_header(part.sha256)
        params = {"Key": upload.key, "UploadId": upload_id, "PartNumber": part.number}
        answer = self._checksums.write(functools.partial(self.send_request, "upload_part"), part, log, params)
        sent = {"PartNumber": part.number, "ETag": answer["ETag"]}
        if "ChecksumSHA256" not in answer:
            return sent
        if answer["ChecksumSHA256"] != checksum:
            raise UploadFailed(
                f"the server's checksum of part {part.number} of {self.url(upload.key)} differs from the sent bytes': "
                "check the disk and the network, and repeat"
            )
        return {**sent, "ChecksumSHA256": checksum}

    def unfinished_page(self, prefix: str, following: Following = None) -> Page[Unfinished]:
        """List a page of unfinished multipart uploads."""
        answer = self.send_request("list_multipart_uploads", Prefix=prefix, **(following or {}))
        found = [Unfinished(one["Key"], one["UploadId"], utc(one["Initiated"])) for one in answer.get("Uploads", [])]
        if not answer.get("IsTruncated"):
            return Page(found)
        return Page(found, {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer["NextUploadIdMarker"]})

    def last_activity(self, upload: Unfinished) -> t.Optional[datetime.datetime]:
        """Return when the last part was stored."""
        times: t.List[datetime.datetime] = []
        page: t.Dict[str, int] = {}
        while True:
            try:
                answer = self.send_request("list_parts", Key=upload.key, UploadId=upload.upload_id, **page)
            except Refused as error:
                # It has just ended.
                if not error.is_ended:
                    raise
                break
            times += [utc(part["LastModified"]) for part in answer.get("Parts", [])]
            if not answer.get("IsTruncated"):
                break
            page = {"PartNumberMarker": answer["NextPartNumberMarker"]}
        return max(times, default=None)

    def abort(self, upload: Unfinished) -> None:
        """Abort a multipart upload."""
        try:
            self.send_request("abort_multipart_upload", Key=upload.key, UploadId=upload.upload_id)
        except Refused as error:
            # Also the answer to a repeated request, when the answer to the first one was lost.
            if not error.is_ended:
                raise

    def thaw(self, described: Described, days: int) -> None:
        """Ask for a copy of an object in cold storage."""
        # A copy of an object in INTELLIGENT_TIERING has no end, and the request must not name one.
        asked = {} if described.cold_tier in ENDLESS else {"Days": days}
        try:
            self.send_request("restore_object", Key=described.listed.key, RestoreRequest=asked)
        except Refused as error:
            if error.code != "RestoreAlreadyInProgress":
                raise


def _token(answer: Answer) -> t.Optional[t.Dict[str, str]]:
    return {"ContinuationToken": answer["NextContinuationToken"]} if answer.get("IsTruncated") else None


ADAPTER = Adapter(store=S3Store, settings=S3Settings, place="bucket", library="boto3 >= 1.36", failure=BOTO3_FAILURE)
