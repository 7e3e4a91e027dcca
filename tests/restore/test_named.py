"""Contents that do not come back as they were: the backup or the restore names each, and everything else is fine."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import RestoreDiffers
from tests.catalogue.content import Content, create, product_of, table
from tests.catalogue.named import NAMED
from tests.catalogue.outcomes import AT_BACKUP, AT_RESTORE, DIFFERS, require
from tests.restore.cells import GENERATIONS, PRODUCTS, Product, use_tools
from tests.restore.dumping import Dumped
from tests.servers.contents import contents, differences
from tests.servers.database_server import DatabaseServer

DATABASE = "odd_ones"
FINE = table("Fine", "id INT PRIMARY KEY, w VARCHAR(20)", "1, 'ç'", "2, NULL")


@pytest.fixture(scope="module", params=PRODUCTS, ids=[one.name.replace(" ", "-") for one in PRODUCTS])
def source(request: pytest.FixtureRequest) -> Iterator[tuple[Product, DatabaseServer, list[Content]]]:
    """Run a server of each product in turn, with the contents that it can have."""
    product: Product = request.param
    # A log keeps servers from creating functions that may change data unseen.
    with (
        tempfile.TemporaryDirectory(prefix="vex-") as folder,
        tempfile.TemporaryDirectory(prefix="vex-") as directory,
        product.server(Path(folder), options=["--event-scheduler=OFF", *product.directories(directory)]) as server,
    ):
        chosen = [one for one in NAMED if product_of(server) in one.products]
        create(server, DATABASE, [FINE, *chosen], directory)
        yield product, server, chosen


@pytest.mark.parametrize("generation", GENERATIONS)
def test_it_is_named(
    source: tuple[Product, DatabaseServer, list[Content]],
    generation: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product, server, chosen = source
    use_tools(monkeypatch, product, generation)
    with tempfile.TemporaryDirectory(prefix="vex-") as folder:
        dumped = Dumped(server, tmp_path, (DATABASE,))
        with product.server(Path(folder), options=[*product.defaults, "--event-scheduler=OFF"]) as target:
            details = dumped.refusal(RestoreDiffers, target).details
            said = {
                AT_BACKUP: dumped.warnings,
                AT_RESTORE: details["restore_warnings"],
                DIFFERS: details["differences"],
            }
            with contextlib.closing(server.connect()) as one, contextlib.closing(target.connect()) as other:
                found = differences(contents(one, [DATABASE]), contents(other, [DATABASE]))
    outcomes = {content.name: _outcome(content, said) for content in chosen}
    assert all(outcomes.values()), said
    # Nothing differs but what was named.
    assert [text for text in found if not any(content.stem in text for content in chosen)] == []
    require(f"{product.name}, MyDumper {generation}", outcomes)


def _outcome(content: Content, said: dict[str, list[str]]) -> str:
    return ", ".join(where for where, texts in said.items() if any(content.stem in text for text in texts))
