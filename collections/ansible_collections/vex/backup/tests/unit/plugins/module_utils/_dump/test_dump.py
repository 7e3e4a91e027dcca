# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a dump leaves on the disk, however it ends; server and programs stand in."""

from __future__ import annotations

import contextlib
import os
import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump import dump as dump_module
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import Plan
from ansible_collections.vex.backup.plugins.module_utils._dump.run_tools import DumpResult
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, DumpFailed, Interrupted
from ansible_collections.vex.backup.plugins.module_utils._mysql import server as server_module
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, Version

SERVER = Server("mariadb", "10.11.18-MariaDB", (10, 11, 18), "'vex'@'%'", "abc", False)
PLAN = Plan(SERVER, "individual", [], "/bin/mydumper", Version("0.10.1", LEGACY), None)
BROKEN = DumpResult(errors=["shop: Lost connection"])


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> t.List[t.Union[DumpResult, BackupError]]:
    """How the dumps of this test end, one after the other."""
    endings: t.List[t.Union[DumpResult, BackupError]] = []

    def run_dumps(partial: str, *_rest: object) -> DumpResult:
        os.mkdir(os.path.join(partial, "dump"))
        ending = endings.pop(0)
        if isinstance(ending, BackupError):
            raise ending
        return ending

    monkeypatch.setattr(dump_module, "connect", lambda *_arguments, **_options: contextlib.nullcontext())
    monkeypatch.setattr(server_module, "describe", lambda _connection: SERVER)
    monkeypatch.setattr(dump_module, "make_plan", lambda *_arguments: PLAN)
    monkeypatch.setattr(dump_module, "run_dumps", run_dumps)
    return endings


def dump(path: str, **params: t.Any) -> t.Dict[str, t.Any]:
    given = {
        "path": path,
        "timeout": 0,
        "connect_timeout": 10,
        "keep_failed": 1,
        "threads": 4,
        "compression": "none",
        "run_log": None,
        "dump_log": None,
        "run_uuid": None,
        "hostname": None,
        "login_user": "vex",
    }
    return dump_module.dump({**given, **params}, RunLog(None), check_mode=False)


def listed(folder: pathlib.Path) -> t.List[str]:
    return sorted(name for name in os.listdir(folder) if name.startswith("backup_"))


def test_a_whole_dump_gets_its_name(ends: t.List[object], tmp_path: pathlib.Path) -> None:
    ends.append(DumpResult())
    facts = dump(str(tmp_path / "backup_20260101_030000"))
    assert (facts["status"], facts["changed"]) == (1, True)
    assert listed(tmp_path) == ["backup_20260101_030000"]


@pytest.mark.parametrize("written", ["backup_20260101_030000/", "./backup_20260101_030000", "backup_20260101_030000"])
def test_a_path_is_one_however_it_is_written(
    ends: t.List[object], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ends.append(DumpResult())
    assert dump(written)["manifest"] == str(tmp_path / "backup_20260101_030000" / "manifest.json")
    assert listed(tmp_path) == ["backup_20260101_030000"]


@pytest.mark.parametrize("ending", [BROKEN, Interrupted("the backup was told to end (SIGTERM)")])
@pytest.mark.parametrize("keep", [0, 1, 2])
def test_no_more_failures_stay_than_may(
    ends: t.List[object], tmp_path: pathlib.Path, ending: object, keep: int
) -> None:
    names = [f"backup_2026010{day}_030000" for day in (1, 2, 3)]
    for name in names:
        ends.append(ending)
        with pytest.raises(BackupError) as caught:
            dump(str(tmp_path / name), keep_failed=keep)
        assert caught.value.details["status"] == 3
    assert listed(tmp_path) == [f"{name}.partial" for name in names[len(names) - keep :]]


def test_a_failure_says_where_its_data_is_if_it_is(ends: t.List[object], tmp_path: pathlib.Path) -> None:
    path = tmp_path / "backup_20260101_030000"
    ends += [BROKEN, BROKEN]
    with pytest.raises(DumpFailed, match=rf"Lost connection; what was dumped is kept in {path}\.partial$"):
        dump(str(path))
    with pytest.raises(DumpFailed, match=r"Lost connection$"):
        dump(str(tmp_path / "backup_20260101_030001"), keep_failed=0)
    assert listed(tmp_path) == []
