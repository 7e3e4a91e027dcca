"""Real servers as fixtures. Those of the session are shared: a test removes what it puts there."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.vex.backup.roles.host.files.vex_backup_host import cli
from tests.command import Command
from tests.playbook import Installation, LogDatabase
from tests.servers import sample_data
from tests.servers.mariadb import MariaDB
from tests.servers.s3_proxy import S3Proxy
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.smtp import SmtpSink


# Before pytest-xdist reads what stays together.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say what stays together when pytest-xdist runs tests beside each other: those of a file, and the whole fleet.

    The fleet starts first: its hosts are started once, and its tests are the longest.
    """
    items.sort(key=lambda item: not item.nodeid.startswith("tests/fleet/"))
    for item in items:
        file = item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group("fleet" if file.startswith("tests/fleet/") else file))


@pytest.fixture(scope="session")
def server_directory() -> Iterator[Path]:
    """A directory whose path is short enough for sockets, which pytest's own may not be."""
    with tempfile.TemporaryDirectory(prefix="vex-") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def mariadb(server_directory: Path) -> Iterator[MariaDB]:
    """The server to back up, without databases of its own."""
    with MariaDB(server_directory / "source") as server:
        yield server


@pytest.fixture(scope="session")
def log_mariadb(server_directory: Path) -> Iterator[MariaDB]:
    """The server of log databases."""
    with MariaDB(server_directory / "log") as server:
        yield server


@pytest.fixture
def fresh_mariadb() -> Iterator[MariaDB]:
    """An empty server of the test's own: to restore into, to kill."""
    with tempfile.TemporaryDirectory(prefix="vex-") as name, MariaDB(Path(name)) as server:
        yield server


@pytest.fixture
def sample_databases(mariadb: MariaDB) -> Iterator[tuple[str, ...]]:
    """The sample databases on ``mariadb``, small."""
    with contextlib.closing(mariadb.connect()) as connection:
        sample_data.fill(connection, scale=0.02)
    yield sample_data.DATABASES
    mariadb.execute(*(f"DROP DATABASE IF EXISTS `{name}`" for name in sample_data.DATABASES))


@pytest.fixture(scope="session")
def s3(server_directory: Path) -> Iterator[SeaweedFS]:
    """The object store."""
    with SeaweedFS(server_directory / "s3") as store:
        yield store


@pytest.fixture
def s3_proxy(s3: SeaweedFS) -> Iterator[S3Proxy]:
    """A proxy in front of ``s3`` that can be told to fail."""
    with S3Proxy(s3.endpoint) as proxy:
        yield proxy


@pytest.fixture
def smtp(tmp_path: Path) -> Iterator[SmtpSink]:
    """A mail server that keeps what it gets."""
    with SmtpSink(tmp_path / "mail") as sink:
        yield sink


@pytest.fixture(scope="session")
def log_database(log_mariadb: MariaDB, server_directory: Path) -> LogDatabase:
    """A log database with the current schema; its rows are told apart by their host name."""
    database = LogDatabase(log_mariadb, server_directory)
    database.create()
    return database


@pytest.fixture
def backup_setup(
    tmp_path: Path, mariadb: MariaDB, log_database: LogDatabase, s3: SeaweedFS, smtp: SmtpSink
) -> Installation:
    """A host of its own, ready for ``playbooks/backup.yml``: what it backs up is ``mariadb``."""
    installation = Installation(tmp_path / "host", mariadb, log_database, s3, smtp)
    installation.create_account()
    return installation


@pytest.fixture
def command(
    backup_setup: Installation, sample_databases: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Command]:
    """``vex-backup`` on ``backup_setup``, which backs the sample databases up."""
    made = Command(backup_setup, tmp_path / "vex-backup")
    monkeypatch.setattr(cli, "Places", lambda _release, server: made.places._replace(server=server))
    before, mask = Path.cwd(), os.umask(0o022)
    yield made
    os.chdir(before)
    os.umask(mask)
