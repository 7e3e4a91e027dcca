# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files with rows that the server's client prints."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump import exact_dump as exact_dump_module
from ansible_collections.vex.backup.plugins.module_utils._dump.exact_dump import dump_exactly
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Table
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.made_tables import make_table

HEAD = b"INSERT INTO `t` (`id`) VALUES\n"


class Session:
    """A session whose statements have an output of these blocks."""

    def __init__(self, *blocks: bytes) -> None:
        self._blocks = blocks

    def output(self, statement: str) -> t.Iterator[bytes]:
        assert statement.startswith("SELECT ")
        return iter(self._blocks)


def dumped(
    folder: pathlib.Path, *blocks: bytes, table: t.Optional[Table] = None, packet_bytes: int = 1000
) -> t.Dict[str, bytes]:
    """Return the files of a table by their paths relative to *folder*, in their order.

    :param packet_bytes: the server's ``max_allowed_packet``, of which a statement of several rows has half at most
    """
    session = t.cast("t.Any", Session(*blocks))
    paths = list(dump_exactly(session, "d", table or make_table("t"), str(folder), packet_bytes))
    assert {os.stat(path).st_mode & 0o777 for path in paths} <= {0o600}
    return {os.path.relpath(path, folder): pathlib.Path(path).read_bytes() for path in paths}


def test_table_without_rows_has_no_files(tmp_path: pathlib.Path) -> None:
    assert dumped(tmp_path) == {}
    assert dumped(tmp_path, b"") == {}


def test_sequence_has_no_rows(tmp_path: pathlib.Path) -> None:
    assert dumped(tmp_path, b"(\t1\t)\n", table=make_table("s", kind="SEQUENCE")) == {}


def test_rows_of_several_blocks_are_one_statement(tmp_path: pathlib.Path) -> None:
    assert dumped(tmp_path, b"(\t1\t)\n(\t2\t)\n", b"(\t3\t)\n", b"") == {
        "exact/t.00000.sql": HEAD + b"(1),\n(2),\n(3);\n"
    }


def test_statements_and_files_are_limited(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact_dump_module, "_FILE_BYTES", 2 * len(HEAD) + 20)
    rows = [b"(\t%d\t)\n" % number for number in range(1, 6)]
    assert dumped(tmp_path, *rows, packet_bytes=16) == {
        "exact/t.00000.sql": HEAD + b"(1),\n(2);\n" + HEAD + b"(3),\n(4);\n",
        "exact/t.00001.sql": HEAD + b"(5);\n",
    }


def test_a_long_row_has_a_statement_of_its_own(tmp_path: pathlib.Path) -> None:
    rows = [b"(\t1\t)\n", b"(\t123456789\t)\n", b"(\t2\t)\n"]
    assert dumped(tmp_path, *rows, packet_bytes=16) == {
        "exact/t.00000.sql": b"".join(HEAD + row for row in (b"(1);\n", b"(123456789);\n", b"(2);\n"))
    }


def test_last_block_may_fill_a_statement(tmp_path: pathlib.Path) -> None:
    assert dumped(tmp_path, b"(\t1\t)\n(\t2\t)\n", packet_bytes=16) == {"exact/t.00000.sql": HEAD + b"(1),\n(2);\n"}


def test_value_that_the_server_cannot_print_is_an_error(tmp_path: pathlib.Path) -> None:
    with pytest.raises(DumpFailed, match=r"^a value is longer than the server's max_allowed_packet, 1000 bytes"):
        dumped(tmp_path, b"(\t1\t)\n", b"(\tX'\t!\t'\t)\n")


@pytest.mark.parametrize(
    ("table", "stem"),
    [
        ("we ird/é\n", "we%20ird%2F%C3%A9%0A"),
        ("..", "%2E%2E"),
        ("é" * 64, f"{('%C3%A9' * 64)[:150]}+"),
    ],
)
def test_names_of_files(tmp_path: pathlib.Path, table: str, stem: str) -> None:
    (path,) = dumped(tmp_path, b"(1)\n", table=make_table(table))
    assert path.partition("+")[0] == f"exact/{stem}.00000.sql".partition("+")[0]
    assert len(os.path.basename(path)) < 200


def test_long_names_have_different_files(tmp_path: pathlib.Path) -> None:
    first, second = ("ç" * 63 + last for last in "ab")
    assert set(dumped(tmp_path, b"(1)\n", table=make_table(first))).isdisjoint(
        dumped(tmp_path, b"(1)\n", table=make_table(second))
    )
