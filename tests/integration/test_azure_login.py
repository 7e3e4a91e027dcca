"""Logins to Azure by tokens: a managed identity and a service principal, on Azurite with TLS."""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.azure_client import AzureSettings
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason, Refused
from tests.integration.azure_store import KEY, Container
from tests.integration.certificates import Certificates
from tests.servers.azurite import Azurite
from tests.servers.ports import LOOPBACK

PRINCIPAL = {"client_id": "application", "secret": "canary-secret", "tenant": "00000000-0000-0000-0000-000000000001"}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def azure(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    with Azurite(tmp_path_factory.mktemp("azure"), certificates=certificates) as server:
        yield server


@pytest.fixture
def container(azure: Azurite, tmp_path: Path) -> Iterator[Container]:
    yield Container(azure, tmp_path)
    azure.empty()


def token(seconds: int = 3600) -> str:
    """Return a token as Azurite takes it: it reads the claims, and does not check the signature."""
    now = int(time.time())
    claims = {
        "aud": "https://storage.azure.com",
        "iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000001/",
        "iat": now - 60,
        "nbf": now - 60,
        "exp": now + seconds,
    }
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, b"signature"))


class _Identity(BaseHTTPRequestHandler):
    """The service of a host that gives tokens to its managed identity, as App Service has it."""

    def do_GET(self) -> None:
        body = json.dumps(
            {
                "access_token": token(),
                "expires_on": str(int(time.time()) + 3600),
                "resource": "https://storage.azure.com",
                "token_type": "Bearer",
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing to the test's output."""


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with ThreadingHTTPServer((LOOPBACK, 0), _Identity) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://{LOOPBACK}:{server.server_port}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "header")
        yield
        server.shutdown()


def settings(azure: Azurite, certificates: Certificates, **options: Any) -> AzureSettings:
    return AzureSettings(account_url=azure.account_url, ca_bundle=str(certificates.authority), **options)


@pytest.mark.usefixtures("identity")
def test_a_managed_identity(container: Container, certificates: Certificates) -> None:
    with container.store(settings(container.azurite, certificates, auth_source="msi")) as store:
        container.put(store, container.upload(5_000_000))
    assert container.keys() == [KEY]


class _Principal:
    """The credential of a service principal, without its login to Microsoft's servers."""

    failure: Exception | None = None

    def __init__(self, *given: str, **_options: object) -> None:
        assert given == (PRINCIPAL["tenant"], PRINCIPAL["client_id"], PRINCIPAL["secret"])

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        if self.failure is not None:
            raise ClientAuthenticationError(f"AADSTS7000215: {self.failure}\nTrace") from self.failure
        return AccessToken(token(), int(time.time()) + 3600)


def test_a_service_principal(container: Container, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("azure.identity.ClientSecretCredential", _Principal)
    with container.store(settings(container.azurite, certificates, **PRINCIPAL)) as store:
        store.call(store.put_bytes, KEY, b"x")
    assert container.content(KEY) == b"x"


@pytest.mark.parametrize(("failure", "may_pass"), [(ValueError("no"), False), (ServiceRequestError("away"), True)])
def test_a_principal_without_a_token(
    container: Container,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
    may_pass: bool,
) -> None:
    monkeypatch.setattr("azure.identity.ClientSecretCredential", _Principal)
    monkeypatch.setattr(_Principal, "failure", failure)
    with (
        container.store(settings(container.azurite, certificates, **PRINCIPAL)) as store,
        pytest.raises(Refused, match="no token for these credentials: correct client_id, secret and tenant") as caught,
    ):
        store.call(store.probe)
    assert (caught.value.reason, caught.value.may_pass) == (Reason.PLACE, may_pass)
    assert PRINCIPAL["secret"] not in str(caught.value)


def test_a_library_that_is_missing(
    container: Container, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    with pytest.raises(OptionError, match="need azure-identity: install it by pip for the Python that runs this"):
        container.store(settings(container.azurite, certificates, auth_source="msi"))


def test_a_certificate_that_is_not_trusted(container: Container) -> None:
    untrusted = AzureSettings(account_url=container.azurite.account_url, sas_token="sig=x")
    with (
        container.store(untrusted) as store,
        pytest.raises(StoreFailed, match=r"CERTIFICATE_VERIFY_FAILED.*ca_bundle and the network") as caught,
    ):
        store.call(store.probe)
    assert not caught.value.may_pass
