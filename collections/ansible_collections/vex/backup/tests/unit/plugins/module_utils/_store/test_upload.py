# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Uploads to a server with answers that a real one rarely gives; the others are in tests/integration."""

from __future__ import annotations

import dataclasses
import importlib.util
import io
import json
import pathlib
import sys
import typing as t

import pytest
from botocore.stub import ANY

from ansible_collections.vex.backup.plugins.module_utils._errors import (
    ObjectDiffers,
    OptionError,
    StoreFailed,
    UploadFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._store import s3_client as s3_client_module
from ansible_collections.vex.backup.plugins.module_utils._store.s3_checksums import checksum_of
from ansible_collections.vex.backup.plugins.module_utils._store.s3_refusal import REMEDIES, RIGHTS_TO_WRITE
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.prepared_server import (
    KEY,
    NOW,
    S3,
    Server,
    expect_abort,
    expect_first_requests,
    expect_no_conditional_writes,
    expect_refused_upload,
    expect_upload,
    operation_of,
    refusal,
    upload,
)

WITHOUT_KEYS = dataclasses.replace(S3, access_key=None, secret_key=None)


def test_settings_reach_the_server(archive: pathlib.Path, server: Server) -> None:
    expect_first_requests(server)
    settings: t.Dict[str, t.Any] = {
        "StorageClass": "STANDARD_IA",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "K",
        "Metadata": {"sha256": server.sha256, "run": "7"},
    }
    if len(server.parts) == 1:
        server.answers(
            "put_object",
            {"ETag": server.etag, "ChecksumSHA256": server.checksum},
            Body=ANY,
            IfNoneMatch="*",
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=checksum_of(server.parts),
            **settings,
        )
    else:
        expect_upload(server, {"ETag": server.etag, "ChecksumSHA256": server.checksum}, **settings)
    server.answers("head_object", server.head(), ChecksumMode="ENABLED")
    result = upload(
        archive,
        storage_class="STANDARD_IA",
        settings=dataclasses.replace(S3, server_side_encryption="aws:kms", kms_key_id="K"),
        metadata={"run": 7},
    )
    assert (result["changed"], result["parts"], result["etag"]) == (True, len(server.parts), server.etag.strip('"'))


def test_a_server_without_sha256_is_compared_by_md5(archive: pathlib.Path, server: Server) -> None:
    expect_first_requests(server)
    expect_upload(server, {"ETag": server.etag}, with_checksum=False)
    server.answers("head_object", server.head(ChecksumSHA256=None))
    assert upload(archive)["changed"] is True


def test_a_rate_that_stores_do_not_wait_for_is_refused(archive: pathlib.Path) -> None:
    assert "rate must be 0, for no limit, or at least 65536" in refusal(OptionError, archive, rate=1000)


@pytest.mark.parametrize("where", ["answer", "head"])
def test_an_object_with_a_wrong_checksum_is_removed(archive: pathlib.Path, server: Server, where: str) -> None:
    right = {"ChecksumSHA256": server.checksum, "ETag": server.etag}
    wrong = {**right, "ChecksumSHA256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}
    answer, head = (wrong, right) if where == "answer" else (right, wrong)
    expect_first_requests(server)
    expect_upload(server, answer)
    server.answers("head_object", server.head(**head))
    server.answers("delete_object", {}, Key=KEY)
    assert "differs from" in refusal(UploadFailed, archive)


def test_an_object_with_a_wrong_checksum_that_cannot_be_removed(archive: pathlib.Path, server: Server) -> None:
    expect_first_requests(server)
    expect_upload(server, {"ETag": '"wrong"'})
    server.answers("head_object", server.head(ChecksumSHA256="47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="))
    server.refuses("delete_object", "AccessDenied", 403)
    message = refusal(UploadFailed, archive)
    assert "remove the object if it is still there" in message
    assert "the object could not be removed: DeleteObject of s3://vex/db1" in message


def test_another_size_is_a_failure(archive: pathlib.Path, server: Server) -> None:
    expect_first_requests(server)
    expect_upload(server, {"ETag": server.etag, "ChecksumSHA256": server.checksum})
    server.answers("head_object", server.head(ContentLength=1))
    assert "it has 1 bytes" in refusal(ObjectDiffers, archive)


@pytest.mark.parametrize("archive", [3], indirect=True)
def test_a_wrong_answer_to_a_part_is_a_failure(archive: pathlib.Path, server: Server) -> None:
    expect_first_requests(server)
    server.answers("create_multipart_upload", {"UploadId": "U"})
    server.answers("upload_part", {"ETag": '"x"', "ChecksumSHA256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="})
    server.answers("abort_multipart_upload", {}, UploadId="U")
    assert "checksum of part 1 of" in refusal(UploadFailed, archive)


def test_a_server_without_conditional_writes(archive: pathlib.Path, server: Server) -> None:
    expect_first_requests(server)
    expect_no_conditional_writes(server)
    server.refuses("head_object", "404", 404)
    server.answers(operation_of(server), {"ETag": server.etag, "ChecksumSHA256": server.checksum})
    server.answers("head_object", server.head())
    assert upload(archive)["changed"] is True


def test_without_conditional_writes_an_existing_object_stays(archive: pathlib.Path, server: Server) -> None:
    expect_first_requests(server)
    expect_no_conditional_writes(server)
    server.answers("head_object", server.head())
    expect_abort(server)
    assert "NotImplemented" in refusal(StoreFailed, archive)


def test_without_conditional_writes_an_unreadable_object_stays(archive: pathlib.Path, server: Server) -> None:
    server.refuses_head("AccessDenied")
    server.answers("list_multipart_uploads", {})
    expect_no_conditional_writes(server)
    server.refuses_head("AccessDenied")
    expect_abort(server)
    assert "s3:GetObject" in refusal(StoreFailed, archive)


@pytest.mark.parametrize("code", ["PreconditionFailed", "NoSuchUpload"])
def test_a_lost_answer_does_not_fail_the_upload(archive: pathlib.Path, server: Server, code: str) -> None:
    expect_first_requests(server)
    expect_refused_upload(server, code, 412)
    server.answers("head_object", server.head())
    server.answers("head_object", server.head())
    assert upload(archive)["changed"] is True


def test_an_object_that_appears_meanwhile_stays(archive: pathlib.Path, server: Server) -> None:
    expect_first_requests(server)
    expect_refused_upload(server, "PreconditionFailed", 412)
    server.answers("head_object", server.head(Metadata={}))
    expect_abort(server)
    assert "and SHA-256 None" in refusal(ObjectDiffers, archive)


def test_credentials_that_may_only_write(archive: pathlib.Path, server: Server) -> None:
    server.refuses_head("AccessDenied")
    server.refuses("list_multipart_uploads", "AccessDenied", 403)
    expect_upload(server, {"ETag": server.etag, "ChecksumSHA256": server.checksum})
    server.refuses_head("AccessDenied")
    assert upload(archive)["changed"] is True


def test_credentials_that_may_only_write_cannot_repeat(archive: pathlib.Path, server: Server) -> None:
    server.refuses_head("AccessDenied")
    server.answers("list_multipart_uploads", {})
    expect_refused_upload(server, "PreconditionFailed", 412)
    server.refuses_head("AccessDenied")
    expect_abort(server)
    assert "an object with this key exists" in refusal(StoreFailed, archive)


def test_a_refused_first_request_ends_the_upload(archive: pathlib.Path, server: Server) -> None:
    server.refuses_head("Unknown", 400)
    assert "the server refused it (Unknown: no)" in refusal(StoreFailed, archive)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ExpiredToken"),
        (403, "InvalidAccessKeyId"),
        (403, "RequestTimeTooSkewed"),
        (403, "SignatureDoesNotMatch"),
        (301, "PermanentRedirect"),
        (400, "AuthorizationHeaderMalformed"),
    ],
)
def test_a_refused_head_has_its_reason(archive: pathlib.Path, server: Server, status: int, code: str) -> None:
    server.refuses_head(code, status)
    message = refusal(StoreFailed, archive, patience=600)
    assert REMEDIES[code] in message
    assert code in message


def test_a_head_whose_reason_nobody_tells_keeps_its_status(archive: pathlib.Path, server: Server) -> None:
    server.refuses("head_object", "403", 403)
    server.answers("get_object", {"Body": io.BytesIO(b"x")}, Range="bytes=0-0")
    assert "may not do that: grant them s3:PutObject" in refusal(StoreFailed, archive)


def test_a_refused_bucket_has_its_reason(archive: pathlib.Path, server: Server) -> None:
    archive.unlink()
    server.refuses("head_bucket", "400", 400)
    server.refuses("list_objects_v2", "ExpiredToken", 400)
    assert REMEDIES["ExpiredToken"] in refusal(StoreFailed, archive, check_mode=True)


@pytest.mark.parametrize("archive", [3], indirect=True)
def test_an_upload_without_a_known_id_is_aborted(archive: pathlib.Path, server: Server) -> None:
    expect_first_requests(server)
    server.refuses("create_multipart_upload", "InternalError", 500)
    server.answers(
        "list_multipart_uploads",
        {
            "Uploads": [
                {"Key": f"{KEY}.x", "UploadId": "V", "Initiated": NOW},
                {"Key": KEY, "UploadId": "W", "Initiated": NOW},
            ]
        },
    )
    server.answers("abort_multipart_upload", {}, UploadId="W")
    assert "the server answered 500: repeat when it works again" in refusal(StoreFailed, archive)


@pytest.mark.parametrize("archive", [3], indirect=True)
def test_a_failing_abort_does_not_hide_the_failure(archive: pathlib.Path, server: Server) -> None:
    expect_first_requests(server)
    expect_refused_upload(server, "InternalError", 500)
    server.refuses("abort_multipart_upload", "AccessDenied", 403)
    message = refusal(StoreFailed, archive)
    assert "CompleteMultipartUpload of s3://vex/db1/2025/07/b.zip" in message
    assert "parts of the upload may be left in the bucket as an unfinished upload of s3://vex/db1" in message


@pytest.mark.parametrize("code", sorted(REMEDIES.keys() - {"PreconditionFailed"}))
def test_every_known_refusal_names_its_remedy(archive: pathlib.Path, server: Server, code: str) -> None:
    server.refuses("head_object", "404", 404)
    server.answers("list_multipart_uploads", {})
    server.refuses("put_object" if len(server.parts) == 1 else "create_multipart_upload", code, 400)
    if len(server.parts) > 1:
        server.answers("list_multipart_uploads", {})
    message = refusal(StoreFailed, archive)
    for word in (
        REMEDIES[code].format(RIGHTS_TO_WRITE),
        "s3://vex/db1/2025/07/b.zip",
        "http://127.0.0.1:1",
        code,
    ):
        assert word in message
    assert "SK" not in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"part_size": 4}, "part_size must be from 5 to 5120"),
        ({"part_size": 5121}, "part_size"),
        ({"parallel": 0}, "parallel must be at least 1"),
        ({"patience": -1}, "patience must be at least 0"),
        ({"src": "/none"}, "src is not a file: /none"),
        ({"manifest": "/none"}, "manifest is not a file: /none"),
        ({"metadata": {"server": "é"}}, "ASCII"),
        ({"settings": dataclasses.replace(WITHOUT_KEYS, profile="none-of-that-name")}, "correct profile"),
        ({"settings": dataclasses.replace(S3, endpoint_url="no address")}, "boto3 refuses the options"),
        ({"place": "no bucket"}, r"(?s)boto3 refuses the options: .*Invalid bucket name"),
    ],
)
def test_options_that_cannot_work(tmp_path: pathlib.Path, options: t.Dict[str, t.Any], message: str) -> None:
    (tmp_path / "b.zip").write_bytes(b"x")
    with pytest.raises(OptionError, match=message):
        upload(tmp_path / "b.zip", **options)


def test_incomplete_credentials(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AK")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    (tmp_path / "b.zip").write_bytes(b"x")
    with pytest.raises(OptionError, match="no usable credentials"):
        upload(tmp_path / "b.zip", settings=WITHOUT_KEYS)


def test_without_credentials_the_error_says_so(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / "b.zip").write_bytes(b"x")
    with pytest.raises(StoreFailed, match=r"no credentials for http://127\.0\.0\.1:1: set access_key"):
        upload(tmp_path / "b.zip", settings=WITHOUT_KEYS)


def test_a_manifest_of_another_archive_is_refused_in_check_mode(archive: pathlib.Path, server: Server) -> None:
    manifest = archive.with_name("m.json")
    manifest.write_text('{"archive": {"sha256": "0123"}}')
    server.refuses("head_object", "404", 404)
    server.refuses("head_object", "404", 404)
    message = refusal(UploadFailed, archive, manifest=str(manifest), check_mode=True)
    assert "the archive was changed after it was packed" in message


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"archive": {}}', '{"archive": 7}'])
def test_a_file_that_is_no_manifest_is_refused(archive: pathlib.Path, text: str) -> None:
    manifest = archive.with_name("m.json")
    manifest.write_text(text)
    assert "does not describe an archive" in refusal(OptionError, archive, manifest=str(manifest))


def test_without_boto3_the_import_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore", None)
    spec = importlib.util.spec_from_file_location("without_boto3", s3_client_module.__file__)
    assert spec and spec.loader
    without = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(without)
    assert "botocore" in without.BOTO3_FAILURE


@pytest.mark.parametrize(("status", "suffix"), [(1, "manifest"), (2, "manifest"), (3, "incomplete")])
def test_the_manifest_of_an_incomplete_backup_has_another_name(
    archive: pathlib.Path, server: Server, status: int, suffix: str
) -> None:
    path = archive.with_name("m.json")
    path.write_text(json.dumps({"status": status, "archive": {"sha256": server.sha256}}), encoding="utf-8")
    server.refuses("head_object", "404", 404)
    server.refuses("head_object", "404", 404)
    assert upload(archive, manifest=str(path), check_mode=True)["manifest_key"] == f"{KEY}.{suffix}.json"


def test_the_note_of_an_upload_that_failed_stays(archive: pathlib.Path, server: Server) -> None:
    server.refuses("head_object", "400", 400)
    refusal(StoreFailed, archive, run_uuid="u1")
    note = json.loads(archive.with_name("b.zip.upload.json").read_text(encoding="utf-8"))
    assert (note["run_uuid"], note["place"], note["key"], note["part_size"]) == ("u1", "vex", KEY, 5)
