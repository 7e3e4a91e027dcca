"""A private object store with S3's interface: SeaweedFS from its PyPI wheel."""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.servers.ports import LOOPBACK, free_port
from tests.servers.process import Process

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

ROLES = ("master", "volume", "filer", "s3")
# Each role also listens for gRPC on a port this much higher.
GRPC_DISTANCE = 10000
# A first write into a new bucket, or a request while volumes are made, may be answered with an error of the server's.
ATTEMPTS = 8
# It starts in 3 seconds on an idle machine.
READY_SECONDS = 300


class SeaweedFS:
    """A store in *directory*, with an administrator's account and a read-only account.

    :param buckets: made at the start when absent; the read-only account may read the first
    :param ports: the preferred port of each of :data:`ROLES`
    :param keys: ``access_key``, ``secret_key``, ``ro_access_key``, ``ro_secret_key``; random when absent
    :param address: the address to listen on
    :param detached: whether the server goes on after this program
    """

    def __init__(
        self,
        directory: Path,
        *,
        buckets: Sequence[str] = ("vex",),
        ports: dict[str, int] | None = None,
        keys: dict[str, str] | None = None,
        address: str = LOOPBACK,
        detached: bool = False,
    ) -> None:
        self.directory = directory.absolute()
        (self.directory / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
        self.process = Process("seaweedfs", self.directory, detached=detached)
        wanted = ports or {}
        runs = self.process.pid is not None
        self.ports = (
            wanted if runs and wanted else {role: free_port(wanted.get(role), GRPC_DISTANCE, address) for role in ROLES}
        )
        self.buckets = list(buckets)
        self.bucket = self.buckets[0]
        keys = keys or {}
        self.access_key = keys.get("access_key") or secrets.token_hex(10)
        self.secret_key = keys.get("secret_key") or secrets.token_urlsafe(30)
        self.ro_access_key = keys.get("ro_access_key") or secrets.token_hex(10)
        self.ro_secret_key = keys.get("ro_secret_key") or secrets.token_urlsafe(30)
        self.address = address
        self.endpoint = f"http://{address}:{self.ports['s3']}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def client(self, attempts: int = ATTEMPTS) -> S3Client:
        """Return a boto3 client for the tests' own requests, which repeats what a busy store refuses."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                connect_timeout=10,
                read_timeout=60,
                retries={"mode": "standard", "total_max_attempts": attempts},
                request_checksum_calculation="when_required",
                s3={"addressing_style": "path"},
            ),
        )

    def start(self) -> None:
        """Start the store unless it is running, and make its buckets. All of them can be written to when it returns."""
        started = self.process.pid is None
        if started:
            identities = self.directory / "s3.json"
            identities.touch(mode=0o600)
            identities.write_text(json.dumps({"identities": self._identities()}))
            self.process.start(self._argv(identities), self._answers, timeout=READY_SECONDS)
        present = {bucket["Name"] for bucket in self.client().list_buckets()["Buckets"]}
        for bucket in self.buckets:
            if bucket not in present:
                self.make_bucket(bucket)
            elif started:
                self._wait_for_writes(bucket)

    def make_bucket(self, name: str, *, locked: bool = False) -> None:
        """Make a bucket, and wait until it can be written to.

        :param locked: whether its objects have versions, which can be locked
        """
        self.client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=locked)
        self._wait_for_writes(name)

    def _wait_for_writes(self, bucket: str) -> None:
        """Write an object and remove it. The first write into a bucket fails until the store has volumes for it."""
        client = self.client()
        key = f"ready-{secrets.token_hex(8)}"
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                written = client.put_object(Bucket=bucket, Key=key, Body=b"ready")
                break
            except (BotoCoreError, ClientError):
                if time.monotonic() > deadline:
                    raise
        if "VersionId" in written:
            client.delete_object(Bucket=bucket, Key=key, VersionId=written["VersionId"])
        else:
            client.delete_object(Bucket=bucket, Key=key)

    def stop(self) -> None:
        """Kill the store: its written data survives, and an orderly end would take 15 seconds."""
        self.process.stop(grace=0)
        for role, port in self.ports.items():
            Path(f"/tmp/seaweedfs-{role}-grpc-{port + GRPC_DISTANCE}.sock").unlink(missing_ok=True)

    def _identities(self) -> list[dict[str, object]]:
        return [
            {
                "name": "admin",
                "credentials": [{"accessKey": self.access_key, "secretKey": self.secret_key}],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            },
            {
                "name": "reader",
                "credentials": [{"accessKey": self.ro_access_key, "secretKey": self.ro_secret_key}],
                "actions": [f"Read:{self.bucket}", f"List:{self.bucket}"],
            },
        ]

    def _argv(self, identities: Path) -> list[str]:
        return [
            str(Path(sys.executable).parent / "weed"),
            "-logtostderr=true",
            "server",
            f"-dir={self.directory / 'data'}",
            f"-ip={self.address}",
            f"-ip.bind={self.address}",
            *(f"-{role}.port={port}" for role, port in self.ports.items()),
            *(f"-{role}.port.grpc={port + GRPC_DISTANCE}" for role, port in self.ports.items()),
            "-filer",
            f"-filer.localSocket={self.directory / 'filer.sock'}",
            "-s3",
            f"-s3.config={identities}",
            f"-s3.localSocket={self.directory / 's3.sock'}",
            "-s3.autoCreateBucket=false",
            "-s3.iam=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=1024",
            "-volume.max=0",
        ]

    def _answers(self) -> bool:
        try:
            self.client(attempts=1).list_buckets()
        except (BotoCoreError, ClientError):
            return False
        return True
