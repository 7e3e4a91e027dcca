"""One upload_file of boto3, as the document does it. Prints the seconds of that call alone."""

from __future__ import annotations

import os
import sys
import time

import boto3
from botocore.config import Config


def main() -> None:
    """Arguments: endpoint, bucket, file, key; credentials come from the environment, as boto3 finds them."""
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
        sys.exit("the object has another size than the file")
    sys.stdout.write(f"{seconds}\n")


if __name__ == "__main__":
    main()
