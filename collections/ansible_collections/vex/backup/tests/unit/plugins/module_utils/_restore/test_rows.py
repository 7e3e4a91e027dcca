# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the text that is fed to the client; tests/restore/test_mysql_restore_failures.py runs it on a server."""

from __future__ import annotations

import typing as t

import pytest

pytest.importorskip("pymysql")

from ansible_collections.vex.backup.plugins.module_utils._errors import RestoreFailed
from ansible_collections.vex.backup.plugins.module_utils._restore import rows
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore, TableRestore
from ansible_collections.vex.backup.plugins.module_utils._restore.rows import (
    Batch,
    DataFile,
    make_batches,
    statements,
)

HEADER = b"/*!40101 SET NAMES binary*/;\n/*!40101 SET SQL_MODE='TRADITIONAL'*/;\n\n"
INSERT = b"INSERT INTO `t` (`id`) VALUES\n(1),\n(2);\n"


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
@pytest.mark.parametrize("header", [b"", HEADER])
def test_the_settings_of_the_dumped_server_are_left_out(header: bytes, size: int) -> None:
    text = header + INSERT * 3
    blocks = [text[place : place + size] for place in range(0, len(text), size)]
    assert b"".join(statements(blocks)) == INSERT * 3


def test_a_file_without_rows_feeds_nothing() -> None:
    assert list(statements([HEADER])) == []
    with pytest.raises(RestoreFailed, match="holds no rows at its beginning"):
        list(statements([b"x" * 600_000, b"y" * 600_000]))


def test_a_transaction_ends_between_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "TRANSACTION_BYTES", 100)
    text = b"".join(statements([INSERT[:20], INSERT[20:] + INSERT * 2 + INSERT[:9], INSERT[9:]]))
    assert text == INSERT * 3 + b"COMMIT;\n" + INSERT


def made_table(engine: str = "InnoDB", *, is_exact: bool = False) -> TableRestore:
    return TableRestore(engine, 0, [], is_exact=is_exact, fingerprint={})


TABLES = {"t": made_table(), "exact": made_table(is_exact=True), "archive": made_table("ARCHIVE", is_exact=True)}
MIB = 1024 * 1024


def file(database: DatabaseRestore, size: int, table: str = "t") -> DataFile:
    return DataFile(database, table, f"{database.name}.{size}", size)


def database(name: str) -> DatabaseRestore:
    return DatabaseRestore(name, name, "", "", None, TABLES, [], [], {})


def test_small_files_share_a_client() -> None:
    shop, odd = database("shop"), database("odd")
    large, larger = file(shop, 2 * MIB), file(odd, 9 * MIB)
    small = [file(shop, MIB - 1) for _number in range(10)]
    exact, other = file(shop, 5, "exact"), file(odd, 6)
    found: t.List[Batch] = make_batches([large, *small, exact, other, larger])
    assert found == [
        Batch([larger]),
        Batch(small[:9]),
        Batch([large]),
        Batch(small[9:]),
        Batch([other]),
        Batch([exact]),
    ]


def test_files_of_a_table_without_transactions_are_loaded_in_order() -> None:
    shop = database("shop")
    first, second = file(shop, 2 * MIB, "archive"), file(shop, 3 * MIB, "archive")
    small = [file(shop, 1), file(shop, 2, "exact"), file(shop, 3, "archive")]
    assert make_batches([first, *small, second]) == [Batch([first, second]), Batch(small[1:]), Batch(small[:1])]
