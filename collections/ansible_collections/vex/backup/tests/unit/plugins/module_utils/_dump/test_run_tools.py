# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The snapshots of a dump, one after the other, and the failures of single ones."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t
from unittest import mock

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR, SUCCESS, WARNING
from ansible_collections.vex.backup.plugins.module_utils._dump import run_tools as run_tools_module
from ansible_collections.vex.backup.plugins.module_utils._dump import snapshot as snapshot_module
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.run_tools import DumpResult, run_tools
from ansible_collections.vex.backup.plugins.module_utils._dump.snapshot import SnapshotResult, dump_snapshot
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import DatabaseDump, ToolRun
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    CommandTimeout,
    DumpFailed,
    ServerUnavailable,
    TablesInUse,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.broken_tables import Broken
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import BinlogPosition
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._dump.fake_server import SERVER, make_plan, make_run

A, B = (DatabasePlan(name, name, [], [], []) for name in "ab")
LOST = "the server no longer answers"
NOT_DUMPED = "the remaining databases are not dumped"


def dumped(plan: DatabasePlan, position: t.Optional[BinlogPosition] = None) -> DatabaseDump:
    return DatabaseDump(plan, {}, "x", [], {}, position)


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> t.List[t.Sequence[str]]:
    """Return the names of each snapshot's databases; those with the database ``b`` alone fail."""
    found: t.List[t.Sequence[str]] = []

    def take(_run: ToolRun, names: t.Sequence[str]) -> SnapshotResult:
        found.append(names)
        if names == ["b"]:
            return SnapshotResult(errors=["b: lost"])
        return SnapshotResult([dumped(DatabasePlan(name, name, [], [], [])) for name in names], ["odd"])

    monkeypatch.setattr(run_tools_module, "dump_snapshot", take)
    return found


@pytest.mark.parametrize(
    ("mode", "names", "snapshots", "consistent"),
    [
        ("individual", ["a", "c"], [["a"], ["c"]], False),
        ("individual", ["a"], [["a"]], True),
        ("instance", ["a", "c"], [["a", "c"]], True),
    ],
)
def test_snapshots_by_mode(
    tmp_path: pathlib.Path,
    groups: t.List[t.Sequence[str]],
    mode: str,
    names: t.List[str],
    snapshots: t.List[t.List[str]],
    consistent: bool,
) -> None:
    plans = [DatabasePlan(name, name, [], [], []) for name in names]
    result = run_tools(make_run(tmp_path, make_plan(*plans, mode=mode)))
    assert groups == snapshots
    assert [one.plan.name for one in result.databases] == names
    assert (result.consistent, result.status, len(result.warnings)) == (consistent, WARNING, len(snapshots))
    assert (tmp_path / "dump").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("answers", "names", "messages"), [(True, ["a", "c"], ["b: lost"]), (False, ["a"], ["b: lost", LOST, NOT_DUMPED])]
)
def test_failure_of_one_database(
    tmp_path: pathlib.Path,
    groups: t.List[t.Sequence[str]],
    monkeypatch: pytest.MonkeyPatch,
    answers: bool,
    names: t.List[str],
    messages: t.List[str],
) -> None:
    lost = ServerUnavailable("gone")
    monkeypatch.setattr(run_tools_module, "connect", mock.MagicMock(side_effect=None if answers else lost))
    plans = [DatabasePlan(name, name, [], [], []) for name in "abc"]
    result = run_tools(make_run(tmp_path, make_plan(*plans)))
    assert [one.plan.name for one in result.databases] == names
    assert (result.errors, result.status, result.consistent) == (messages, ERROR, False)


@pytest.mark.parametrize(
    ("positions", "text"),
    [
        ([BinlogPosition("bin.1", "4", "0-1-9")] * 2, "bin.1:4 0-1-9"),
        ([BinlogPosition("bin.1", "4", "")] * 2, "bin.1:4"),
        ([BinlogPosition("bin.1", "4", "x"), BinlogPosition("bin.1", "7", "y")], "a=bin.1:4; b=bin.1:7"),
        ([None, BinlogPosition("bin.1", "7", "")], "bin.1:7"),
        ([None, None], ""),
    ],
)
def test_text_of_positions(positions: t.List[t.Optional[BinlogPosition]], text: str) -> None:
    result = DumpResult([dumped(plan, position) for plan, position in zip((A, B), positions)])
    assert (result.binlog_position_text, result.status) == (text, SUCCESS)


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """Return the reading of a snapshot, which a test lets fail."""
    made = mock.Mock()
    made.return_value.read.return_value = []
    made.return_value.result.return_value = [dumped(A)]
    made.return_value.position = None
    made.return_value.warnings = []
    made.return_value.lost = []
    monkeypatch.setattr(snapshot_module, "_Snapshot", made)
    monkeypatch.setattr(snapshot_module, "connect", mock.MagicMock())
    monkeypatch.setattr(snapshot_module, "has_database", lambda _connection, name: name != "gone")
    monkeypatch.setattr(snapshot_module, "plan_database", lambda _connection, _plan, _name, _unreadable: A)
    monkeypatch.setattr(snapshot_module, "find_culprits", lambda *_arguments: {})
    monkeypatch.setattr(snapshot_module, "find_changes", lambda *_arguments: "")
    return made


@pytest.mark.parametrize(("names", "label"), [(["a"], "a"), (["a", "b"], "the instance")])
@pytest.mark.parametrize("error", [DumpFailed("broken"), ServerUnavailable("broken")])
def test_errors_of_a_snapshot_are_named(
    tmp_path: pathlib.Path, reading: mock.Mock, names: t.List[str], label: str, error: Exception
) -> None:
    reading.side_effect = error
    run = make_run(tmp_path, make_plan())
    assert dump_snapshot(run, names).errors == [f"{label}: broken"]
    reading.side_effect = None
    reading.return_value.read.return_value = ["one", "two"]
    assert dump_snapshot(run, names).errors == [f"{label}: one", f"{label}: two"]


def test_a_snapshot_begins_again_without_the_tables_that_cannot_be_read(
    tmp_path: pathlib.Path, reading: mock.Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Broken("it crashed", is_lost=True)
    culprits = iter([{"a": {"t": broken}}, {"a": {"u": broken}}])
    plans: t.List[t.Mapping[str, Broken]] = []

    def plan(_connection: object, _plan: object, _name: str, unreadable: t.Mapping[str, Broken]) -> DatabasePlan:
        plans.append(dict(unreadable))
        return A._replace(broken=unreadable)

    monkeypatch.setattr(snapshot_module, "plan_database", plan)
    monkeypatch.setattr(snapshot_module, "find_culprits", lambda *_arguments: next(culprits))
    reading.return_value.read.side_effect = [["a.t is broken"], ["a.u is broken"], []]
    run = make_run(tmp_path, make_plan(server=SERVER._replace(binlog_enabled=False)))
    left = tmp_path / "dump" / "a" / "tables" / "a.t.sql"
    left.parent.mkdir(parents=True)
    left.touch()
    lost = [
        f"a.{name} is not in the dump, because it cannot be read: it crashed. Repair, exclude or drop it"
        for name in "tu"
    ]
    assert dump_snapshot(run, ["a"]) == SnapshotResult([dumped(A)], [], lost)
    assert [list(tables) for tables in plans] == [[], ["t"], ["t", "u"]]
    assert not left.exists()


def test_time_limit_is_no_error_of_a_snapshot(tmp_path: pathlib.Path, reading: mock.Mock) -> None:
    reading.side_effect = CommandTimeout("late")
    with pytest.raises(CommandTimeout):
        dump_snapshot(make_run(tmp_path, make_plan()), ["a"])


@pytest.mark.parametrize(
    ("writes", "position", "warnings"),
    [
        (True, None, ["a: the server writes a binary log, but the dump has no binlog position"]),
        (True, BinlogPosition("b", "4", ""), []),
        (False, None, []),
    ],
)
def test_missing_position_is_a_warning(
    tmp_path: pathlib.Path, reading: mock.Mock, writes: bool, position: object, warnings: t.List[str]
) -> None:
    reading.return_value.position = position
    run = make_run(tmp_path, make_plan(server=SERVER._replace(binlog_enabled=writes)))
    assert dump_snapshot(run, ["a"]) == SnapshotResult([dumped(A)], warnings, [])


def test_dropped_database_is_left_out(tmp_path: pathlib.Path, reading: mock.Mock) -> None:
    run = make_run(tmp_path, make_plan(server=SERVER._replace(binlog_enabled=False)))
    dropped = ["gone: it was dropped before its dump began"]
    assert dump_snapshot(run, ["a", "gone"]) == SnapshotResult([dumped(A)], dropped, [])
    assert dump_snapshot(run, ["gone"]) == SnapshotResult((), dropped)
    wanted = dataclasses.replace(run, request=dataclasses.replace(run.request, databases=["a", "gone"]))
    assert dump_snapshot(wanted, ["a", "gone"]) == SnapshotResult(errors=dropped)


def test_tables_in_use_end_the_dump(
    tmp_path: pathlib.Path, reading: mock.Mock, groups: t.List[t.Sequence[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each further snapshot would hold up the writers of the server as well."""
    reading.side_effect = TablesInUse("in use")
    monkeypatch.setattr(run_tools_module, "dump_snapshot", dump_snapshot)
    result = run_tools(make_run(tmp_path, make_plan(A, B, mode="individual")))
    assert result.errors == ["a: in use", NOT_DUMPED]


def test_failure_of_a_snapshot_stops_only_its_own_readers(tmp_path: pathlib.Path, reading: mock.Mock) -> None:
    def fail(run: ToolRun, *_arguments: object, **_options: object) -> None:
        run.deadline.stop()
        raise DumpFailed("broken")

    reading.side_effect = fail
    run = make_run(tmp_path, make_plan())
    dump_snapshot(run, ["a"])
    run.deadline.check()
