# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The databases that mysqldump dumps instead of MyDumper 0.10, its arguments, and its failures."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Objects
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, MODERN, Version
from ansible_collections.vex.backup.plugins.module_utils._tools.mysqldump import (
    Tool,
    arguments,
    failures,
    parse_binlog_position,
    parse_tool,
    reason_for_mysqldump,
)

OLD = Version("0.10.1", LEGACY)
NEW = Version("1.0.1", MODERN)
PLAIN = Objects(["orders"], ["v"], [], [], [], [], 0)
MARIADB = Tool("/usr/bin/mariadb-dump", "mariadb-dump 10.19", mariadb=True, history=True, source_data=False)
MYSQL = Tool("/usr/bin/mysqldump", "mysqldump 9.7", mariadb=False, history=False, source_data=True)
DONE = "/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;\n\n-- Dump completed on 2026-11-22 18:27:02\n"


@pytest.mark.parametrize("name", ["a", "we ird-é🛒", "mydumper_0", "100%", 'do"uble', "$(x)", "-rf", "a-b", " lead"])
def test_mydumper_accepts_plain_and_odd_names(name: str) -> None:
    assert reason_for_mysqldump(OLD, "mariadb", name, PLAIN._replace(tables=[name], views=[name])) == ""


UNSAFE = ["a`b", "it's", "a/b", "a.b", "a\\b", "a\nb", "a-schema", "x-schema-view", "a-checksum", "a-metadata"]


@pytest.mark.parametrize("name", UNSAFE)
def test_name_with_another_meaning_is_a_reason(name: str) -> None:
    reason = f"the name {name!r}"
    assert reason_for_mysqldump(OLD, "mariadb", name, PLAIN) == reason
    assert reason_for_mysqldump(OLD, "mariadb", "shop", PLAIN._replace(tables=["a", name])) == reason
    assert reason_for_mysqldump(OLD, "mariadb", "shop", PLAIN._replace(views=["a", name])) == reason
    assert reason_for_mysqldump(NEW, "mariadb", name, PLAIN._replace(tables=[name])) == ""


def test_too_long_file_name_is_a_reason() -> None:
    database, table = "é" * 48, "🛒" * 32
    assert reason_for_mysqldump(OLD, "mariadb", database, PLAIN._replace(tables=[table])) == ""
    longer = PLAIN._replace(tables=[f"{table}x"])
    assert reason_for_mysqldump(OLD, "mariadb", database, longer) == f"the length of the name '{table}x'"


def test_database_name_that_is_not_ascii_is_a_reason_on_mysql() -> None:
    assert reason_for_mysqldump(OLD, "mysql", "ação", PLAIN) == "the name 'ação'"
    assert reason_for_mysqldump(OLD, "mysql", "shop", PLAIN._replace(tables=["ação"], views=["é"])) == ""
    assert reason_for_mysqldump(OLD, "mariadb", "ação", PLAIN) == ""
    assert reason_for_mysqldump(NEW, "mysql", "ação", PLAIN) == ""


def test_columns_and_history_that_mydumper_leaves_out_are_a_reason() -> None:
    odd = PLAIN._replace(odd_columns=["orders.hidden"])
    assert reason_for_mysqldump(OLD, "mariadb", "shop", odd).startswith("the column 'orders.hidden' (invisible")
    assert reason_for_mysqldump(OLD, "mariadb", "shop", PLAIN._replace(versioned=["prices"])) == "the history of prices"
    assert reason_for_mysqldump(NEW, "mariadb", "shop", odd._replace(versioned=["prices"])) == ""


@pytest.mark.parametrize(
    ("version", "text", "mariadb", "history", "source_data"),
    [
        (
            "mysqldump  Ver 10.19 Distrib 10.11.14-MariaDB, for debian-linux-gnu (x86_64)\n",
            "  --dump-history",
            True,
            True,
            False,
        ),
        ("mariadb-dump from 11.8.2-MariaDB, client 10.19\n", "", True, False, False),
        (
            "mysqldump  Ver 9.7.4 for Linux on x86_64 (MySQL Community Server - GPL)\n",
            "--source-data",
            False,
            False,
            True,
        ),
        ("mysqldump  Ver 8.0.20 for Linux on x86_64 (Source distribution)\n", "--master-data", False, False, False),
    ],
)
def test_maker_and_options_are_recognised(
    version: str, text: str, mariadb: bool, history: bool, source_data: bool
) -> None:
    assert parse_tool("/bin/x", version, text) == Tool("/bin/x", version.strip(), mariadb, history, source_data)


@pytest.mark.parametrize(
    ("tool", "own"),
    [(MARIADB, ["--dump-history"]), (MYSQL, ["--set-gtid-purged=OFF", "--column-statistics=0"])],
)
def test_arguments(tool: Tool, own: t.List[str]) -> None:
    assert arguments(
        tool, option_file="/p/client.cnf", database="-x y", output="/d/out.sql", binlog_position=False
    ) == [
        # This option must be the first.
        "--defaults-file=/p/client.cnf",
        "--default-character-set=utf8mb4",
        "--single-transaction",
        "--no-tablespaces",
        "--hex-blob",
        "--skip-triggers",
        "--result-file=/d/out.sql",
        *own,
        "--databases",
        "--",
        "-x y",
    ]


@pytest.mark.parametrize("end", [DONE, DONE.rstrip(), "-- Dump completed\n", f"{DONE}\n"])
def test_complete_dump_has_no_failures(end: str) -> None:
    assert failures(0, "WARNING: option --ssl-verify-server-cert is disabled\n", end) == []


@pytest.mark.parametrize(
    "end",
    ["", "INSERT INTO `t` VALUES (1),", f"{DONE}INSERT INTO `t` VALUES (1", f"/*!50001 VIEW `v` AS\n{DONE}select 1"],
)
def test_dump_without_its_end_is_not_complete(end: str) -> None:
    assert failures(0, "", end) == ["the output of mysqldump does not end with 'Dump completed'"]


@pytest.mark.parametrize("returncode", [1, 2, 6, -9, 139])
def test_other_exit_statuses_are_failures(returncode: int) -> None:
    stderr = "mysqldump: Got error: 1045: Access denied\n\n"
    assert failures(returncode, stderr, DONE) == ["mysqldump: Got error: 1045: Access denied"]
    assert failures(returncode, "\n", DONE) == [f"mysqldump exited with {returncode} and printed no reason"]


@pytest.mark.parametrize(("tool", "option"), [(MARIADB, "--master-data=2"), (MYSQL, "--source-data=2")])
def test_binlog_position_is_an_option(tool: Tool, option: str) -> None:
    with_position = arguments(tool, option_file="f", database="d", output="o", binlog_position=True)
    assert option in with_position
    assert [one for one in with_position if one != option] == arguments(
        tool, option_file="f", database="d", output="o", binlog_position=False
    )


@pytest.mark.parametrize(
    "line",
    [
        "-- CHANGE MASTER TO MASTER_LOG_FILE='binlog.000002', MASTER_LOG_POS=344;",
        "-- CHANGE REPLICATION SOURCE TO SOURCE_LOG_FILE='binlog.000002', SOURCE_LOG_POS=344;",
    ],
)
def test_binlog_position(line: str) -> None:
    assert parse_binlog_position(f"--\n-- Position\n--\n\n{line}\n") == ("binlog.000002", "344", "")
    assert parse_binlog_position(f"INSERT INTO t VALUES ('{line}');") is None
