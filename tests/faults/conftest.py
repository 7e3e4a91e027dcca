"""Hosts to break: each with a configuration, a work directory and a mail server of its own."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.faults.source import DATABASE, fill
from tests.playbook import Installation, LogDatabase
from tests.servers.mariadb import MariaDB
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.smtp import SmtpSink

NewHost = Callable[..., Installation]


@pytest.fixture(scope="package")
def source(mariadb: MariaDB) -> Iterator[MariaDB]:
    """The server that the tests of this package back up."""
    fill(mariadb)
    yield mariadb
    mariadb.execute(f"DROP DATABASE {DATABASE}")


@pytest.fixture(scope="module")
def new_host(
    tmp_path_factory: pytest.TempPathFactory, source: MariaDB, log_database: LogDatabase, s3: SeaweedFS
) -> Iterator[NewHost]:
    """Make a host, ready to be backed up; of ``source``, unless another server is given."""
    numbers = itertools.count()
    with contextlib.ExitStack() as sinks:

        def make(server: MariaDB = source) -> Installation:
            directory = tmp_path_factory.mktemp(f"host{next(numbers)}-", numbered=False)
            sink = sinks.enter_context(SmtpSink(directory / "mail"))
            host = Installation(directory, server, log_database, s3, sink)
            host.create_account()
            return host

        yield make


@pytest.fixture
def host(new_host: NewHost) -> Installation:
    """A host that nothing is wrong with yet."""
    return new_host()
