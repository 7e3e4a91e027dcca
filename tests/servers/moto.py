"""An S3 server in memory that knows what SeaweedFS does not: Object Lock by default, KMS, cold storage."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.servers.ports import LOOPBACK, free_port
from tests.servers.process import Process

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

# It takes any keys.
ACCESS_KEY, SECRET_KEY = "AK", "SK"


class Moto:
    """A server whose log is in *directory*."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._process = Process("moto", directory)
        self.port = free_port()
        self.endpoint = f"http://{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        argv = [sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(self.port)]
        self._process.start(argv, self._answers)
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.stop(grace=0)

    def client(self) -> S3Client:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(connect_timeout=5, read_timeout=30, s3={"addressing_style": "path"}),
        )

    def make_bucket(self, name: str, *, locked: bool = False) -> None:
        """Make a bucket; with *locked*, it locks each object for a day."""
        client = self.client()
        client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=locked)
        if locked:
            rule: Any = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
            client.put_object_lock_configuration(
                Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
            )

    def _answers(self) -> bool:
        try:
            self.client().list_buckets()
        except (BotoCoreError, ClientError):
            return False
        return True
