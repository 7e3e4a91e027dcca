# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Uploads to a server that fails for a while; those to a real one are in tests/integration."""

from __future__ import annotations

import datetime
import pathlib

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.prepared_server import (
    KEY,
    Server,
    expect_upload,
    operation_of,
    upload,
)

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("code", "status"), [("InternalError", 500), ("SlowDown", 503), ("429", 429), ("RequestTimeout", 400)]
)
def test_every_request_is_repeated(archive: pathlib.Path, server: Server, code: str, status: int) -> None:
    def fail(operation: str) -> None:
        server.refuses(operation, code, status)
        server.refuses(operation, code, status)

    fail("head_object")
    server.refuses("head_object", "404", 404)
    fail("list_multipart_uploads")
    server.answers("list_multipart_uploads", {})
    if len(server.parts) > 1:
        fail("create_multipart_upload")
        server.answers("create_multipart_upload", {"UploadId": "U"})
        # The attempts that failed may have begun uploads too.
        left = [{"Key": KEY, "UploadId": name, "Initiated": NOW} for name in ("T", "U")]
        server.answers("list_multipart_uploads", {"Uploads": left})
        server.answers("abort_multipart_upload", {}, UploadId="T")
        for part in server.parts:
            fail("upload_part")
            server.answers("upload_part", {"ETag": f'"{part.md5.hex()}"'})
    fail(operation_of(server))
    server.answers(operation_of(server), {"ETag": server.etag, "ChecksumSHA256": server.checksum})
    fail("head_object")
    server.answers("head_object", server.head())
    assert upload(archive, patience=600)["changed"] is True


@pytest.mark.usefixtures("no_pauses")
def test_an_abort_whose_answer_was_lost_has_succeeded(archive: pathlib.Path, server: Server) -> None:
    server.refuses("head_object", "404", 404)
    left = [{"Key": KEY, "UploadId": "T", "Initiated": NOW}]
    server.answers("list_multipart_uploads", {"Uploads": left})
    server.refuses("abort_multipart_upload", "InternalError", 500)
    server.refuses("abort_multipart_upload", "NoSuchUpload", 404)
    expect_upload(server, {"ETag": server.etag, "ChecksumSHA256": server.checksum})
    server.answers("head_object", server.head())
    assert upload(archive, patience=600)["changed"] is True
