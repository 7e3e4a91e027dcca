"""Upload a file by one upload_file of boto3, and print the seconds of that call."""

from __future__ import annotations

import os
import sys
import time

import boto3
from botocore.config import Config


def main() -> None:
    """Read endpoint, bucket, file and key from the arguments; boto3 reads the credentials from the environment."""
    endpoint, bucket, path, key = sys.argv[1:]
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        config=Config(request_checksum_calculation="when_required", s3={"addressing_style": "path"}),
    )
    started = time.monotonic()
    client.upload_file(path, bucket, key)
    seconds = time.monotonic() - started
    if client.head_object(Bucket=bucket, Key=key)["ContentLength"] != os.stat(path).st_size:
        sys.exit("the object and the file differ in size")
    sys.stdout.write(f"{seconds}\n")


if __name__ == "__main__":
    main()
