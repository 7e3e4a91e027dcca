# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Failures while the tools run: of a tool, of the server, and of what is read beside MyDumper."""

from __future__ import annotations

import contextlib
import pathlib
import typing as t
from unittest import mock

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump import run_mydumper as run_mydumper_module
from ansible_collections.vex.backup.plugins.module_utils._dump import run_tools as run_tools_module
from ansible_collections.vex.backup.plugins.module_utils._dump.dump import DumpRequest
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan, Plan
from ansible_collections.vex.backup.plugins.module_utils._dump.run_mysqldump import _first_and_last_lines
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import ToolResult, ToolRun
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout, DumpStalled, ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Objects, Program, Server
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, MODERN, Version

NOWHERE = Login("", 0, "/nowhere.sock", "vex", "", None)
MARIADB = Server("mariadb", "10.11.18-MariaDB", (10, 11, 18), "'vex'@'%'", "abc", False)
MYSQL = Server("mysql", "9.7.4", (9, 7, 4), "'vex'@'%'", "abc", True)
LOST = "the server no longer answers; the remaining databases are not dumped"
# Writes what a MyDumper 0.10 leaves of an empty database.
MYDUMPER = """#!/bin/sh
for word; do case "$word" in --outputdir=*) output="${word#*=}" ;; --logfile=*) log="${word#*=}" ;; esac; done
mkdir "$output"
echo "2026-01-01 03:00:00 [INFO] - Thread 1 dumping data" >"$log"
echo "2026-01-01 03:00:01 [INFO] - Finished dump at: 2026-01-01 03:00:01" >>"$log"
printf 'Started dump at: 2026-01-01 03:00:00\\nFinished dump at: 2026-01-01 03:00:01\\n' >"$output/metadata"
"""


class Log(RunLog):
    """A run log that keeps its warnings."""

    def __init__(self) -> None:
        super().__init__(None)
        self.warnings: t.List[str] = []

    def warning(self, message: str) -> None:
        """Keep *message*."""
        self.warnings.append(message)


def database(name: str, *programs: Program) -> DatabasePlan:
    return DatabasePlan(name, name, Objects([], [], list(programs), [], [], [], 0), "", list(programs))


def make_run(
    tmp_path: pathlib.Path, databases: t.Sequence[DatabasePlan], server: Server = MARIADB, generation: str = LEGACY
) -> ToolRun:
    program = tmp_path / "mydumper"
    program.write_text(MYDUMPER, encoding="ascii")
    program.chmod(0o755)
    version = Version("0.10.1" if generation == LEGACY else "1.0.1", generation)
    plan = Plan(server, "individual", databases, str(program), version, None)
    request = DumpRequest(
        login=NOWHERE,
        path=str(tmp_path / "dump"),
        dump_log=str(tmp_path / "dump.log"),
        run_log=None,
        databases=[],
        exclude_databases=[],
        mode="individual",
        threads=2,
        routines=True,
        triggers=True,
        events=True,
        compression="none",
        long_query_guard=60,
        timeout=0,
        space_factor=0.0,
        keep_failed=0,
        run_uuid=None,
        hostname=None,
        check_mode=False,
    )
    return ToolRun(request, plan, str(tmp_path / "dump"), "/dev/null", Deadline(0, "the dump"), 0, Log(), None)


@pytest.mark.parametrize(("answers", "messages"), [(True, ["a: lost", "b: lost"]), (False, ["a: lost", LOST])])
def test_a_lost_server_ends_the_dump(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, answers: bool, messages: t.List[str]
) -> None:
    def fail(_run: ToolRun, group: t.Sequence[DatabasePlan]) -> ToolResult:
        return ToolResult(errors=[f"{group[0].name}: lost"])

    monkeypatch.setattr(run_tools_module, "run_mydumper", fail)
    if answers:
        monkeypatch.setattr(run_tools_module, "connect", mock.MagicMock())
    result = run_tools_module.run_tools(make_run(tmp_path, [database("a"), database("b")]))
    assert result.errors == messages
    assert not result.consistent


def test_stored_programs_of_a_lost_server_are_an_error(tmp_path: pathlib.Path) -> None:
    run = make_run(tmp_path, [database("a", Program("PROCEDURE", "p"))])
    (error,) = run_tools_module.run_tools(run).errors[:1]
    assert error.startswith("a: the server at /nowhere.sock could not be reached")


@pytest.mark.parametrize("generation", [LEGACY, MODERN])
def test_an_empty_database_is_dumped(tmp_path: pathlib.Path, generation: str) -> None:
    run = make_run(tmp_path, [database("a")], generation=generation)
    result = run_tools_module.run_tools(run)
    assert result.errors == []
    assert "# a" in (tmp_path / "dump.log").read_text(encoding="utf-8")


def test_the_log_of_a_broken_off_mydumper_is_kept(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_mydumper_module, "_run_to_end", mock.Mock(side_effect=CommandTimeout("too long")))
    with pytest.raises(CommandTimeout):
        run_tools_module.run_tools(make_run(tmp_path, [database("a")]))
    assert (tmp_path / "dump.log").read_text(encoding="utf-8") == "# a\n"


def test_a_mydumper_that_stalls_twice_is_an_error(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stall(_run: ToolRun, dump: t.Any) -> None:
        pathlib.Path(dump.output).mkdir()
        raise DumpStalled("it waits")

    monkeypatch.setattr(run_mydumper_module, "_run_to_end", stall)
    run = make_run(tmp_path, [database("a")])
    with pytest.raises(DumpStalled):
        run_tools_module.run_tools(run)
    assert t.cast("Log", run.log).warnings == ["dump: it waits. It was ended, and is started again"]


@pytest.mark.parametrize("step", ["block", "wait"])
def test_a_dump_without_a_binlog_position_goes_on(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Writers cannot be blocked, or the lock is lost before MyDumper has its snapshots."""
    if step == "wait":
        writers = mock.Mock(wait_for_snapshots=mock.Mock(side_effect=ServerUnavailable("lost")))
        monkeypatch.setattr(run_mydumper_module, "block_writers", lambda _login: contextlib.nullcontext(writers))
    run = make_run(tmp_path, [database("a")], MYSQL)
    result = run_tools_module.run_tools(run)
    assert t.cast("Log", run.log).warnings[0].startswith("dump: no binlog position: ")
    assert result.warnings
    assert not result.errors


def test_a_missing_dump_of_mysqldump_has_no_lines(tmp_path: pathlib.Path) -> None:
    assert _first_and_last_lines(str(tmp_path / "none.sql")) == ("", "")
