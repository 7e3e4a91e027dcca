"""Fingerprints of tables on MySQL 9.7: each value is exact there as well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fleet.hosts import Host
from tests.integration.table_values import ONLY_MYSQL, PAIRS, Filled, Pair, filled


@pytest.fixture(scope="module")
def base(hosts: dict[str, Host]) -> Iterator[Filled]:
    with filled(hosts["mysql-1"]) as one:
        yield one


@pytest.mark.parametrize("pair", [*PAIRS, *ONLY_MYSQL], ids=str)
def test_each_value_is_exact(base: Filled, pair: Pair) -> None:
    base.check(pair)
