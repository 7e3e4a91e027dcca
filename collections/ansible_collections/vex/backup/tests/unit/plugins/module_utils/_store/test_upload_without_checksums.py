# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Uploads to a server that refuses checksum headers, or returns none; the others are in tests/integration."""

from __future__ import annotations

import io
import pathlib

import pytest

pytest.importorskip("boto3")

from botocore.stub import ANY

from ansible_collections.vex.backup.plugins.module_utils._errors import UploadFailed
from ansible_collections.vex.backup.plugins.module_utils._store.read import CHUNK_BYTES
from ansible_collections.vex.backup.plugins.module_utils._store.s3_checksums import as_header
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.prepared_server import (
    KEY,
    NOW,
    Server,
    expect_first_requests,
    expect_upload,
    refusal,
    upload,
)


def expect_reading_back(server: Server, content: bytes, times: int = 1) -> None:
    """Expect the requests of an upload to a server without usable checksums, which gives *content* when it is read."""
    expect_first_requests(server)
    expect_upload(server, {"ETag": '"opaque"'}, with_checksum=False)
    described = server.head(ChecksumSHA256=None, ETag='"opaque"', LastModified=NOW)
    server.answers("head_object", described, ChecksumMode="ENABLED")
    server.answers("head_object", described)
    for _time in range(times):
        for start in range(0, len(content), CHUNK_BYTES):
            chunk = content[start : start + CHUNK_BYTES]
            wanted = f"bytes={start}-{start + len(chunk) - 1}"
            server.answers("get_object", {"Body": io.BytesIO(chunk)}, Range=wanted, IfMatch='"opaque"')


def test_an_object_without_a_checksum_is_read_back(archive: pathlib.Path, server: Server) -> None:
    expect_reading_back(server, archive.read_bytes())
    assert upload(archive)["changed"] is True


def test_an_object_that_is_read_back_with_other_bytes_twice_is_removed(archive: pathlib.Path, server: Server) -> None:
    expect_reading_back(server, b"x" + archive.read_bytes()[1:], times=2)
    server.answers("delete_object", {}, Key=KEY)
    assert "differs from" in refusal(UploadFailed, archive)


def test_an_object_that_cannot_be_read_back_is_removed(archive: pathlib.Path, server: Server) -> None:
    server.refuses_head("AccessDenied")
    server.answers("list_multipart_uploads", {})
    expect_upload(server, {"ETag": '"opaque"'}, with_checksum=False)
    server.refuses_head("AccessDenied")
    server.refuses_head("AccessDenied")
    server.answers("delete_object", {}, Key=KEY)
    message = refusal(UploadFailed, archive)
    assert "neither a SHA-256 nor an MD5 of it, and reading it back failed: GetObject" in message
    assert "grant s3:GetObject, or use a server that keeps checksums" in message


def test_an_object_that_has_gone_before_it_is_read_back_is_a_failure(archive: pathlib.Path, server: Server) -> None:
    expect_first_requests(server)
    expect_upload(server, {"ETag": '"opaque"'}, with_checksum=False)
    server.refuses("head_object", "404", 404)
    server.refuses("head_object", "404", 404)
    server.answers("delete_object", {}, Key=KEY)
    assert "differs from" in refusal(UploadFailed, archive)


def test_a_server_that_refuses_checksum_headers_gets_md5s(archive: pathlib.Path, server: Server) -> None:
    settings = {"Metadata": {"sha256": server.sha256}}
    server.refuses_head("InvalidArgument", 400)
    server.refuses("head_object", "404", 404)
    server.answers("list_multipart_uploads", {})
    if len(server.parts) == 1:
        server.refuses("put_object", "InvalidArgument", 400)
        md5 = as_header(server.parts[0].md5)
        server.answers("put_object", {"ETag": server.etag}, Body=ANY, IfNoneMatch="*", ContentMD5=md5, **settings)
    else:
        server.refuses("create_multipart_upload", "InvalidArgument", 400)
        server.answers("create_multipart_upload", {"UploadId": "U"}, **settings)
        for part in server.parts:
            params = {"UploadId": "U", "PartNumber": part.number, "Body": ANY, "ContentMD5": as_header(part.md5)}
            server.answers("upload_part", {"ETag": f'"{part.md5.hex()}"'}, **params)
        server.answers("complete_multipart_upload", {"ETag": server.etag})
    # It is not asked for a checksum again.
    server.answers("head_object", server.head(ChecksumSHA256=None))
    log = archive.with_name("log")
    assert upload(archive, log=log)["changed"] is True
    assert log.read_text("utf-8").count("refuses checksum headers, so it gets an MD5 with every request instead") == 1
