# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows, columns and digests from the text of data files of MyDumper, both generations, and of this collection."""

from __future__ import annotations

import hashlib
import pathlib
import re
import typing as t

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count, FileCounter, join_counts
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._tools.exact_rows import insert_head
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.made_tables import make_column, make_table

# By MyDumper 0.10.1: line ends of the data are two characters.
LEGACY_TEXT = rb"""/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;
INSERT INTO `t` (`a`,`(`) VALUES
(1,"a\n(1),\r\n;\n","\0\n\Z"),
(2,NULL,"x),\n");
INSERT INTO `t` (`a`,`(`) VALUES
(3,"INSERT INTO `t` VALUES\n(","");
"""
MODERN_TEXT = rb"""/*!40101 SET NAMES utf8mb4*/;
INSERT INTO `t` (`a`,`b``c`) VALUES(1,"a\n,(1)")
,(2,NULL)
;
INSERT INTO `t` (`a`,`b``c`) VALUES(3,"\n(")
;
"""
EXACT_TEXT = b"""INSERT INTO `t` (`a`, `\xc3\xa7`) VALUES
(1,X'0A28'),
(2,NULL);
INSERT INTO `t` (`a`, `\xc3\xa7`) VALUES
(3,X'');
"""
WITHOUT_COLUMNS = rb"""/*!40101 SET NAMES binary*/;
INSERT INTO `t` VALUES(1,"a")
,(2,NULL)
,(3,"b")
;
"""
# Dumps of MyDumper 1.0.1, which are not part of the repository.
REAL_DUMPS = pathlib.Path(__file__).parents[10] / "shared" / "mydumper" / "dumps"


def counted(text: bytes, size: int = 1000) -> Count:
    counter = FileCounter()
    for start in range(0, len(text), size):
        counter.update(text[start : start + size])
    return counter.count()


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        (LEGACY_TEXT, ("a", "(")),
        (MODERN_TEXT, ("a", "b`c")),
        (EXACT_TEXT, ("a", "ç")),
        (WITHOUT_COLUMNS, None),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 15, 1000])
def test_rows_across_the_borders_of_blocks_are_counted(
    text: bytes, columns: t.Optional[t.Tuple[str, ...]], size: int
) -> None:
    longest = max(map(len, text.split(b";\n")))
    assert counted(text, size) == Count(3, hashlib.sha256(text).hexdigest(), columns, longest)


def test_rows_of_a_large_file() -> None:
    statement = b"INSERT INTO `t` (`a`) VALUES\n" + b",\n".join([b"(%s)" % (b"1" * 1000)] * 1000) + b";\n"
    assert counted(statement * 4, 1 << 16).rows == 4000


@pytest.mark.parametrize("text", [b"", b"/*!40101 SET NAMES binary*/;\n", b"INSERT INTO `t` (`a`"])
def test_file_without_a_statement_has_no_rows(text: bytes) -> None:
    found = counted(text)
    assert (found.rows, found.sha256, found.columns) == (0, hashlib.sha256(text).hexdigest(), None)


NAME = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1, max_size=20)


@given(
    NAME,
    st.lists(NAME, min_size=1, max_size=3),
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.integers(1, 40),
)
@example("new\nline", ["a\n\nb", "`", '"'], [2, 1], 7)
def test_names_do_not_change_the_number_of_rows(
    table: str, columns: t.List[str], statements: t.List[int], size: int
) -> None:
    """Names of tables and columns may contain line ends and quotes."""
    head = insert_head(make_table(table, *(make_column(name, "int") for name in columns))).encode()
    text = b"".join(head + b",\n".join([b"(1)"] * rows) + b";\n" for rows in statements)
    found = counted(text, size)
    assert (found.rows, found.columns) == (sum(statements), tuple(columns))


def test_name_that_contains_the_start_of_a_statement() -> None:
    head = insert_head(make_table("t", make_column("a\nINSERT INTO `", "int"))).encode()
    assert counted((head + b"(1),\n(2);\n") * 3).rows == 6


def test_nul_byte_is_an_error() -> None:
    with pytest.raises(DumpFailed, match=r"a NUL byte.*the disk was probably full"):
        FileCounter().update(b"a\0b")


def test_digest_of_a_table_depends_on_the_order_of_its_files() -> None:
    one, two = Count(1, "1f", ("a",), 7), Count(2, "2f", ("a",), 5)
    assert join_counts([one]) == one
    assert join_counts([one, two]) == Count(3, hashlib.sha256(b"1f2f").hexdigest(), None, 7)
    assert join_counts([two, one]).sha256 != join_counts([one, two]).sha256


def test_table_without_files_is_empty() -> None:
    assert join_counts([]) == Count(0, hashlib.sha256(b"").hexdigest(), None)


@pytest.mark.parametrize("name", ["individual-loja", "complete-insert-loja", "individual-zeta", "utf8mb4-rh"])
@pytest.mark.parametrize("size", [13, 14, 1 << 20])
def test_rows_of_real_dumps_are_those_of_their_metadata(name: str, size: int) -> None:
    folder = REAL_DUMPS / name / "tables"
    if not folder.is_dir():
        pytest.skip(f"{REAL_DUMPS} is not here")
    metadata = (folder / "metadata").read_text(encoding="utf-8")
    sections = re.findall(r"^\[`(.+)`\.`(.+)`\]\n(?:.+\n)*?rows = (\d+)$", metadata, re.MULTILINE)
    assert sections
    for database, table, rows in sections:
        files = sorted(folder.glob(f"{database}.{table}.0*.sql"))
        assert sum(counted(path.read_bytes(), size).rows for path in files) == int(rows), table
