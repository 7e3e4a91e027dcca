"""The places that the contract tests of the port run in: one entry of :data:`STORES` for each kind of server."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ansible_collections.vex.backup.plugins.module_utils._store.azure_client import AzureSettings
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination, open_store
from ansible_collections.vex.backup.plugins.module_utils._store.directory import DirectorySettings
from ansible_collections.vex.backup.plugins.module_utils._store.gcs_client import GcsSettings
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.s3_client import S3Settings
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience
from tests.integration.uploading import cleared
from tests.servers.azurite import Azurite
from tests.servers.gcs import Gcs
from tests.servers.google_tokens import READER
from tests.servers.moto import ACCESS_KEY, SECRET_KEY, Moto
from tests.servers.ports import LOOPBACK, free_port
from tests.servers.seaweedfs import SeaweedFS

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef


@dataclasses.dataclass(frozen=True)
class Place:
    """An empty place of one kind of store.

    :param missing: a place that does not exist, on the same server
    :param unreachable: an address that nobody listens at; ``None`` for a store without one
    :param denied: the same place for credentials that may only read; ``None`` where the server knows no rights
    :param takes_large: whether the server can keep 300 MB
    :param verifies: whether the server computes the checksums of what it gets
    """

    destination: Destination
    missing: Destination
    unreachable: Destination | None = None
    denied: Destination | None = None
    takes_large: bool = True
    verifies: bool = True


@contextlib.contextmanager
def seaweedfs(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Use the bucket of SeaweedFS, whose disk has room for few buckets; empty it at the end."""
    server: SeaweedFS = request.getfixturevalue("s3")
    login = S3Settings(access_key=server.access_key, secret_key=server.secret_key, endpoint_url=server.endpoint)
    reader = dataclasses.replace(login, access_key=server.ro_access_key, secret_key=server.ro_secret_key)
    here = Destination("s3", "s3", server.bucket, login)
    with cleared(server):
        try:
            yield Place(
                destination=here,
                missing=dataclasses.replace(here, place="none-of-that-name"),
                unreachable=dataclasses.replace(here, settings=dataclasses.replace(login, endpoint_url=nobody())),
                denied=dataclasses.replace(here, settings=reader),
            )
        finally:
            for page in server.client().get_paginator("list_objects_v2").paginate(Bucket=server.bucket):
                keys: list[ObjectIdentifierTypeDef] = [{"Key": one["Key"]} for one in page.get("Contents", [])]
                if keys:
                    server.client().delete_objects(Bucket=server.bucket, Delete={"Objects": keys})


@contextlib.contextmanager
def moto(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Make a bucket of moto, which keeps everything in memory."""
    server: Moto = request.getfixturevalue("moto")
    login = S3Settings(access_key=ACCESS_KEY, secret_key=SECRET_KEY, endpoint_url=server.endpoint)
    here = Destination("s3", "s3", f"port-{secrets.token_hex(6)}", login)
    server.make_bucket(here.place)
    yield Place(
        destination=here,
        missing=dataclasses.replace(here, place="none-of-that-name"),
        unreachable=dataclasses.replace(here, settings=dataclasses.replace(login, endpoint_url=nobody())),
        takes_large=False,
        verifies=False,
    )


@contextlib.contextmanager
def gcs(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Make a bucket of Google Cloud Storage."""
    server: Gcs = request.getfixturevalue("gcs")
    key = server.tokens.account()
    login = GcsSettings("serviceaccount", service_account_contents=key, endpoint_url=server.endpoint)
    reader = dataclasses.replace(login, service_account_contents=server.tokens.account(READER))
    here = Destination("gcs", "gcs", f"port-{secrets.token_hex(6)}", login)
    server.make_bucket(here.place)
    yield Place(
        destination=here,
        missing=dataclasses.replace(here, place="none-of-that-name"),
        unreachable=dataclasses.replace(here, settings=dataclasses.replace(login, endpoint_url=nobody())),
        denied=dataclasses.replace(here, settings=reader),
    )


@contextlib.contextmanager
def directory(_request: pytest.FixtureRequest) -> Iterator[Place]:
    """Make a directory on another file system, where there is one."""
    other = Path("/dev/shm")  # noqa: S108  # a file system in memory, in which a folder of its own is made
    with tempfile.TemporaryDirectory(prefix="vex-", dir=other if other.is_dir() else None) as folder:
        here = Destination("directory", "directory", f"{folder}/backups", DirectorySettings())
        Path(here.place).mkdir()
        yield Place(destination=here, missing=dataclasses.replace(here, place=f"{folder}/none"))


@contextlib.contextmanager
def azurite(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Make a container of Azurite."""
    server: Azurite = request.getfixturevalue("azurite")
    here = Destination(
        "azure",
        "azure",
        f"port-{secrets.token_hex(6)}",
        AzureSettings(connection_string=server.connection_string_of(server.account_url)),
    )
    server.service().create_container(here.place)
    elsewhere = AzureSettings(connection_string=server.connection_string_of(f"{nobody()}/{server.account}"))
    reader = AzureSettings(account_url=server.account_url, sas_token=server.sas("rl", container=here.place))
    yield Place(
        destination=here,
        missing=dataclasses.replace(here, place="none-of-that-name"),
        unreachable=dataclasses.replace(here, settings=elsewhere),
        denied=dataclasses.replace(here, settings=reader),
    )


def nobody() -> str:
    """Return an address that nobody listens at."""
    return f"http://{LOOPBACK}:{free_port()}"


STORES: dict[str, Callable[[pytest.FixtureRequest], AbstractContextManager[Place]]] = {
    "seaweedfs": seaweedfs,
    "moto": moto,
    "gcs": gcs,
    "azurite": azurite,
    "directory": directory,
}


def opened(destination: Destination, *, patience: float = 0, parallel: int = 4) -> Store:
    """Return the store of a destination."""
    return open_store(destination, work="the test", timeout=300, patience=store_patience(patience), parallel=parallel)
