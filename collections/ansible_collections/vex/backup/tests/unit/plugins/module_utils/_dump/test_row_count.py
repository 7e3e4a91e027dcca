# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows and digests from the text of dumps, as MyDumper and mysqldump of both makers write it."""

from __future__ import annotations

import hashlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import (
    Count,
    FileCounter,
    ScriptCounter,
    join_counts,
)
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, MODERN

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
INSERT INTO `t` VALUES(1,"a\n,(1)")
,(2,NULL)
;
INSERT INTO `t` VALUES(3,"\n(")
;
"""
MYSQL_SCRIPT = r"""-- MySQL dump
CREATE TABLE `t` (
  `a` int DEFAULT NULL
);
INSERT INTO `t` VALUES (1,'a(b)\n(','it''s (',0x2829),(2,'\\',NULL,NULL),(3,_binary '\'(',-1,'');
INSERT IGNORE INTO `other` VALUES (1);
/*!50001 VIEW `v` AS select 'INSERT INTO `t` VALUES (1)' */;
INSERT INTO `back``tick é` (`a`, `b``(`) VALUES (1,'()'),(2,'');
""".encode()
MARIADB_SCRIPT = rb"""INSERT INTO `t` VALUES
(1,'a(b)\n('),
(2,'it''s');
(not a row of any)
INSERT INTO `t` VALUES
(3,');');
"""


def blocks(text: bytes, size: int) -> t.List[bytes]:
    return [text[start : start + size] for start in range(0, len(text), size)]


@pytest.mark.parametrize(("generation", "text"), [(LEGACY, LEGACY_TEXT), (MODERN, MODERN_TEXT)])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 15, 1000])
def test_rows_across_the_seams_of_blocks_are_counted(generation: str, text: bytes, size: int) -> None:
    counter = FileCounter(generation)
    for block in blocks(text, size):
        counter.update(block)
    assert counter.count() == (3, hashlib.sha256(text).hexdigest())


def test_row_at_the_beginning_of_a_file() -> None:
    counter = FileCounter(MODERN)
    counter.update(b",(1)\n,(2)")
    assert counter.count().rows == 2


def test_nul_byte_in_a_file_of_0_10_is_an_error() -> None:
    FileCounter(MODERN).update(b"a\0b")
    with pytest.raises(DumpFailed, match="a NUL byte"):
        FileCounter(LEGACY).update(b"a\0b")


def test_digest_of_a_table_depends_on_the_order_of_its_files() -> None:
    one, two = Count(1, "1f"), Count(2, "2f")
    assert join_counts([one]) == one
    assert join_counts([one, two]) == (3, hashlib.sha256(b"1f2f").hexdigest())
    assert join_counts([two, one]).sha256 != join_counts([one, two]).sha256


def test_table_without_files_is_empty() -> None:
    assert join_counts([]) == (0, hashlib.sha256(b"").hexdigest())


@pytest.mark.parametrize("size", [1, 10, 1000])
@pytest.mark.parametrize(
    ("script", "rows"),
    [(MYSQL_SCRIPT, {"t": 3, "back`tick é": 2, "v": 0}), (MARIADB_SCRIPT, {"t": 3, "u": 0})],
)
def test_rows_of_a_script_are_counted_by_table(script: bytes, rows: t.Dict[str, int], size: int) -> None:
    counter = ScriptCounter()
    for block in blocks(script, size):
        counter.update(block)
    assert {table: counter.count(table).rows for table in rows} == rows


def test_digest_of_a_table_in_a_script_is_that_of_its_statements() -> None:
    def digest(script: bytes) -> str:
        counter = ScriptCounter()
        counter.update(script)
        return counter.count("t").sha256

    statement = b"INSERT INTO `t` VALUES\n(1),\n(2);\n"
    assert digest(b"-- at one time\n" + statement) == digest(b"-- at another\nUSE `x`;\n" + statement)
    assert digest(statement) == hashlib.sha256(statement).hexdigest()
    assert digest(statement) != digest(b"INSERT INTO `t` VALUES\n(1),\n(3);\n")
