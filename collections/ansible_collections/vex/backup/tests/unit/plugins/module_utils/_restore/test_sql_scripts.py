# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of adapted scripts; tests/restore/test_mysql_restore.py runs such scripts on a server."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._restore.sql_scripts import (
    ProgramsScript,
    programs_script,
    renamed_create,
    renamed_script,
    table_of_script,
)

SCRIPT = b"""-- MySQL dump
/*!40103 SET TIME_ZONE='+00:00' */;
CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;
USE `shop`;
--
-- Table structure for table `a`
--
CREATE TABLE `a` (`id` int COMMENT 'USE `shop`;');
-- Dumping data for table `a`
INSERT INTO `a` VALUES (1);
-- Table structure for table `b`
CREATE TABLE `b` (`id` int);
-- Temporary view structure for view `v`
CREATE VIEW `v` AS SELECT 1;
-- Final view structure for view `v`
DROP VIEW `v`;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;
-- Dump completed
"""


def block(text: str, delimiter: str = ";;") -> bytes:
    return f"DELIMITER {delimiter}\n{text}{delimiter}\nDELIMITER ;\n".encode()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (b"CREATE DATABASE `a``b` COLLATE x;", b"CREATE DATABASE IF NOT EXISTS `c` COLLATE x;"),
        (b"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `a``b`;", b"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `c`;"),
    ],
)
def test_create_database(statement: bytes, expected: bytes) -> None:
    assert renamed_create(statement, "a`b", "c") == expected


def test_a_script_for_another_name() -> None:
    changed = b"".join(renamed_script(SCRIPT.splitlines(keepends=True), "shop", "shop_before"))
    expected = SCRIPT.replace(b"*/ `shop` /*", b"*/ `shop_before` /*").replace(
        b"\nUSE `shop`;", b"\nUSE `shop_before`;"
    )
    assert changed == expected


def test_one_table_of_a_script() -> None:
    lines = list(table_of_script(SCRIPT.splitlines(keepends=True), "a"))
    assert b"INSERT INTO `a` VALUES (1);\n" in lines
    assert b"USE `shop`;\n" in lines
    assert lines[-2:] == [b"/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;\n", b"-- Dump completed\n"]
    assert not [line for line in lines if b"`b`" in line or b"`v`" in line]


PROCEDURE = block("CREATE DEFINER=`r`@`%` PROCEDURE `p`()\nBEGIN\n-- a TRIGGER x\nSELECT ';;';\nEND", ";;;")
EVENT = block("CREATE DEFINER=`r`@`%` EVENT `e` ON SCHEDULE EVERY 1 DAY DO CREATE TRIGGER x")


@pytest.mark.parametrize("program", [PROCEDURE, EVENT])
def test_programs_without_a_database_name_are_not_changed(program: bytes) -> None:
    text = b"SET x;\nALTER DATABASE `shop` COLLATE c;\n" + program + b"ALTER DATABASE `shop` COLLATE d;\n"
    assert programs_script(text, "shop", "shop") == ProgramsScript(text, 0)
    renamed = text.replace(b"ALTER DATABASE `shop`", b"ALTER DATABASE `other`")
    assert programs_script(text, "shop", "other") == ProgramsScript(renamed, 0)
    assert programs_script(text, "shop", "shop", "t").text == text.replace(program, b"")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW x", None),
        (
            "CREATE DEFINER=`r o`@`%` TRIGGER shop.a AFTER DELETE ON `shop` . `t` FOR EACH ROW shop.x",
            "CREATE DEFINER=`r o`@`%` TRIGGER a AFTER DELETE ON `t` FOR EACH ROW shop.x",
        ),
        (
            'create or replace definer = "r"@"h" trigger "shop"."a" before update or insert on "t" for each row x',
            'create or replace definer = "r"@"h" trigger "a" before update or insert on "t" for each row x',
        ),
        (
            "CREATE DEFINER=role TRIGGER IF NOT EXISTS `on t` BEFORE UPDATE OF a, b ON shop.t FOR EACH ROW x",
            "CREATE DEFINER=role TRIGGER IF NOT EXISTS `on t` BEFORE UPDATE OF a, b ON t FOR EACH ROW x",
        ),
    ],
)
def test_triggers_lose_the_database_name(text: str, expected: t.Optional[str]) -> None:
    script = block(text)
    assert programs_script(script, "shop", "shop").text == script
    assert programs_script(script, "shop", "other").text == block(expected or text)
    assert programs_script(script, "shop", "shop", "t").text == script
    assert programs_script(script, "shop", "other", "t").text == block(expected or text)
    assert programs_script(script, "shop", "shop", "tt") == ProgramsScript(b"", 0)


@pytest.mark.parametrize(
    "text", ["CREATE /* why */ TRIGGER shop.a BEFORE INSERT ON shop.t x", "CREATE TRIGGER a /*c*/ BEFORE INSERT ON t"]
)
def test_triggers_that_cannot_be_read_are_counted(text: str) -> None:
    assert programs_script(block(text), "shop", "shop") == ProgramsScript(block(text), 0)
    assert programs_script(block(text), "shop", "other") == ProgramsScript(b"", 1)
    assert programs_script(block(text), "shop", "shop", "t") == ProgramsScript(b"", 1)


def test_a_table_whose_name_is_in_another_character_set() -> None:
    script = "DELIMITER ;;\nCREATE TRIGGER a BEFORE INSERT ON ação FOR EACH ROW x;;\nDELIMITER ;\n"
    assert programs_script(script.encode(), "shop", "shop", "ação").unread == 0
    assert programs_script(script.encode("latin1"), "shop", "shop", "ação") == ProgramsScript(b"", 1)
    assert programs_script(script.encode("latin1"), "shop", "shop", "plain") == ProgramsScript(b"", 0)
