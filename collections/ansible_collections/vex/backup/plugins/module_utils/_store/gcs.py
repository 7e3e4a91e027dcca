# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One bucket of Google Cloud Storage. Objects of every storage class can be read at once: none is cold."""

from __future__ import annotations

import contextlib
import datetime
import functools
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.failpoint import failpoint
from ansible_collections.vex.backup.plugins.module_utils._common.patience import Patience
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.signals import undisturbed
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.blocks import ABORT_SECONDS
from ansible_collections.vex.backup.plugins.module_utils._store.gcs_client import (
    GCS_FAILURE,
    GOOGLE,
    GcsSettings,
    bucket_of,
    make_client,
)
from ansible_collections.vex.backup.plugins.module_utils._store.gcs_objects import (
    Checksum,
    described_of,
    listed_of,
    written_of,
)
from ansible_collections.vex.backup.plugins.module_utils._store.gcs_refusal import Request, explained
from ansible_collections.vex.backup.plugins.module_utils._store.gcs_session import Connection, Last, ResumableUpload
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
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason, Refused
from ansible_collections.vex.backup.plugins.module_utils._store.work import Future
from ansible_collections.vex.backup.plugins.module_utils._store.write import create, digested, find_existing

# Without it the store refuses to start: see GCS_FAILURE in gcs_client.py.
with contextlib.suppress(ImportError):
    import requests

if t.TYPE_CHECKING:
    from google.cloud.storage import Blob

CONNECT_SECONDS, READ_SECONDS = 10, 60
PAGE = 1000
# What a list gives.
OBJECTS = "items(name,size,timeCreated,generation,storageClass),nextPageToken"
FOLDERS = "prefixes,nextPageToken"
BINARY = "application/octet-stream"
# Without the right to list, the server answers 403 for an object that does not exist.
TO_READ = "storage.objects.get and storage.objects.list"
TO_WRITE = "storage.objects.create"
# Of an object that is replaced, too.
TO_REPLACE = "storage.objects.create and storage.objects.delete"


class GcsStore(Store):
    """One bucket.

    :raises OptionError: for credentials that cannot be found, or an option that the library refuses
    """

    type = "gcs"
    # After a week. It cannot list them.
    forgets_unfinished = True
    rights = Rights(
        list="storage.objects.list",
        write=TO_WRITE,
        read="storage.objects.get",
        remove="storage.objects.delete",
        list_unfinished=TO_WRITE,
        last_activity=TO_WRITE,
        abort=TO_WRITE,
    )

    def __init__(
        self,
        settings: GcsSettings,
        place: str,
        *,
        work: str,
        timeout: t.Optional[int],
        patience: Patience,
        parallel: int = 1,
    ) -> None:
        super().__init__(work=work, timeout=timeout, patience=patience, parallel=parallel)
        self.place = place
        self._settings = settings
        self._client = make_client(settings)
        self._bucket = bucket_of(self._client, place)
        self._connection = Connection(
            requests.Session(),
            (min(CONNECT_SECONDS, timeout or CONNECT_SECONDS), min(READ_SECONDS, timeout or READ_SECONDS)),
            self._check,
        )
        # How each request is made: once, because Patience repeats it.
        self._once: t.Dict[str, t.Any] = {"timeout": self._connection.timeout, "retry": None}
        # The last part of a file, and the CRC32C of the whole.
        self._computed: t.Optional[t.Tuple[Part, str]] = None

    def __exit__(self, *_error: object) -> None:
        super().__exit__(*_error)
        self._client.close()
        self._connection.http.close()

    def _check(self) -> None:
        # The deadline is another one once the work was cancelled.
        self.deadline.check()

    def url(self, key: str) -> str:
        """Return ``gs://bucket/key``."""
        return f"gs://{self.place}/{key}"

    def probe(self) -> None:
        """List one object."""
        with self._asking("list", "", self.rights.list):
            next(self._client.list_blobs(self._bucket, max_results=1, fields=OBJECTS, **self._once).pages)

    def head(self, key: str, *, checksums: bool = False) -> t.Optional[Described]:  # noqa: ARG002  # of the port
        """Return all that the bucket tells of one object; its checksums always."""
        try:
            return described_of(self._look(key))
        except Refused as error:
            if error.is_missing:
                return None
            raise

    def get(self, key: str, span: t.Optional[t.Tuple[int, int]] = None, etag: t.Optional[str] = None) -> Content:
        """Read an object or, without its metadata, a range of it."""
        metadata: t.Mapping[str, str] = {}
        wanted: t.Dict[str, t.Any] = {} if etag is None else {"if_generation_match": etag}
        if span is None:
            described = self._look(key, **wanted)
            metadata = described.metadata or {}
            wanted = {"if_generation_match": described.generation}
        else:
            wanted = {**wanted, "start": span[0], "end": span[0] + span[1] - 1}
        # A blob that was described would be read from the address in its description, which may be another server's.
        blob = self._bucket.blob(key)
        try:
            with self._asking("download", key, TO_READ):
                # Not unpacked, even if somebody wrote it with a content encoding.
                content = blob.download_as_bytes(raw_download=True, checksum=None, **wanted, **self._once)
        except Refused as error:
            # It was replaced between the two requests.
            error.may_pass = error.may_pass or (etag is None and error.is_changed)
            raise
        return Content(content, metadata)

    def list_page(self, prefix: str, following: Following = None) -> Page[Listed]:
        """Return one page of the objects whose key starts with *prefix*, by key."""
        with self._asking("list", prefix, self.rights.list):
            found = self._list(prefix, following, fields=OBJECTS)
            return Page([listed_of(blob) for blob in next(found.pages)], _following(found))

    def folders_page(self, prefix: str, following: Following = None) -> Page[str]:
        """Return one page of the beginnings of keys that end with the first slash after *prefix*."""
        with self._asking("list", prefix, self.rights.list):
            found = self._list(prefix, following, fields=FOLDERS, delimiter="/")
            next(found.pages)
            return Page(sorted(found.prefixes), _following(found))

    def put_bytes(self, key: str, content: bytes, media_type: t.Optional[str] = None) -> None:
        """Write a small object, whose checksum the server verifies."""
        blob = self._bucket.blob(key, kms_key_name=self._settings.kms_key_name)
        with self._asking("upload", key, TO_REPLACE):
            blob.upload_from_string(content, content_type=media_type or BINARY, checksum="crc32c", **self._once)

    def delete(self, key: str, version: t.Optional[str] = None) -> Deleted:
        """Remove an object or one generation of it. A bucket with versions keeps the former without a marker."""
        blob = self._bucket.blob(key, generation=version)
        try:
            with self._asking("removal", key, self.rights.remove):
                blob.delete(**self._once)
        except Refused as error:
            if not error.is_missing:
                raise
        return Deleted()

    def put_file(self, upload: Upload, parts: t.Sequence[Part], log: RunLog) -> Written:
        """Send the parts one after another, each while the digests of the next one are computed."""
        try:
            url = self.call(lambda: self._begin(upload, if_generation_match=0))
        except Refused as error:
            found = find_existing(self, upload) if error.is_changed else None
            if found is None:
                raise
            return found.written
        session = self._session(upload.key, url, kept=0)
        try:
            last = self._send_parts(session, upload, parts)
            return create(self, upload, functools.partial(self._send_last, session, parts, last))
        except BaseException as error:
            with undisturbed():
                self.cancel(ABORT_SECONDS)
                left = self._take_back(session, upload.key, log)
            if left and isinstance(error, BackupError):
                error.extend(left)
            raise

    def _send_parts(self, session: ResumableUpload, upload: Upload, parts: t.Sequence[Part]) -> Last:
        """Send all parts but the last, and return what the request with that one tells of the whole."""
        checksum = Checksum()
        sending: t.List[Future[t.Any]] = []
        for part in digested(parts, upload, checksum):
            self.wait(sending)
            if part is not parts[-1]:
                sending = [self.start(session.send, part)]
        self._computed = (parts[-1], checksum.base64)
        return Last(upload.size, checksum.base64)

    def _send_last(self, session: ResumableUpload, parts: t.Sequence[Part], last: Last) -> Written:
        return written_of(session.send(parts[-1], last) or {}, len(parts))

    def matches(self, written: Written, parts: t.Sequence[Part], sha256: str) -> t.Optional[bool]:  # noqa: ARG002  # of the port
        """Return whether the CRC32C that the server computed is that of the *parts*."""
        if self._computed is None or self._computed[0] is not parts[-1]:
            checksum = Checksum()
            for part in parts:
                checksum.add(part)
            self._computed = (parts[-1], checksum.base64)
        found = written.checksums.get("crc32c")
        return None if found is None else found == self._computed[1]

    def begin(self, upload: Upload, log: RunLog) -> str:  # noqa: ARG002  # of the port
        """Begin a resumable upload; the address of its session is its id."""
        # Only a trial does so, perhaps beside an object that an earlier one left. It completes nothing.
        return self._begin(upload)

    def send(self, upload: Upload, upload_id: str, part: Part, log: RunLog) -> None:  # noqa: ARG002  # of the port
        """Send a part of an upload that goes on; the server takes them in order."""
        self._session(upload.key, upload_id).send(part)

    def unfinished_page(
        self,
        prefix: str,
        following: Following = None,  # noqa: ARG002  # of the port
    ) -> Page[Unfinished]:
        """Refuse: the server has no such list."""
        raise Refused(
            f"unfinished uploads of {self.url(prefix)} cannot be listed: Google Cloud Storage has no such list, and "
            "removes them after a week",
            Reason.UNSUPPORTED,
        )

    def last_activity(self, upload: Unfinished) -> t.Optional[datetime.datetime]:  # noqa: ARG002  # of the port
        """Return ``None``: the server does not tell."""
        return None

    def abort(self, upload: Unfinished) -> None:
        """Remove what the server has of an unfinished upload."""
        self._session(upload.key, upload.upload_id).cancel()

    def _begin(self, upload: Upload, **condition: int) -> str:
        """Begin a resumable upload, and return the address of its session.

        :param condition: on which the server begins and completes it
        """
        blob = self._bucket.blob(upload.key, kms_key_name=self._settings.kms_key_name)
        blob.metadata = dict(upload.metadata)
        if upload.storage_class is not None:
            blob.storage_class = upload.storage_class
        with self._asking("upload", upload.key, TO_WRITE):
            url: str = blob.create_resumable_upload_session(
                content_type=BINARY, size=upload.size, checksum=None, **condition, **self._once
            )
        return url

    def _look(self, key: str, **conditions: t.Any) -> Blob:
        """Return one object as the server describes it."""
        blob: Blob = self._bucket.blob(key)
        with self._asking("description", key, TO_READ):
            blob.reload(**conditions, **self._once)
        return blob

    def _list(self, prefix: str, following: Following, **options: t.Any) -> t.Any:
        token = None if following is None else following["page_token"]
        return self._client.list_blobs(
            self._bucket, prefix=prefix, page_size=PAGE, page_token=token, **options, **self._once
        )

    @contextlib.contextmanager
    def _asking(self, name: str, key: str, permissions: str) -> t.Iterator[None]:
        """Make a request in the block.

        :param name: of the request, such as ``download``
        """
        self.deadline.check()
        with explained(self._named(name, key, permissions)), failpoint(f"store:{name}"):
            yield

    def _named(self, name: str, key: str, permissions: str) -> Request:
        return Request(f"the {name}", self.url(key), self._settings.endpoint_url or GOOGLE, permissions)

    def _session(self, key: str, url: str, kept: t.Optional[int] = None) -> ResumableUpload:
        return ResumableUpload(self._connection, url, self._named("upload", key, TO_WRITE), kept)

    def _take_back(self, session: ResumableUpload, key: str, log: RunLog) -> t.Optional[str]:
        """Cancel an upload; return a sentence when that failed."""
        try:
            self.call(session.cancel)
        except StoreFailed as error:
            left = (
                f"a part of {self.url(key)} may be left in the bucket as an unfinished upload, because it could not be "
                "cancelled: Google removes it after a week"
            )
            log.warning(f"{left} ({error})")
            return left
        return None


def _following(found: t.Any) -> Following:
    return {"page_token": found.next_page_token} if found.next_page_token else None


ADAPTER = Adapter(GcsStore, GcsSettings, "bucket", "google-cloud-storage", GCS_FAILURE)
