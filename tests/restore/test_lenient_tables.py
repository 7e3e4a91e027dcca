"""Tables that only a lenient server creates, and values that only such a server stores, come back on a strict one."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest

from tests.restore.cells import PRODUCTS, Product, use_tools
from tests.restore.dumping import Dumped
from tests.servers.contents import contents, differences

LENIENT = (
    "CREATE DATABASE lenient",
    "USE lenient",
    "SET SESSION sql_mode = 'ALLOW_INVALID_DATES', innodb_strict_mode = OFF",
    "CREATE TABLE dates (d DATE NOT NULL DEFAULT '0000-00-00', f DATE DEFAULT '2021-02-31', t TIMESTAMP DEFAULT 0)",
    "INSERT INTO dates VALUES ('2020-00-00', '2021-02-30', 0), ('0000-00-00', NULL, '2020-01-01')",
    f"CREATE TABLE wide ({', '.join(f'c{number} VARCHAR(60) NOT NULL' for number in range(150))}) CHARACTER SET latin1",
    "INSERT INTO wide (c1) VALUES ('a')",
    "CREATE TABLE cut (k VARCHAR(3), e ENUM('a', 'b'), n TINYINT NOT NULL, y YEAR, KEY (k)) ROW_FORMAT = FIXED",
    "INSERT INTO cut VALUES ('abcdef', 'c', 999, 70), ('', 0, NULL, 0)",
    "CREATE TABLE blocks (id INT) ROW_FORMAT = DYNAMIC KEY_BLOCK_SIZE = 3",
    "CREATE TABLE twins (e ENUM('a', 'a'), s SET('x', 'x'))",
    "CREATE TABLE long_text (t VARCHAR(70000))",
)
STRICT = (
    "SET GLOBAL sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'",
    "SET GLOBAL innodb_strict_mode = ON",
)


@pytest.mark.parametrize("product", PRODUCTS, ids=[one.name.replace(" ", "-") for one in PRODUCTS])
def test_tables_of_a_lenient_server(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    use_tools(monkeypatch, product, "0.10")
    with (
        tempfile.TemporaryDirectory(prefix="vex-") as name,
        product.server(Path(name) / "source") as source,
        product.server(Path(name) / "target") as target,
    ):
        source.execute(*LENIENT)
        target.execute(*STRICT)
        (Path(name) / "dump").mkdir()
        dumped = Dumped(source, Path(name) / "dump", ("lenient",))
        assert dumped.run(target)["restore_warnings"] == []
        with contextlib.closing(source.connect()) as original, contextlib.closing(target.connect()) as restored:
            assert differences(contents(original, ("lenient",)), contents(restored, ("lenient",))) == []
