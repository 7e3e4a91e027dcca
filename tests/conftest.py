"""Real servers as fixtures. Servers of the session are shared, so a test removes what it adds to them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from ansible_collections.vex.backup.roles.host.files.vex_backup_host import cli
from tests.command import Command
from tests.integration.gcs_place import Place
from tests.playbook import Installation, LogDatabase
from tests.servers import sample_data
from tests.servers.azurite import Azurite
from tests.servers.gcs import Gcs
from tests.servers.mariadb import MariaDB
from tests.servers.moto import Moto
from tests.servers.s3_proxy import S3Proxy
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.smtp import SmtpSink

# Limits that no busy machine exceeds, and failures that can be repeated. The unit tests have the same.
settings.register_profile("vex", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("vex")

FLEET = "tests/fleet/"


class ByFile(LoadScopeScheduling):
    """A scheduler that keeps the tests of a file on one worker, and those of the fleet, which a session starts once.

    Groups of tests (``--dist=loadgroup``) would do the same, but xdist 3.8 finds none with pytest 9.
    """

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
    """Make a directory whose path is short enough for sockets, which pytest's own may not be."""
    with tempfile.TemporaryDirectory(prefix="vex-") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def mariadb(server_directory: Path) -> Iterator[MariaDB]:
    """Run the server that is backed up, without databases of its own."""
    with MariaDB(server_directory / "source") as server:
        yield server


@pytest.fixture(scope="session")
def log_mariadb(server_directory: Path) -> Iterator[MariaDB]:
    """Run the server of log databases."""
    with MariaDB(server_directory / "log") as server:
        yield server


@pytest.fixture
def fresh_mariadb() -> Iterator[MariaDB]:
    """Run an empty server for one test, which may restore into it or kill it."""
    with tempfile.TemporaryDirectory(prefix="vex-") as name, MariaDB(Path(name)) as server:
        yield server


@pytest.fixture
def sample_databases(mariadb: MariaDB) -> Iterator[tuple[str, ...]]:
    """Fill ``mariadb`` with small sample databases; return their names."""
    with contextlib.closing(mariadb.connect()) as connection:
        sample_data.fill(connection, scale=0.02)
    yield sample_data.DATABASES
    mariadb.execute(*(f"DROP DATABASE IF EXISTS `{name}`" for name in sample_data.DATABASES))


@pytest.fixture(scope="session")
def s3(server_directory: Path) -> Iterator[SeaweedFS]:
    """Run the object store."""
    with SeaweedFS(server_directory / "s3") as store:
        yield store


@pytest.fixture(scope="session")
def moto(server_directory: Path) -> Iterator[Moto]:
    """Run an object store in memory, for what ``s3`` does not know."""
    with Moto(server_directory / "moto") as server:
        yield server


@pytest.fixture(scope="session")
def gcs(server_directory: Path) -> Iterator[Gcs]:
    """Run an object store with the interface of Google Cloud Storage."""
    with Gcs(server_directory / "gcs") as server:
        yield server


@pytest.fixture
def gcs_place(gcs: Gcs, tmp_path: Path) -> Iterator[Place]:
    """Make a bucket in ``gcs``, whose rules are the usual ones again at the end."""
    gcs.rules.requests.clear()
    yield Place(gcs, tmp_path)
    gcs.rules.denied.clear()
    gcs.rules.failures.clear()
    gcs.rules.failing = 0.0


@pytest.fixture(scope="session")
def azurite(server_directory: Path) -> Iterator[Azurite]:
    """Run a server of Azure Blob Storage."""
    with Azurite(server_directory / "azurite") as server:
        yield server


@pytest.fixture
def s3_proxy(s3: SeaweedFS) -> Iterator[S3Proxy]:
    """Run a proxy in front of ``s3`` that fails on request."""
    with S3Proxy(s3.endpoint) as proxy:
        yield proxy


@pytest.fixture
def smtp(tmp_path: Path) -> Iterator[SmtpSink]:
    """Run a mail server that keeps the mails that it receives."""
    with SmtpSink(tmp_path / "mail") as sink:
        yield sink


@pytest.fixture(scope="session")
def log_database(log_mariadb: MariaDB, server_directory: Path) -> LogDatabase:
    """Create a log database with the current schema. Tests tell its rows apart by host name."""
    database = LogDatabase(log_mariadb, server_directory)
    database.create()
    return database


@pytest.fixture
def backup_setup(
    tmp_path: Path, mariadb: MariaDB, log_database: LogDatabase, s3: SeaweedFS, smtp: SmtpSink
) -> Installation:
    """Prepare a host for ``playbooks/backup.yml``, which backs up ``mariadb``."""
    installation = Installation(tmp_path / "host", mariadb, log_database, s3, smtp)
    installation.create_account()
    return installation


@pytest.fixture
def command(
    backup_setup: Installation, sample_databases: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Command]:
    """Install the command ``vex-backup`` for ``backup_setup``, which backs up the sample databases."""
    made = Command(backup_setup, tmp_path / "vex-backup")
    monkeypatch.setattr(cli, "Places", lambda _release, server: made.places._replace(server=server))
    before, mask = Path.cwd(), os.umask(0o022)
    yield made
    os.chdir(before)
    os.umask(mask)
