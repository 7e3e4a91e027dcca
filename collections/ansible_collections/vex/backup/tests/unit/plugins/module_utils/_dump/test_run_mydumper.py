# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The run of a program that stands for MyDumper: its snapshots, its files, and each of its ends."""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.process import Running
from ansible_collections.vex.backup.plugins.module_utils._dump import run_mydumper as run_mydumper_module
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan, TablePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.run_mydumper import MyDumperRun, started_mydumper
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import ToolRun
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout, DumpFailed, NotEnoughSpace
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import Version
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._dump.fake_server import (
    FakeFiles,
    make_plan,
    make_run,
)
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.captured_dumps import NEW, OLD
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.made_tables import make_table

# Like MyDumper 1: it begins its snapshots, closes a part, waits until that was taken away, and ends. It removes the
# file of an empty table.
MYDUMPER = """#!/bin/sh
for word; do case "$word" in --outputdir=*) output="${word#*=}" ;; --logfile=*) log="${word#*=}" ;; esac; done
say() { echo "2026-01-01 03:00:00 [$1] - $2" >>"$log"; }
mkdir "$output"
say INFO "Started dump at: 2026-01-01 03:00:00"
say INFO "Thread 1 dumping schema"
say INFO "Transactions started, unlocking tables"
echo row >"$output/shop.t.00000.sql"
exec 3>"$output/shop.t.00000.00001.sql"
echo row >&3
touch "$output/shop.empty.00000.sql"
echo row >"$output/shop.late.00000.sql"
while [ -e "$output/shop.t.00000.sql" ]; do sleep 0.02; done
rm "$output/shop.empty.00000.sql" || exit 1
@
echo '# Finished dump at: x' >"$output/metadata"
say INFO "Finished dump at: 2026-01-01 03:00:01"
"""
TABLES = [
    TablePlan(make_table("t"), ""),
    TablePlan(make_table("empty"), ""),
    TablePlan(make_table("isam"), "the engine MyISAM"),
    TablePlan(make_table("odd name"), "the name 'odd name'"),
    TablePlan(make_table("a-schema"), "the name 'a-schema'"),
]
SHOP = DatabasePlan("shop", "shop", TABLES, [], [])
# A line of its own would omit shop.t.
BY_CLIENT = DatabasePlan("é\nshop", "%C3%A9", [TablePlan(make_table("t"), "the name")], [], [])
DATABASES = [SHOP, BY_CLIENT]


def nothing_failed() -> None:
    """Take the place of a check of another reader."""


def run_with(folder: pathlib.Path, then: str = "", whole: str = "", **options: t.Any) -> ToolRun:
    """Return a run with a program that does something special before its end, or instead of everything."""
    program = folder / "mydumper"
    program.write_text(whole or MYDUMPER.replace("@", then), encoding="ascii")
    program.chmod(0o755)
    (folder / "dump").mkdir()
    driver = options.pop("driver", NEW)
    return make_run(folder, make_plan(*DATABASES, mydumper=str(program), version=Version("1.0.1", driver)), **options)


@contextlib.contextmanager
def started(run: ToolRun) -> t.Iterator[MyDumperRun]:
    with started_mydumper(run, DATABASES) as mydumper:
        mydumper.wait_for_snapshots()
        yield mydumper


def files_of(run: ToolRun) -> FakeFiles:
    return t.cast("FakeFiles", run.files)


def log_of(run: ToolRun) -> str:
    return pathlib.Path(run.request.dump_log).read_text(encoding="utf-8")


def test_complete_run(tmp_path: pathlib.Path) -> None:
    run = run_with(tmp_path)
    with started(run) as mydumper:
        assert mydumper.wait(nothing_failed) == []
        omitted = (tmp_path / "private" / "omitted").read_text(encoding="utf-8")
    parts = ["tables/shop.t.00000.sql", "tables/shop.t.00000.00001.sql"]
    assert mydumper.files == {("shop", "t"): parts}
    assert files_of(run).names == [f"shop/{part}" for part in parts]
    # The pattern of plain names leaves out the others.
    assert omitted == "shop.isam\n"
    assert log_of(run).startswith("# shop\n2026-01-01 03:00:00 [INFO] - Started dump at")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dump", "dump.log", "mydumper", "private"]
    # The table that was created after the plan was made is not there.
    assert sorted(path.name for path in (tmp_path / "dump" / "shop" / "tables").iterdir()) == [
        "shop.t.00000.00001.sql",
        "shop.t.00000.sql",
    ]


def test_file_that_a_child_still_writes_is_not_handed_over(tmp_path: pathlib.Path) -> None:
    """On some hosts, the program is a script that starts MyDumper."""
    writing = '( exec 3>"$output/shop.t.00000.00002.sql"; echo row >&3; sleep 1; echo more rows >&3 )'
    run = run_with(tmp_path, writing)
    with started(run) as mydumper:
        assert mydumper.wait(nothing_failed) == []
    sizes = files_of(run).sizes
    assert sizes["shop/tables/shop.t.00000.00002.sql"] == len("row\nmore rows\n")
    assert sizes == {name: (tmp_path / "dump" / name).stat().st_size for name in sizes}


def test_files_are_handed_over_at_the_end_where_the_system_does_not_show_open_ones(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_running: Running) -> t.NoReturn:
        raise PermissionError("no")

    monkeypatch.setattr(Running, "open_files", refuse)
    run = run_with(tmp_path, whole=MYDUMPER.replace("@", "").replace("while [", "sleep 0.5; while false && ["))
    with started(run) as mydumper:
        assert mydumper.wait(nothing_failed) == []
    assert len(files_of(run).names) == 2


def test_file_that_is_removed_meanwhile(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = run_mydumper_module._list
    monkeypatch.setattr(run_mydumper_module, "_list", lambda folder: [*listed(folder), "shop.gone.00000.sql"])
    run = run_with(tmp_path)
    with started(run) as mydumper:
        assert mydumper.wait(nothing_failed) == []
    assert len(files_of(run).names) == 2


def test_old_log_is_not_read(tmp_path: pathlib.Path) -> None:
    run = run_with(tmp_path, whole="#!/bin/sh\nexit 7\n")
    (tmp_path / "dump.log.part").write_text("[INFO] - Transactions started, unlocking tables\n", encoding="ascii")
    with pytest.raises(DumpFailed, match=r"^MyDumper began no snapshot: the dump is not complete"), started(run):
        pass


@pytest.mark.parametrize(
    ("then", "failure"),
    [
        ("say WARNING 'Retrying last failed executed statement'", "Retrying last failed executed statement"),
        ("echo '** (mydumper:1): CRITICAL **: broken' >&2", "broken"),
        ("kill -TERM $$; sleep 9", "MyDumper was ended by signal 15"),
        ('touch "$output/metadata.partial"', "the dump is not complete: its metadata is still metadata.partial"),
        ("exit 1", "the dump is not complete: its metadata was not written"),
    ],
)
def test_failure_at_the_end(tmp_path: pathlib.Path, then: str, failure: str) -> None:
    run = run_with(tmp_path, then)
    with started(run) as mydumper:
        assert failure in mydumper.wait(nothing_failed)
    assert "Transactions started" in log_of(run)
    assert not (tmp_path / "dump.mydumper").exists()


def test_full_disk_is_the_first_reason(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=0))
    with started(run_with(tmp_path, "exit 1")) as mydumper:
        assert mydumper.wait(nothing_failed)[0] == (
            f"the disk of {tmp_path} is full: make room, or choose another work directory"
        )


@pytest.mark.parametrize("driver", [OLD, NEW])
def test_failure_before_the_snapshots(tmp_path: pathlib.Path, driver: t.Any) -> None:
    script = "#!/bin/sh\necho '** (mydumper:1): CRITICAL **: Access denied' >&2\nexit 1\n"
    run = run_with(tmp_path, whole=script, driver=driver)
    with pytest.raises(DumpFailed, match=r"^MyDumper began no snapshot: Access denied$"), started(run):
        pass
    assert "Access denied" in log_of(run)


def test_success_without_a_snapshot_is_a_failure(tmp_path: pathlib.Path) -> None:
    script = MYDUMPER.replace("Transactions started", "No transactions").partition("echo row")[0]
    end = MYDUMPER.partition("@\n")[2]
    run = run_with(tmp_path, whole=script + end)
    with pytest.raises(DumpFailed, match=r"^MyDumper began no snapshot: it printed no reason$"), started(run):
        pass


def test_snapshots_that_do_not_come(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_mydumper_module, "SNAPSHOT_SECONDS", 0.3)
    run = run_with(tmp_path, whole="#!/bin/sh\nsleep 60\n")
    with (
        pytest.raises(DumpFailed, match=r"^MyDumper began no snapshot within 0.3 seconds$"),
        started(run),
    ):
        pass


def test_time_limit_keeps_the_log(tmp_path: pathlib.Path) -> None:
    # Long enough for the start.
    run = run_with(tmp_path, "sleep 60", seconds=5)
    with pytest.raises(CommandTimeout), started(run) as mydumper:
        mydumper.wait(nothing_failed)
    assert "Transactions started" in log_of(run)
    assert not (tmp_path / "dump.mydumper").exists()


def test_failure_of_a_file_ends_mydumper(tmp_path: pathlib.Path) -> None:
    run = run_with(tmp_path, "sleep 60")
    files_of(run).failure = NotEnoughSpace("full")
    with pytest.raises(NotEnoughSpace, match="full"), started(run) as mydumper:
        mydumper.wait(nothing_failed)
    assert "Transactions started" in log_of(run)


def test_failure_of_another_reader_ends_mydumper(tmp_path: pathlib.Path) -> None:
    def check() -> None:
        raise DumpFailed("the other reader failed")

    run = run_with(tmp_path, "sleep 60")
    with pytest.raises(DumpFailed, match="the other reader failed"), started(run) as mydumper:
        mydumper.wait(check)
    assert not (tmp_path / "dump.mydumper").exists()
