"""A server with odd contents, for the tests of what they cost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.restore.cells import PRODUCTS, Product, use_tools
from tests.restore.odd import Odd
from tests.servers.database_server import DatabaseServer


@pytest.fixture(scope="module", params=PRODUCTS, ids=[one.name.replace(" ", "-") for one in PRODUCTS])
def product(request: pytest.FixtureRequest) -> Product:
    found: Product = request.param
    return found


@pytest.fixture(scope="module")
def servers(product: Product) -> Iterator[tuple[DatabaseServer, DatabaseServer, Path]]:
    options = ["--federated"] if product.name.startswith("MySQL") else []
    with (
        tempfile.TemporaryDirectory(prefix="vex-") as folder,
        product.server(Path(folder) / "source", options=[*options, "--event-scheduler=OFF"]) as source,
        product.server(Path(folder) / "target", options=[*options, "--event-scheduler=OFF"]) as target,
    ):
        yield source, target, Path(folder)


@pytest.fixture
def odd(
    product: Product, servers: tuple[DatabaseServer, DatabaseServer, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Odd]:
    use_tools(monkeypatch, product, "0.10")
    source, target, folder = servers
    yield Odd(product, source, target, folder)
    target.execute("DROP DATABASE IF EXISTS odd", "DROP DATABASE IF EXISTS other", "SET GLOBAL event_scheduler = OFF")
    source.execute("DROP DATABASE IF EXISTS other")
