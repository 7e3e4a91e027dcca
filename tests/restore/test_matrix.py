"""Everything comes back from each server, by each generation of MyDumper, in each mode, compared value by value."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.catalogue.content import product_of
from tests.catalogue.databases import listed
from tests.catalogue.outcomes import outcomes_of, require
from tests.playbook import Installation, LogDatabase, Outcome
from tests.restore.cells import GENERATIONS, LARGE_ROWS, PRODUCTS, Product, fill, restore, use_tools
from tests.restore.verifying import Verifier
from tests.servers.contents import Contents, contents, differences
from tests.servers.database_server import DatabaseServer
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.smtp import SmtpSink


class Source(NamedTuple):
    """A server that holds every database of the tests, and everything that it holds."""

    product: Product
    server: DatabaseServer
    databases: tuple[str, ...]
    expected: Contents


def contents_of(server: DatabaseServer, databases: tuple[str, ...]) -> Contents:
    """Return everything in *databases*."""
    with contextlib.closing(server.connect()) as connection:
        return contents(connection, databases)


@pytest.fixture(scope="module", params=PRODUCTS, ids=[one.name.replace(" ", "-") for one in PRODUCTS])
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    """Run a server of each product in turn, and fill it."""
    product: Product = request.param
    with (
        tempfile.TemporaryDirectory(prefix="vex-") as folder,
        product.server(Path(folder), options=[LARGE_ROWS, product.logs, *product.plugins], encrypts=True) as server,
    ):
        databases = fill(server)
        yield Source(product, server, databases, contents_of(server, databases))


@pytest.fixture
def setup(source: Source, log_database: LogDatabase, s3: SeaweedFS, smtp: SmtpSink) -> Iterator[Installation]:
    """Prepare a host for the playbooks, in a directory that the scratch server's account can enter."""
    # Its path is short enough for sockets.
    with tempfile.TemporaryDirectory(prefix="vex-") as name:
        Path(name).chmod(0o711)
        made = Installation(Path(name) / "host", source.server, log_database, s3, smtp)
        made.create_account(source.product.grants)
        yield made


def manifest_of(setup: Installation, outcome: Outcome) -> dict[str, Any]:
    """Return the manifest in the store of the one backup."""
    answer = setup.store.client().get_object(Bucket=setup.store.bucket, Key=f"{outcome.key}.manifest.json")
    manifest: dict[str, Any] = json.load(answer["Body"])
    return manifest


@pytest.mark.parametrize("mode", ["individual", "instance"])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_everything_comes_back_and_is_proven(
    source: Source, setup: Installation, generation: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    product, server, databases, expected = source
    use_tools(monkeypatch, product, generation)
    folder = setup.directory.parent
    outcome = setup.backup(mode=mode)
    assert outcome.status == 0, outcome.output
    assert outcome.backup["status_backup"] == 1, outcome.backup["observacao"]
    if mode == "individual":
        # In one process for all databases, names decide which tables MyDumper dumps.
        found_outcomes = outcomes_of(manifest_of(setup, outcome), listed(product_of(server)))
        require(f"{product.name}, MyDumper {generation}", found_outcomes)
    empty = [LARGE_ROWS, product.logs, *product.plugins, *product.defaults]
    with product.server(folder / "target", options=empty, encrypts=True) as target:
        said = restore(setup, target)
        assert "as they were dumped" in " ".join(said.split())
        found = differences(expected, contents_of(target, databases))
        assert not found, "\n".join(found[:100])
    # Another account cannot enter the folder of the tests' servers, to load their plugins.
    proving = Verifier(setup, folder).run(verify_user="root")
    assert proving.status == 0, proving.output
    assert proving.proof["status"] == 1, proving.proof["observacao"]
    assert proving.proofs == [f"{outcome.key}.proof.json"]
    # The source is as it was: its tables were only read.
    assert contents_of(server, databases) == expected
