# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The failures of Azure in words; those that a server of the tests gives are in tests/integration."""

from __future__ import annotations

import pytest

from ansible_collections.vex.backup.plugins.module_utils._store.azure_refusal import (
    REASONS,
    REMEDIES,
    Asked,
    explain_no_token,
    explain_refusal,
    explain_unreachable,
    first_line,
)
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason

ASKED = Asked("stage_block", "https://vex.blob.core.windows.net/c/k.zip", "https://vex.blob.core.windows.net")


@pytest.mark.parametrize("code", REMEDIES)
def test_each_code_has_a_remedy(code: str) -> None:
    refused = explain_refusal(ASKED, code, 409, "The server's words.\nRequestId:1")
    assert str(refused) == (
        "stage_block of https://vex.blob.core.windows.net/c/k.zip at https://vex.blob.core.windows.net: "
        f"{REMEDIES[code]} ({code}: The server's words.)"
    )
    assert not refused.may_pass
    assert refused.reason is REASONS.get(code, Reason.OTHER)
    assert refused.code == code


def test_each_reason_has_a_remedy() -> None:
    assert set(REASONS) <= set(REMEDIES)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_server_that_is_busy(status: int) -> None:
    refused = explain_refusal(ASKED, "ServerBusy", status, "The server is busy.")
    assert refused.may_pass
    assert f"the server answered {status}: repeat when it works again (ServerBusy: The server is busy.)" in str(refused)


@pytest.mark.parametrize(
    ("code", "status", "reason", "words"),
    [
        ("AuthorizationServiceMismatch", 403, Reason.DENIED, "role Storage Blob Data Contributor"),
        ("", 403, Reason.DENIED, "(403: no)"),
        ("", 404, Reason.OTHER, "the server refused it (404: no)"),
        ("NotImplemented", 501, Reason.UNSUPPORTED, "the server refused it"),
    ],
)
def test_other_codes(code: str, status: int, reason: Reason, words: str) -> None:
    refused = explain_refusal(ASKED, code, status, "no")
    assert refused.reason is reason
    assert not refused.may_pass
    assert words in str(refused)


@pytest.mark.parametrize("may_pass", [True, False])
def test_no_token(may_pass: bool) -> None:
    refused = explain_no_token(ASKED, "AADSTS7000215: Invalid client secret.\nTrace ID: 1", may_pass=may_pass)
    assert refused.may_pass is may_pass
    assert not refused.is_of_one_object
    assert "no token for these credentials: correct client_id, secret and tenant" in str(refused)
    assert str(refused).endswith("(AADSTS7000215: Invalid client secret.)")


def test_a_server_that_cannot_be_reached() -> None:
    failed = explain_unreachable(ASKED, "Connection refused")
    assert failed.may_pass
    assert "could not be reached for https://vex.blob.core.windows.net/c/k.zip: Connection refused; check" in str(
        failed
    )
    assert not explain_unreachable(ASKED, "[SSL: CERTIFICATE_VERIFY_FAILED] self-signed").may_pass


def test_no_message_has_the_signature_of_a_request() -> None:
    text = "Max retries exceeded with url: /c/k?se=2026&sig=aGVsbG8%3D&sp=r (Caused by x)\nmore"
    assert first_line(text) == "Max retries exceeded with url: /c/k?se=2026&sig=…&sp=r (Caused by x)"
