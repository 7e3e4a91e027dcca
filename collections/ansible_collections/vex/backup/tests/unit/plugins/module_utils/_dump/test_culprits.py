# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The reasons why a snapshot failed, without a server; the others are in tests/integration/test_changed_tables.py."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump import culprits as culprits_module
from ansible_collections.vex.backup.plugins.module_utils._dump.culprits import find_changes, find_culprits
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan, TablePlan
from ansible_collections.vex.backup.plugins.module_utils._errors import ServerUnavailable, TableFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.broken_tables import Broken
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._dump.fake_server import make_plan, make_run
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.made_tables import make_table


def test_mydumper_says_that_a_table_was_changed(tmp_path: pathlib.Path) -> None:
    errors = ["a: Could not read data: Table definition has changed, please retry transaction"]
    assert find_changes(make_run(tmp_path, make_plan()), [], errors) == "a table was changed"


def test_a_server_that_is_away_changes_no_reason(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_arguments: object, **_options: object) -> None:
        raise ServerUnavailable("away")

    monkeypatch.setattr(culprits_module, "connect", connect)
    run = make_run(tmp_path, make_plan(), seconds=60)
    assert find_changes(run, [], ["lost"]) == ""
    assert find_culprits(run, [], ["lost"], None) == {}
    failed = TableFailed("a", "t", "it crashed")
    assert find_culprits(run, [], ["lost"], failed) == {"a": {"t": Broken("it crashed", is_lost=True)}}


@pytest.mark.parametrize("others", [[], [DatabasePlan("b", "b", [TablePlan(make_table("u"), "")], [], [])]])
def test_nothing_is_read_when_the_failed_table_is_the_only_suspect(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, others: t.List[DatabasePlan]
) -> None:
    monkeypatch.setattr(culprits_module, "connect", lambda *_arguments, **_options: contextlib.nullcontext())
    log = tmp_path / "logs" / "run.log"
    run = dataclasses.replace(make_run(tmp_path, make_plan()), log=RunLog(str(log)))
    planned = [DatabasePlan("a", "a", [TablePlan(make_table("t"), "")], [], []), *others]
    failed = TableFailed("a", "t", "it crashed")
    assert find_culprits(run, planned, ["a.t: it crashed"], failed) == {"a": {"t": Broken("it crashed", is_lost=True)}}
    assert not log.exists()
