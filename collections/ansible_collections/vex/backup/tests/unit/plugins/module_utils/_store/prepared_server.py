# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server with prepared answers to the requests of an upload."""

from __future__ import annotations

import datetime
import pathlib
import typing as t

import pytest
from botocore.stub import ANY, Stubber

from ansible_collections.vex.backup.plugins.module_utils._common.files import sha256_of
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
)
from ansible_collections.vex.backup.plugins.module_utils._store import upload as upload_module
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import MEBIBYTE, split
from ansible_collections.vex.backup.plugins.module_utils._store.s3_checksums import checksum_of, etag_of
from ansible_collections.vex.backup.plugins.module_utils._store.s3_client import S3Settings

S3 = S3Settings(access_key="AK", secret_key="SK", endpoint_url="http://127.0.0.1:1")
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
KEY = "db1/2025/07/b.zip"
Expected = t.Dict[str, t.Any]


class Server:
    """A server with prepared answers, each to one expected request.

    :param path: the file to upload
    :param part_size: MiB
    """

    def __init__(self, path: pathlib.Path, part_size: int) -> None:
        self.size = path.stat().st_size
        self.sha256 = sha256_of(str(path))
        self._stream = path.open("rb")
        self.parts = split(self._stream.fileno(), self.size, part_size * MEBIBYTE, lambda: None)
        self.checksum = checksum_of(self.parts) + ("" if len(self.parts) == 1 else f"-{len(self.parts)}")
        self.etag = f'"{etag_of(self.parts)}"'
        self._answers: t.List[t.Callable[[Stubber], None]] = []

    def head(self, **answer: t.Any) -> Expected:
        """Return the answer to HEAD of the file, changed by *answer*; a value of ``None`` leaves a key out."""
        whole = {
            "ContentLength": self.size,
            "ChecksumSHA256": self.checksum,
            "ETag": self.etag,
            "LastModified": NOW,
            "Metadata": {"sha256": self.sha256},
            **answer,
        }
        return {key: value for key, value in whole.items() if value is not None}

    def answers(self, operation: str, answer: Expected, **params: t.Any) -> None:
        """Expect *operation*, with *params* if there are any, and answer it."""
        expected = {"Bucket": "vex", "Key": KEY, **params} if params else None
        self._answers.append(lambda stub: stub.add_response(operation, answer, expected))

    def refuses(self, operation: str, code: str, status: int) -> None:
        """Expect *operation*, and refuse it."""
        self._answers.append(lambda stub: stub.add_client_error(operation, code, "no", http_status_code=status))

    def refuses_head(self, code: str, status: int = 403) -> None:
        """Expect HEAD of the object, and refuse it; the reason *code* is in the answer to the request after it."""
        self.refuses("head_object", str(status), status)
        self.refuses("get_object", code, status)

    def attach(self, client: t.Any) -> Stubber:
        stub = Stubber(client)
        for answer in self._answers:
            answer(stub)
        stub.activate()
        return stub

    def close(self) -> None:
        self._stream.close()


def upload(archive: pathlib.Path, log: t.Optional[pathlib.Path] = None, **options: t.Any) -> t.Dict[str, t.Any]:
    to = {
        name: options.pop(name, value)
        for name, value in {"settings": S3, "place": "vex", "storage_class": None}.items()
    }
    # One request at a time, so that they come in the order of the answers.
    given = {
        **dict.fromkeys(("manifest", "timeout", "run_uuid")),
        "destination": Destination("s3", "s3", **to),
        "src": str(archive),
        "key": KEY,
        "metadata": {},
        "part_size": 5,
        "parallel": 1,
        "patience": 0,
        "check_mode": False,
        **options,
    }
    return upload_module.upload(upload_module.UploadRequest(**given), RunLog(str(log) if log else None))


def expect_first_requests(server: Server) -> None:
    """Expect the requests for an existing object and for unfinished uploads; both find none."""
    server.refuses("head_object", "404", 404)
    server.answers("list_multipart_uploads", {})


def expect_parts(server: Server, *, with_checksum: bool = True, **settings: t.Any) -> None:
    """Expect all requests of a multipart upload before the one that creates the object."""
    metadata = settings.pop("Metadata", {"sha256": server.sha256})
    server.answers(
        "create_multipart_upload", {"UploadId": "U"}, ChecksumAlgorithm="SHA256", Metadata=metadata, **settings
    )
    for part in server.parts:
        answer = {"ETag": f'"{part.md5.hex()}"', "ChecksumSHA256": checksum_of([part])}
        server.answers(
            "upload_part",
            answer if with_checksum else {"ETag": answer["ETag"]},
            UploadId="U",
            PartNumber=part.number,
            Body=ANY,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=checksum_of([part]),
        )


def operation_of(server: Server) -> str:
    return "put_object" if len(server.parts) == 1 else "complete_multipart_upload"


def expect_upload(server: Server, answer: Expected, *, with_checksum: bool = True, **settings: t.Any) -> None:
    """Expect all requests up to the one that creates the object, and answer that with *answer*."""
    if len(server.parts) > 1:
        expect_parts(server, with_checksum=with_checksum, **settings)
    server.answers(operation_of(server), answer)


def expect_refused_upload(server: Server, code: str, status: int) -> None:
    """Expect all requests up to the one that creates the object, and refuse that."""
    if len(server.parts) > 1:
        expect_parts(server)
    server.refuses(operation_of(server), code, status)


def expect_no_conditional_writes(server: Server) -> None:
    """Expect all requests up to the one that creates the object, which is refused with each checksum."""
    expect_refused_upload(server, "NotImplemented", 501)
    if len(server.parts) == 1:
        server.refuses("put_object", "NotImplemented", 501)


def expect_abort(server: Server) -> None:
    if len(server.parts) > 1:
        server.answers("abort_multipart_upload", {}, UploadId="U")


def refusal(error: t.Type[BackupError], archive: pathlib.Path, **options: t.Any) -> str:
    with pytest.raises(error) as caught:
        upload(archive, **options)
    assert caught.value.details["status"] == 3
    return str(caught.value)
