# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""myloader's arguments by generation, and the failures in its output."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import parse_version
from ansible_collections.vex.backup.plugins.module_utils._tools.myloader import Load, arguments, failures

OLD = parse_version("myloader 0.10.0, built against MySQL 10.11.14")
NEW = parse_version("myloader v1.0.1-3, built against MySQL 8.4.4 with SSL support")
COMMON = ["--defaults-file=/l.cnf", "--directory=/d", "--threads=3", "--verbose=2"]


@pytest.mark.parametrize(
    ("options", "old", "new"),
    [
        ({}, [], []),
        ({"binlog": True}, ["--enable-binlog"], ["--enable-binlog"]),
        ({"target": "b", "source": "a"}, ["--database=b"], ["--database=b", "--source-db=a"]),
        ({"source": "a", "table": "t"}, [], ["--source-db=a", "--tables-list=a.t"]),
    ],
)
def test_arguments(options: t.Dict[str, t.Any], old: t.List[str], new: t.List[str]) -> None:
    load = Load(**{"directory": "/d", "defaults_file": "/l.cnf", "threads": 3, "binlog": False, **options})
    assert arguments(OLD, load) == [*COMMON, *old, "--queries-per-transaction=8"]
    assert arguments(NEW, load) == [*COMMON, *new]


@pytest.mark.parametrize(
    ("returncode", "stderr", "expected"),
    [
        (0, "", []),
        (0, "** (myloader:1): WARNING **: 10:00:00.000: slow", []),
        (
            0,
            "\n** (myloader:1): CRITICAL **: 10:00:00.000: Error restoring a.t from file a.t.sql: Lost connection\n",
            ["Error restoring a.t from file a.t.sql: Lost connection"],
        ),
        (1, "", ["myloader exited with 1: it printed no reason"]),
        (-9, "killed", ["myloader exited with -9: killed"]),
    ],
)
def test_failures(returncode: int, stderr: str, expected: t.List[str]) -> None:
    assert failures(returncode, stderr) == expected
