# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the needs of objects, and of the least InnoDB page, from definitions as the servers write them."""

from __future__ import annotations

import types
import typing as t

import pytest

pytest.importorskip("pymysql")

from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import Definition
from ansible_collections.vex.backup.plugins.module_utils._mysql.needs import needs_of
from ansible_collections.vex.backup.plugins.module_utils._mysql.page_size import least_page
from ansible_collections.vex.backup.plugins.module_utils._mysql.sql_parts import split_quoted

SETTINGS = types.MappingProxyType({"innodb_default_row_format": "dynamic", "innodb_page_size": "16384"})
PLAIN = {"characters": ["latin1"], "engine": ["InnoDB"], "page": ["4096"]}
KEY = "  `id` int NOT NULL,\n  PRIMARY KEY (`id`)"
END = ") ENGINE=InnoDB DEFAULT CHARSET=latin1"


def of_table(*lines: str, end: str = END, settings: t.Mapping[str, str] = SETTINGS) -> t.Dict[str, t.List[str]]:
    text = "\n".join(["CREATE TABLE `t` (", ",\n".join(lines), end])
    return needs_of(Definition("TABLE", "t", [], [text.encode()]), settings)


def test_a_plain_table() -> None:
    assert of_table(KEY) == PLAIN
    assert of_table(KEY, end=") ENGINE=MyISAM DEFAULT CHARSET=latin1") == {
        "characters": ["latin1"],
        "engine": ["MyISAM"],
    }
    assert of_table(KEY, settings={}) == {"characters": ["latin1"], "engine": ["InnoDB"]}


COMPRESSED = {"compressed_rows": ["yes"], "own_file": ["yes"]}


@pytest.mark.parametrize(
    ("line", "end", "changed"),
    [
        ("  `u` uuid DEFAULT NULL", END, {"type": ["uuid"]}),
        ("  `v` vector(3) DEFAULT NULL", END, {"type": ["vector"]}),
        ("  `a` text COLLATE utf8mb4_bin", END, {"characters": ["utf8mb4_bin", "latin1"]}),
        ("  `a` text DEFAULT (convert(1 using utf16))", END, {"characters": ["utf16", "latin1"]}),
        ("  `a` text DEFAULT (_latin2'a' collate latin2_bin)", END, {"characters": ["latin2", "latin2_bin", "latin1"]}),
        ("  KEY `a` (`id`) USING HASH", END, {}),
        ("  `a` int COMMENT 'it''s COLLATE y \\' ENGINE=z'", END, {}),
        ("  `ENGINE=x` int", END, {}),
        (
            "  FULLTEXT KEY `a` (`b`) /*!50100 WITH PARSER `ngram` */ ",
            END,
            {"parser": ["ngram"]},
        ),
        ("  `g` point NOT NULL /*!80003 SRID 4326 */", END, {"srid": ["4326"]}),
        ("  `a` int", f"{END} ROW_FORMAT=COMPRESSED", COMPRESSED),
        ("  `a` int", f"{END} KEY_BLOCK_SIZE=8", COMPRESSED),
        ("  `a` int", f"{END} COMPRESSION='zlib'", {"own_file": ["yes"]}),
        ("  `a` int", f"{END} COMPRESSION='NONE'", {}),
        ("  `a` int", f"{END} `PAGE_COMPRESSED`='1'", {"own_file": ["yes"]}),
        ("  `a` int", f"{END} `page_compressed`=1 `x`=2", {"own_file": ["yes"]}),
        ("  `a` int", f"{END} `PAGE_COMPRESSED`='0'", {}),
        ("  `a` int", f"{END} `ENCRYPTED`=YES `ENCRYPTION_KEY_ID`=7", {"encryption": ["7"], "own_file": ["yes"]}),
        ("  `a` int", f"{END} `encrypted`='yes'", {"encryption": ["1"], "own_file": ["yes"]}),
        ("  `a` int", f"{END} `encryption_key_id`='7'", {}),
        ("  `a` int", f"{END} `ENCRYPTED`='NO' `ENCRYPTION_KEY_ID`=7", {"unencrypted": ["yes"]}),
        ("  `a` int", f"{END} /*!80016 ENCRYPTION='Y' */", {"encryption": ["1"], "own_file": ["yes"]}),
        ("  `a` int", f"{END}\n PARTITION BY HASH (`a`)\nPARTITIONS 2", {"partitions": ["yes"]}),
        (
            "  `a` int",
            f"{END}\n/*!50100 PARTITION BY RANGE (`a`)\n(PARTITION p0 VALUES LESS THAN (5) ENGINE = InnoDB) */",
            {"partitions": ["yes"]},
        ),
        ("  `a` int", f") /*!50100 TABLESPACE `a``b` */{END[1:]}", {"tablespace": ["a`b"]}),
        ("  `a` int", f") /*!50100 TABLESPACE `innodb_system` */{END[1:]}", {}),
    ],
)
def test_needs_of_tables(line: str, end: str, changed: t.Mapping[str, t.List[str]]) -> None:
    assert of_table(KEY, line, end=end) == {**PLAIN, **changed}


@pytest.mark.parametrize(
    ("lines", "is_keyless"),
    [
        (["  `id` int"], True),
        (["  `id` int NOT NULL", "  UNIQUE KEY `id` (`id`)"], False),
        (["  `id` int DEFAULT NULL", "  UNIQUE KEY `id` (`id`)"], True),
        (["  `id` int NOT NULL", "  `n` int DEFAULT NULL", "  UNIQUE KEY `id` (`id`,`n`)"], True),
        (["  `id` int NOT NULL", "  UNIQUE KEY `id` ((1 + 2))"], True),
        (["  `id` int NOT NULL", "  KEY `id` (`id`)"], True),
        (["  `e` timestamp(6) GENERATED ALWAYS AS ROW END", "  PRIMARY KEY (`e`)"], False),
    ],
)
def test_tables_without_a_key(lines: t.Sequence[str], *, is_keyless: bool) -> None:
    assert ("keyless" in of_table(*lines)) == is_keyless


@pytest.mark.parametrize(
    ("lines", "end", "is_needed"),
    [
        (["  `a` varchar(191)", "  KEY `a` (`a`)"], "CHARSET=utf8mb4", False),
        (["  `a` varchar(192)", "  KEY `a` (`a`)"], "CHARSET=utf8mb4", True),
        (["  `a` varchar(192)", "  KEY `a` (`a`)"], "CHARSET=utf8mb4 ROW_FORMAT=DYNAMIC", False),
        ([f"  `c{number}` text" for number in range(10)], "CHARSET=latin1", False),
        ([f"  `c{number}` text" for number in range(11)], "CHARSET=latin1", True),
        ([f"  `c{number}` varchar(300)" for number in range(25)], "CHARSET=latin1", False),
    ],
)
def test_tables_that_need_the_default_row_format(lines: t.Sequence[str], end: str, *, is_needed: bool) -> None:
    found = of_table(*lines, end=f") ENGINE=InnoDB DEFAULT {end}")
    assert found.get("row_format") == (["dynamic"] if is_needed else None)


@pytest.mark.parametrize("kind", ["VIEW", "PROCEDURE", "SEQUENCE"])
def test_objects_that_are_no_tables(kind: str) -> None:
    text = b"CREATE x ENGINE=ROCKSDB COLLATE sjis_bin "
    assert needs_of(Definition(kind, "x", [], [text]), SETTINGS) == {}
    assert needs_of(Definition(kind, "x", [], [text, text * 3000]), SETTINGS) == {"packet": [str(len(text) * 3000)]}


def test_a_database() -> None:
    text = b"CREATE DATABASE `d` /*!40100 DEFAULT CHARACTER SET big5 */ /*!80016 DEFAULT ENCRYPTION='N' */"
    assert needs_of(Definition("DATABASE", "d", [], [text]), SETTINGS) == {"characters": ["big5"]}


@pytest.mark.parametrize(
    ("lines", "page"),
    [
        (["  `a` varchar(192) COLLATE utf8mb4_bin", "  KEY `a` (`a`)"], 4096),
        (["  `a` varchar(193) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "  KEY `a` (`a`)"], 8192),
        (["  `a` varchar(193) CHARACTER SET utf8mb4", "  KEY `a` (`a`(192))"], 4096),
        (["  `a` varchar(500)", "  `b` varchar(500)", "  UNIQUE KEY `x` (`a`,`b`)"], 8192),
        (["  `a` longtext", "  PRIMARY KEY (`a`(3000))"], 16384),
        (["  `a` int", "  KEY `a` ((lower(`b`)))"], 4096),
        (["  `a` decimal(65,30)", "  `b` enum('a','b')", "  `c` json", "  `d` char(255)"], 4096),
        ([f"  `c{number}` varchar(255)" for number in range(8)], 8192),
        ([f"  `c{number}` varchar(256)" for number in range(80)], 4096),
        ([f"  `c{number}` binary(255)" for number in range(200)], 65536),
        ([f"  `c{number}` text" for number in range(1500)], 65536),
    ],
)
def test_the_least_page(lines: t.Sequence[str], page: int) -> None:
    text = "\n".join(["CREATE TABLE `t` (", ",\n".join(lines), END])
    assert least_page(split_quoted(text.encode())) == page


def test_a_page_is_no_larger_than_that_of_the_dumped_server() -> None:
    wide = [f"  `c{number}` binary(255)" for number in range(200)]
    assert of_table(KEY, *wide)["page"] == ["16384"]
