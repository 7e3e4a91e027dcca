"""Real servers as fixtures. Those of the session are shared: a test removes what it puts there."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from ansible_collections.vex.backup.roles.host.files.vex_backup_host import cli
from tests.command import Command
from tests.playbook import Installation, LogDatabase
from tests.servers import sample_data
from tests.servers.mariadb import MariaDB
from tests.servers.s3_proxy import S3Proxy
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.smtp import SmtpSink

FLEET = "tests/fleet/"


class ByFile(LoadScopeScheduling):
    """What stays together when tests run beside each other: those of a file, and the whole fleet, started once."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return FLEET if file.startswith(FLEET) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the fleet, which takes longest."""
    items.sort(key=lambda item: not item.nodeid.startswith(FLEET))


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
