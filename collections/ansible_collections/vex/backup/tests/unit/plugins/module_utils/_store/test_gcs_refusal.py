# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The failures of Google Cloud Storage in words. Those of a server are in tests/integration/test_gcs.py."""

from __future__ import annotations

import json
import typing as t

import pytest

pytest.importorskip("google.cloud.storage")

import requests
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import RefreshError, TransportError

from ansible_collections.vex.backup.plugins.module_utils._errors import StoreFailed, UploadFailed
from ansible_collections.vex.backup.plugins.module_utils._store.gcs_refusal import Request, explain_answer, explained
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason, Refused

REQUEST = Request("the upload", "gs://vex/a.zip", "https://store", "storage.objects.create")


def answer(status: int, message: str, reason: str = "invalid") -> requests.Response:
    """Return an answer as Google's servers give it."""
    made = requests.Response()
    made.status_code = status
    error = {"code": status, "message": message, "errors": [{"message": message, "reason": reason}]}
    made._content = json.dumps({"error": error}).encode()
    return made


@pytest.mark.parametrize(
    ("status", "message", "reason", "expected", "remedy"),
    [
        (401, "Invalid Credentials", "authError", Reason.PLACE, "does not accept the credentials"),
        (403, "a does not have storage.objects.create access", "forbidden", Reason.DENIED, "storage.objects.create on"),
        (403, "Permission denied on Cloud KMS key.", "forbidden", Reason.DENIED, "cryptoKeyEncrypterDecrypter"),
        (403, "Object 'vex/a' is under active Temporary hold", "forbidden", Reason.OTHER, "locks the object"),
        (403, "is subject to bucket's retention policy", "retentionPolicyNotMet", Reason.OTHER, "locks the object"),
        (403, "Rate limit exceeded", "rateLimitExceeded", Reason.OTHER, "repeat when it works again"),
        (400, "Cloud KMS key name is invalid", "invalid", Reason.OTHER, "correct kms_key_name"),
        (400, "Invalid argument.", "invalid", Reason.OTHER, "the server refused it"),
        (404, "The specified bucket does not exist.", "notFound", Reason.PLACE, "create it, or correct bucket"),
        (404, "No such object: vex/a.zip", "notFound", Reason.MISSING, "is not there"),
        (409, "Conflict", "conflict", Reason.OTHER, "the server refused it"),
        (412, "Precondition", "conditionNotMet", Reason.CHANGED, "grant storage.objects.get"),
        (429, "Slow down", "rateLimitExceeded", Reason.OTHER, "the server answered 429"),
        (503, "Backend", "backendError", Reason.OTHER, "the server answered 503"),
    ],
)
def test_refusals(status: int, message: str, reason: str, expected: Reason, remedy: str) -> None:
    refused = explain_answer(answer(status, message, reason), REQUEST)
    assert isinstance(refused, Refused)
    assert refused.reason is expected
    assert remedy in str(refused)
    assert refused.may_pass is (status in (429, 503) or reason == "rateLimitExceeded")
    for part in ("the upload of gs://vex/a.zip at https://store", message, str(status)):
        assert part in str(refused)


def test_other_bytes_are_no_refusal() -> None:
    error = explain_answer(answer(400, "Provided CRC32C doesn't match calculated CRC32C"), REQUEST)
    assert isinstance(error, UploadFailed)
    assert "check the disk and the network" in str(error)


@pytest.mark.parametrize("content", [b"<html>\n proxy</html>", b"[]", b'{"error": {}}', b'{"error": {"errors": []}}'])
def test_an_answer_that_is_not_googles(content: bytes) -> None:
    made = answer(502, "")
    made._content = content
    error = explain_answer(made, REQUEST)
    assert error.may_pass
    assert " ".join(content.decode().split()) in str(error)


def test_an_error_without_an_answer_may_pass() -> None:
    with pytest.raises(Refused, match="no answer") as refused, explained(REQUEST):
        raise GoogleAPICallError("no answer")
    assert refused.value.may_pass


@pytest.mark.parametrize(
    ("error", "may_pass"),
    [
        (requests.ConnectionError("refused"), True),
        (requests.Timeout("slow"), True),
        (requests.exceptions.ChunkedEncodingError("cut"), True),
        (requests.exceptions.JSONDecodeError("cut", "", 0), True),
        (requests.exceptions.InvalidURL("no address"), False),
        (requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED"), False),
        (TransportError("refused"), True),
        (TransportError("CERTIFICATE_VERIFY_FAILED"), False),
        (RefreshError("busy", retryable=True), True),
    ],
)
def test_a_server_that_is_not_reached(error: Exception, may_pass: bool) -> None:
    with pytest.raises(StoreFailed) as failed, explained(REQUEST):
        raise error
    assert failed.value.may_pass is may_pass
    assert "gs://vex/a.zip" in str(failed.value)


@pytest.mark.parametrize("arguments", [("invalid_grant: Invalid JWT Signature.", {"error": "invalid_grant"}), ()])
def test_a_login_that_is_refused(arguments: t.Tuple[t.Any, ...]) -> None:
    with pytest.raises(Refused, match="Google refused the login") as refused, explained(REQUEST):
        raise RefreshError(*arguments)
    assert refused.value.reason is Reason.PLACE
    assert "{" not in str(refused.value)


def test_the_id_of_an_upload_is_in_no_message() -> None:
    with pytest.raises(StoreFailed) as failed, explained(REQUEST):
        raise requests.ConnectionError("Max retries exceeded with url: /o?upload_id=SECRET&x=1 (Caused by ...)")
    assert "SECRET" not in str(failed.value)
    assert "upload_id=..." in str(failed.value)
