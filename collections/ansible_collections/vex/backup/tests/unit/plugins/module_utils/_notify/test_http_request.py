# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the failures of requests to webhooks and pings."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import typing as t
import urllib.error

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import ChannelUndelivered
from ansible_collections.vex.backup.plugins.module_utils._notify import http_request as http_module
from ansible_collections.vex.backup.plugins.module_utils._notify.http_request import HttpRequest, is_http, request_once

CANARY = "canary5e1f"
REQUEST = HttpRequest(f"https://example.org/{CANARY}", None, {}, 5)


def certificate() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, CANARY)
    error.verify_message = "certificate has expired"
    return error


def answer(status: int) -> urllib.error.HTTPError:
    headers = http.client.HTTPMessage()
    return urllib.error.HTTPError(REQUEST.secret_url, status, CANARY, headers, io.BytesIO(b""))


@pytest.mark.parametrize(
    ("failure", "reason", "may_pass"),
    [
        (urllib.error.URLError(ConnectionRefusedError(111, "Connection refused")), "Connection refused", True),
        (urllib.error.URLError(socket.gaierror(-2, CANARY)), "its name could not be resolved", True),
        (urllib.error.URLError(socket.timeout(CANARY)), "it did not answer in time", True),
        (urllib.error.URLError(certificate()), "not valid: certificate has expired", False),
        (urllib.error.URLError(CANARY), "the connection failed", True),
        (http.client.RemoteDisconnected(CANARY), "the connection failed", True),
        (ValueError(CANARY), "the connection failed", True),
        (answer(500), "it answered 500", True),
        (answer(408), "it answered 408", True),
        (answer(410), "with the answer 410", False),
    ],
)
def test_failures(failure: Exception, reason: str, may_pass: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
        raise failure

    monkeypatch.setattr(http_module, "open_url", fail)
    with pytest.raises(ChannelUndelivered) as caught:
        request_once(REQUEST, "channel 1 (webhook)")
    assert reason in str(caught.value)
    assert CANARY not in str(caught.value)
    assert caught.value.may_pass is may_pass


def test_a_request_shows_no_secret() -> None:
    assert repr(REQUEST) == "HttpRequest(GET)"
    assert repr(REQUEST._replace(body=CANARY.encode())) == "HttpRequest(POST)"


def test_addresses() -> None:
    assert is_http("https://user:password@example.org:8443/path?a=b")
    assert not any(map(is_http, ["", "example.org", "ftp://example.org", "http://", "http://[::1", "http://a:x/"]))
