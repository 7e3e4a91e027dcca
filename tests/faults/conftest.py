"""Hosts for the tests of failures, each with its own configuration, work directory and mail server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.faults.ending import record
from tests.faults.interference import Point
from tests.faults.module_server import ModuleServer
from tests.faults.source import DATABASE, fill, fill_little
from tests.faults.steps import Host
from tests.playbook import Installation, LogDatabase, Outcome
from tests.servers.mariadb import MariaDB
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.smtp import SmtpSink

NewHost = Callable[..., Installation]
NewSteps = Callable[[], Host]
# By sequence, the failpoints that it reaches.
Reached = dict[str, list[Point]]
Outcomes = dict[str, tuple[Installation, Outcome]]


@pytest.fixture(scope="package")
def source(mariadb: MariaDB) -> Iterator[MariaDB]:
    """Return the server that the tests of this package back up."""
    fill(mariadb)
    yield mariadb
    mariadb.execute(f"DROP DATABASE {DATABASE}")


@pytest.fixture(scope="package")
def small_source(server_directory: Path) -> Iterator[MariaDB]:
    """Run a server whose backup is quick, and large enough to be uploaded in parts."""
    with MariaDB(server_directory / "small") as server:
        fill_little(server)
        yield server


@pytest.fixture(scope="module")
def new_host(
    tmp_path_factory: pytest.TempPathFactory, source: MariaDB, log_database: LogDatabase, s3: SeaweedFS
) -> Iterator[NewHost]:
    """Make a host that is ready for a backup of ``source``, or of another server."""
    with contextlib.ExitStack() as sinks:

        def make(server: MariaDB = source) -> Installation:
            directory = tmp_path_factory.mktemp("host")
            sink = sinks.enter_context(SmtpSink(directory / "mail"))
            host = Installation(directory, server, log_database, s3, sink)
            host.create_account()
            return host

        yield make


@pytest.fixture(scope="module")
def new_steps(tmp_path_factory: pytest.TempPathFactory, new_host: NewHost, small_source: MariaDB) -> Iterator[NewSteps]:
    """Make a host whose modules are called one by one."""
    with ModuleServer(tmp_path_factory.mktemp("modules")) as modules:
        yield lambda: Host(new_host(small_source), modules, tmp_path_factory.mktemp("steps"))


@pytest.fixture(scope="package")
def target(server_directory: Path) -> Iterator[MariaDB]:
    """Run a server to restore into."""
    with MariaDB(server_directory / "target") as server:
        yield server


@pytest.fixture(scope="module")
def reached(new_steps: NewSteps, target: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Reached:
    """Return the failpoints of each sequence."""
    return record(new_steps(), target.socket, tmp_path_factory.mktemp("points") / "points")


@pytest.fixture
def host(new_host: NewHost) -> Installation:
    """Return a host without faults."""
    return new_host()


def all_at_once(new_host: NewHost, cases: Mapping[str, Mapping[str, Any]]) -> Outcomes:
    """Back up one host for each case with its variables, three at a time, since runs mostly wait."""

    def back_up(variables: Mapping[str, Any]) -> tuple[Installation, Outcome]:
        host = new_host()
        return host, host.backup(**variables)

    with ThreadPoolExecutor(3) as pool:
        return dict(zip(cases, pool.map(back_up, cases.values()), strict=True))
