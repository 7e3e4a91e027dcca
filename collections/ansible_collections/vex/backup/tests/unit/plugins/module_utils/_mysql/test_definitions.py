# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Definitions of objects as SQL text, and their digests."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._mysql import definitions as definitions_module
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import (
    DATABASE,
    EVENT,
    ROUTINES,
    SEQUENCE,
    TABLE,
    TRIGGER,
    VIEW,
    Definition,
    block,
    parse_blocks,
)

SETTINGS = (b"SET character_set_client = utf8mb4", b"SET sql_mode = 'ANSI_QUOTES'", b"SET time_zone = '-03:00'")
AFTER = (b"ALTER DATABASE COLLATE utf8mb4_bin",)
PIECES = [
    b";", b";;", b"//", b"$$", b"\n", b"\r", b"DELIMITER ;\n", b"DELIMITER ;;\n", b'-- TABLE "x"\n', b"'", b'"', b"`",
    b"ALTER DATABASE x;\n", b"SET a = 1;\n", b"\xff", b"\xc3\xa7", b"CREATE ", b"\\", b"/*", b"*/",
]  # fmt: skip

texts = st.one_of(st.binary(min_size=1), st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map(b"".join))
definitions = st.builds(
    Definition,
    st.sampled_from([DATABASE, TABLE, SEQUENCE, VIEW, TRIGGER, EVENT, *ROUTINES]),
    st.text(min_size=1),
    st.lists(st.sampled_from([*SETTINGS, *AFTER]), max_size=4),
    # Only a sequence has a second text.
    st.builds(lambda text, more: [text, *more], texts, st.sampled_from([[], [b"DO SETVAL(`s`, 1, 0)"]])),
    st.lists(st.sampled_from(AFTER), max_size=2),
    # It is in the manifest only.
    st.just(""),
)


@given(st.lists(definitions, max_size=4))
@example([Definition(TABLE, "bad\udcff\n\"'`", [], [b";;a;", b"DO //$"], [])])
@example([Definition(VIEW, "v", [], [b"x\n"], list(AFTER)), Definition(VIEW, "w", list(SETTINGS), [b"\n"], [])])
def test_blocks_are_read_as_they_were_written(made: t.List[Definition]) -> None:
    assert parse_blocks(b"".join(map(block, made))) == made


def test_block_as_the_servers_client_reads_it() -> None:
    made = Definition(TRIGGER, 'quote"d', list(SETTINGS[:1]), [b"CREATE TRIGGER a;;b"], list(AFTER))
    assert block(made) == (
        b'-- TRIGGER "quote\\"d"\nSET character_set_client = utf8mb4;\nDELIMITER //\nCREATE TRIGGER a;;b//\n'
        b"DELIMITER ;\nALTER DATABASE COLLATE utf8mb4_bin;\n"
    )


TABLE_TEXT = (
    b"CREATE TABLE `t` (\n  `id` int NOT NULL AUTO_INCREMENT COMMENT 'from AUTO_INCREMENT=9 on',\n"
    b"  `a` varchar(9) CHARACTER SET latin1 COLLATE latin1_bin DEFAULT NULL\n) ENGINE=InnoDB%s DEFAULT CHARSET=utf8mb4"
)


def digest(definition: Definition) -> str:
    return definitions_module.digest(definition, "shop")


def table(text: bytes) -> Definition:
    return Definition(TABLE, "t", list(SETTINGS), [text])


def test_digest_leaves_out_the_counter_of_a_table() -> None:
    without = digest(table(TABLE_TEXT % b""))
    assert digest(table(TABLE_TEXT % b" AUTO_INCREMENT=7")) == without
    assert digest(table(TABLE_TEXT % b" AUTO_INCREMENT=123456")) == without


def test_digest_contains_the_state_of_a_sequence() -> None:
    made = Definition(SEQUENCE, "s", [], [b"CREATE SEQUENCE `s`", b"ALTER SEQUENCE `s` RESTART WITH 1"])
    assert digest(made) != digest(made._replace(texts=[made.texts[0], b"ALTER SEQUENCE `s` RESTART WITH 2"]))


def test_digest_leaves_out_an_implied_character_set() -> None:
    text = TABLE_TEXT % b""
    assert digest(table(text)) == digest(table(text.replace(b" CHARACTER SET latin1 COLLATE", b" COLLATE")))


@pytest.mark.parametrize(
    "changed",
    [
        table(TABLE_TEXT % b""),
        table(TABLE_TEXT % b" AUTO_INCREMENT=7 ROW_FORMAT=DYNAMIC"),
        table((TABLE_TEXT % b"").replace(b"AUTO_INCREMENT=9", b"AUTO_INCREMENT=10")),
        table(TABLE_TEXT % b"")._replace(kind=VIEW),
        table(TABLE_TEXT % b"")._replace(settings=list(SETTINGS[1:])),
    ],
)
def test_digest_differs_with_everything_else(changed: Definition) -> None:
    others = {
        digest(table(TABLE_TEXT.replace(b"latin1_bin", b"latin1_swedish_ci") % b"")),
        digest(table(TABLE_TEXT.replace(b"utf8mb4", b"latin1") % b"")),
    }
    assert digest(changed) not in others
    assert len(others) == 2
    same = table(TABLE_TEXT % b"")
    assert (digest(changed) == digest(same)) is (changed == same)


def test_digest_leaves_out_the_places_of_files() -> None:
    text = TABLE_TEXT % b" DATA DIRECTORY='/fast disk/' INDEX DIRECTORY='/x/'"
    assert digest(table(text)) == digest(table(TABLE_TEXT % b""))
    comment = TABLE_TEXT % b" COMMENT=' DATA DIRECTORY=''/x/'''"
    assert digest(table(comment)) != digest(table(TABLE_TEXT % b" COMMENT=''"))


def test_digest_leaves_out_the_name_of_a_views_database() -> None:
    made = Definition(VIEW, "v", [], [b"CREATE VIEW `v` AS select `t`.`a` from `t`"])
    named = made._replace(texts=[made.texts[0].replace(b"`t`", b"`shop`.`t`")])
    assert digest(made) == digest(named)
    assert digest(made) != digest(named._replace(texts=[named.texts[0].replace(b"shop", b"other")]))


def test_label() -> None:
    assert Definition("PACKAGE BODY", "p", [], []).label == "package body p"
