"""The servers that both backups of a benchmark use."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench.data import DATABASE
from tests.servers.database_server import DatabaseServer
from tests.servers.mariadb import MariaDB
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.smtp import SmtpSink

ROOT = Path(__file__).resolve().parents[2]
GRANT = "SELECT, RELOAD, PROCESS, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT, REPLICATION CLIENT ON *.*"
GRANTS = {"mariadbd": [GRANT], "mysqld": [GRANT, "BACKUP_ADMIN, SHOW_ROUTINE ON *.*"]}


class Place(NamedTuple):
    """The server to back up, its databases and an account for it; the log database's server, the stores for objects
    and mails.
    """

    source: DatabaseServer
    databases: Sequence[str]
    user: str
    password: str
    log: MariaDB
    s3: SeaweedFS
    smtp: SmtpSink


@contextlib.contextmanager
def place_around(source: DatabaseServer, folder: Path, databases: Sequence[str] = (DATABASE,)) -> Iterator[Place]:
    """Start the servers that backups of the running *source* need, below *folder*."""
    user, password = "vex_backup", secrets.token_urlsafe(24)
    source.create_account(user, password, *GRANTS[source.program])
    with MariaDB(folder / "log") as log, SeaweedFS(folder / "s3") as s3, SmtpSink(folder / "mails") as smtp:
        yield Place(source, databases, user, password, log, s3, smtp)


@contextlib.contextmanager
def empty_folder(path: Path, *, keep: bool) -> Iterator[Path]:
    """Make a folder for one run and remove it afterwards. Earlier writes are flushed to the disk first."""
    path.mkdir(mode=0o700)
    os.sync()
    try:
        yield path
    finally:
        if not keep:
            shutil.rmtree(path)


def machine() -> dict[str, str | int]:
    """Describe the machine, for the reader of the numbers."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown",
    )
    versions = {
        "mydumper": ["mydumper", "--version"],
        "zstd": ["zstd", "--version"],
        "7-Zip": ["sh", "-c", "7zz || 7z || 7za"],
    }
    return {
        "cpu": cpu,
        "cores": os.cpu_count() or 0,
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 10**6,
        "kernel": os.uname().release,
        **{
            name: subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip().partition("\n")[0]
            for name, argv in versions.items()
        },
    }
