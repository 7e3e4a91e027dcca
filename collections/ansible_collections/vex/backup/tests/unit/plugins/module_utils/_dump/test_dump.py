# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files and the result of a dump for each kind of end that its tools can have."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import pathlib
import shutil
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump import dump as dump_module
from ansible_collections.vex.backup.plugins.module_utils._dump import trial as trial_module
from ansible_collections.vex.backup.plugins.module_utils._dump.data_files import DataFile, DataFiles
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan, TablePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count
from ansible_collections.vex.backup.plugins.module_utils._dump.run_tools import DumpResult
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import DatabaseDump, ToolRun
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    DumpFailed,
    Interrupted,
    NotEnoughSpace,
    OptionError,
    ProgramMissing,
    TablesUnreadable,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.broken_tables import Broken
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._dump.fake_server import (
    MARIADB_CLIENT,
    MYDUMPER_0_10,
    Contents,
    FakeServer,
    dump_request,
    install_programs,
    make_plan,
)
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.made_tables import make_table

BROKEN = DumpResult(errors=["shop: Lost connection"])


@pytest.fixture
def ends(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> t.Iterator[t.List[t.Union[DumpResult, BackupError]]]:
    """Return the ends of this test's dumps, one after the other."""
    endings: t.List[t.Union[DumpResult, BackupError]] = []
    options: t.List[str] = []

    def run_tools(run: ToolRun) -> DumpResult:
        os.makedirs(os.path.join(run.folder, "shop", "tables"))
        # The tools find the login and the settings of their sessions there, and nobody else does.
        assert os.stat(run.option_file).st_mode & 0o777 == 0o600
        options.append(pathlib.Path(run.option_file).read_text(encoding="utf-8"))
        ending = endings.pop(0)
        if isinstance(ending, BackupError):
            raise ending
        return ending

    install_programs(
        tmp_path_factory.mktemp("bin"), {"mydumper": MYDUMPER_0_10, "mariadb": MARIADB_CLIENT}, monkeypatch
    )
    server = FakeServer({"shop": Contents()})
    monkeypatch.setattr(dump_module, "connect", lambda _login: contextlib.nullcontext(server))
    monkeypatch.setattr(dump_module, "variables_for_tools", lambda _login, _purpose: {"sql_mode": "''"})
    monkeypatch.setattr(trial_module, "try_client", lambda _login, client: client)
    monkeypatch.setattr(trial_module, "try_mydumper", lambda _login, plan: plan)
    monkeypatch.setattr(dump_module, "run_tools", run_tools)
    yield endings
    assert all("SESSION sql_mode = ''" in text and 'user="vex"' in text for text in options)


def dump(path: str, keep_failed: int = 1, check_mode: bool = False, **options: t.Any) -> t.Dict[str, t.Any]:
    request = dataclasses.replace(
        dump_request(pathlib.Path()),
        path=path,
        keep_failed=keep_failed,
        check_mode=check_mode,
        **{"space_factor": 0, **options},
    )
    return dump_module.dump(request, RunLog(None))


def listed(folder: pathlib.Path) -> t.List[str]:
    return sorted(name for name in os.listdir(folder) if name.startswith("backup_"))


def test_complete_dump_gets_its_final_name(ends: t.List[object], tmp_path: pathlib.Path) -> None:
    ends.append(DumpResult())
    result = dump(str(tmp_path / "backup_20260101_030000"))
    assert (result["status"], result["changed"]) == (1, True)
    assert listed(tmp_path) == ["backup_20260101_030000"]


@pytest.mark.parametrize("written", ["backup_20260101_030000/", "./backup_20260101_030000", "backup_20260101_030000"])
def test_every_form_of_a_path(
    ends: t.List[object], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ends.append(DumpResult())
    assert dump(written)["manifest"] == str(tmp_path / "backup_20260101_030000" / "manifest.json")
    assert listed(tmp_path) == ["backup_20260101_030000"]


@pytest.mark.parametrize("ending", [BROKEN, Interrupted("this step was interrupted by SIGTERM")])
@pytest.mark.parametrize("keep", [0, 1, 2])
def test_number_of_failed_dumps_that_are_kept(
    ends: t.List[object], tmp_path: pathlib.Path, ending: object, keep: int
) -> None:
    names = [f"backup_2026010{day}_030000" for day in (1, 2, 3)]
    for name in names:
        ends.append(ending)
        with pytest.raises(BackupError) as caught:
            dump(str(tmp_path / name), keep_failed=keep)
        assert caught.value.details["status"] == 3
    assert listed(tmp_path) == [f"{name}.partial" for name in names[len(names) - keep :]]


def test_failure_names_the_kept_data(ends: t.List[object], tmp_path: pathlib.Path) -> None:
    path = tmp_path / "backup_20260101_030000"
    ends += [BROKEN, BROKEN]
    with pytest.raises(DumpFailed, match=rf"Lost connection; the data is kept in {path}\.partial$"):
        dump(str(path))
    with pytest.raises(DumpFailed, match=r"Lost connection$"):
        dump(str(tmp_path / "backup_20260101_030001"), keep_failed=0)
    assert listed(tmp_path) == []


def test_existing_path_is_refused(ends: t.List[object], tmp_path: pathlib.Path) -> None:
    with pytest.raises(OptionError, match="exists, and a dump never replaces another") as caught:
        dump(str(tmp_path))
    assert caught.value.details["status"] == 3
    assert "server_version" not in caught.value.details
    assert ends == []


def test_a_dump_without_a_thread_is_refused(ends: t.List[object], tmp_path: pathlib.Path) -> None:
    with pytest.raises(OptionError, match="threads must be at least 1"):
        dump(str(tmp_path / "backup_20260101_030000"), threads=0)
    assert ends == []


def test_check_mode_names_tables_that_cannot_be_read(
    ends: t.List[object], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {"t": Broken("it crashed", is_lost=True), "m": Broken("of others", is_lost=False)}
    plan = make_plan(DatabasePlan("shop", "shop", [], [], [], broken=broken))
    monkeypatch.setattr(trial_module, "draft_plan", lambda *_arguments: plan)
    with pytest.raises(TablesUnreadable, match=r"^shop\.t is not in the dump, because it cannot be read: it crashed"):
        dump(str(tmp_path / "backup_20260101_030000"), check_mode=True)
    assert ends == []


def test_check_mode_only_plans(ends: t.List[object], tmp_path: pathlib.Path) -> None:
    result = dump(str(tmp_path / "backup_20260101_030000"), check_mode=True)
    assert (result["status"], result["changed"], result["tables"]) == (1, True, 0)
    assert "dump_errors" not in result
    assert ends == []
    assert list(tmp_path.iterdir()) == []


def test_failed_dumps_are_removed_when_the_disk_is_too_small(
    ends: t.List[object], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "backup_20260101_020000.partial").mkdir()

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=0 if listed(tmp_path) else 10**9))
    ends.append(DumpResult())
    assert dump(str(tmp_path / "backup_20260101_030000"), keep_failed=2, space_factor=1)["status"] == 1


@pytest.mark.parametrize(
    ("columns", "shown", "sentence"),
    [
        (("id",), 2, "shop.t: the dump has 1 rows, and the server has at least 2"),
        (("other",), 1, "shop.t: the dump lacks the column 'id' of every row"),
        (("id",), 1, ""),
    ],
)
def test_incomplete_tables_are_errors(
    ends: t.List[object],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    columns: t.Tuple[str, ...],
    shown: int,
    sentence: str,
) -> None:
    files = {"shop/tables/t.sql": DataFile(9, Count(1, "1f", columns))}
    monkeypatch.setattr(DataFiles, "wait", lambda _self: files)
    plan = DatabasePlan("shop", "shop", [TablePlan(make_table("t"), "")], [], [])
    ends.append(DumpResult([DatabaseDump(plan, {"t": ["tables/t.sql"]}, "", [], {"t": {"sampled": shown}}, None)]))
    path = str(tmp_path / "backup_20260101_030000")
    if not sentence:
        result = dump(path)
        assert (result["status"], result["dump_bytes"]) == (1, 9)
        return
    with pytest.raises(DumpFailed, match=f"the dump failed: {sentence}; the data is kept in ") as caught:
        dump(path)
    assert caught.value.details["status"] == 3
    assert caught.value.details["dump_errors"] == [sentence]


def test_warnings_are_in_the_result(ends: t.List[object], tmp_path: pathlib.Path) -> None:
    ends.append(DumpResult(warnings=["shop: no position"]))
    result = dump(str(tmp_path / "backup_20260101_030000"))
    assert (result["status"], result["dump_warnings"]) == (2, ["shop: no position"])


def test_missing_compressor_is_named_before_the_tools_run(ends: t.List[object], tmp_path: pathlib.Path) -> None:
    with pytest.raises(ProgramMissing, match="install gzip, or choose another compression"):
        dump(str(tmp_path / "backup_20260101_030000"), compression="gzip")
    assert ends == []


@pytest.mark.parametrize(
    ("number", "kind", "message"),
    [
        (errno.ENOSPC, NotEnoughSpace, "is full: make room"),
        (errno.EACCES, DumpFailed, "let the account that runs the backup write to"),
    ],
)
def test_refusals_of_the_operating_system_have_a_remedy(
    ends: t.List[object],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    kind: t.Type[BackupError],
    message: str,
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(dump_module, "finish_files", refuse)
    ends.append(DumpResult())
    with pytest.raises(kind, match=message) as caught:
        dump(str(tmp_path / "backup_20260101_030000"))
    assert caught.value.details["status"] == 3


def test_logs_are_copied_into_the_dump(ends: t.List[object], tmp_path: pathlib.Path) -> None:
    log = tmp_path / "mydumper.log"
    log.write_text("# shop\n", encoding="ascii")
    ends.append(DumpResult())
    dump(str(tmp_path / "backup_20260101_030000"), dump_log=str(log))
    assert (tmp_path / "backup_20260101_030000" / "mydumper_log.log").read_text(encoding="ascii") == "# shop\n"
