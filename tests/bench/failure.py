"""What ends a benchmark early."""

from __future__ import annotations

import subprocess

import pymysql
from botocore.exceptions import BotoCoreError, ClientError

from tests.servers.process import ServerFailed


class BenchFailed(Exception):
    """There is nothing to measure: a program failed, or left nothing where it should have."""


FAILURES = (
    BenchFailed,
    ServerFailed,
    OSError,
    subprocess.SubprocessError,
    pymysql.MySQLError,
    BotoCoreError,
    ClientError,
)
