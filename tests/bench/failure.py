"""The errors that end a benchmark."""

from __future__ import annotations

import subprocess

import pymysql
from botocore.exceptions import BotoCoreError, ClientError

from tests.servers.process import ServerFailed


class BenchFailed(Exception):
    """A failure of a program, or the absence of its results."""


FAILURES = (
    BenchFailed,
    ServerFailed,
    OSError,
    subprocess.SubprocessError,
    pymysql.MySQLError,
    BotoCoreError,
    ClientError,
)
