# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The runs that are removed from a work directory, and those that stay."""

from __future__ import annotations

import os
import tempfile
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._common.lock import reading
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump.failed_dumps import partial_directory
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_work_dir import (
    PruneLocalRequest,
    doomed_entries,
    prune_local,
)

RUNS = [f"backup_202601{day:02}_030000" for day in range(1, 6)]
PARTS = ["", ".logs", ".zip", ".zip.manifest.json", ".7z", ".partial", ".zip.partial", ".uploaded", ".logs.old"]
WHOLE = (".zip.manifest.json", ".zip.partial", ".uploaded", ".logs", ".zip")


def of(run: str, *parts: str) -> t.List[str]:
    return [f"{run}{part}" for part in parts]


def test_the_newest_uploaded_runs_stay_with_all_their_entries() -> None:
    names = [name for run in RUNS[:4] for name in of(run, *WHOLE)]
    assert doomed_entries(names, RUNS[3], 2, 1) == [name for run in RUNS[:2] for name in of(run, *WHOLE)]


def test_an_archive_that_was_not_uploaded_is_kept_like_a_failed_run() -> None:
    failed = of(RUNS[1], ".zip.manifest.json", ".logs", ".zip")
    uploaded = of(RUNS[2], ".uploaded", ".zip")
    names = [*failed, *uploaded, *of(RUNS[3], ".zip", ".logs")]
    assert doomed_entries(names, RUNS[3], 1, 1) == uploaded
    assert doomed_entries(names, RUNS[3], 1, 0) == [*failed, *uploaded]


def test_the_logs_of_the_run_stay_for_its_mail() -> None:
    assert doomed_entries(of(RUNS[0], ".zip", ".zip.manifest.json", ".logs"), RUNS[0], 0, 0) == of(
        RUNS[0], ".zip.manifest.json", ".zip"
    )


@given(
    st.lists(st.tuples(st.sampled_from(RUNS), st.sampled_from(PARTS)), unique=True),
    st.integers(0, 4),
    st.integers(0, 4),
)
def test_kept_runs_lose_nothing(entries: t.List[t.Tuple[str, str]], keep_local: int, keep_failed: int) -> None:
    run = RUNS[3]
    doomed = doomed_entries(["spool", ".lock", *(run + part for run, part in entries)], run, keep_local, keep_failed)
    safe = sorted({run, *(name for name, part in entries if part == ".uploaded" and name < run)}, reverse=True)
    assert not {name[:22] for name in doomed} & set(safe[:keep_local])
    assert not any(name[:22] > run or name[22:] in (".partial", ".logs.old") for name in doomed)
    others = {name[:22] for name in doomed} - set(safe)
    newer = (
        {name for name, part in entries if part not in (".partial", ".logs.old") and name < run} - set(safe) - others
    )
    assert all(len([name for name in newer if name > one]) >= keep_failed for one in others)


def prune(folder: Path, keep_local: int, *, check_mode: bool = False) -> t.Dict[str, t.Any]:
    request = PruneLocalRequest(str(folder), RUNS[1], True, keep_local, 0, 0, check_mode)
    return prune_local(request, RunLog(None))


def test_an_incomplete_run_removes_only_older_incomplete_ones(tmp_path: Path) -> None:
    uploaded, waiting, older, run = RUNS[:4]
    for name in [*of(uploaded, ".zip", ".uploaded"), *of(waiting, ".zip"), *of(older, ".zip", ".incomplete")]:
        (tmp_path / name).touch()
    for name in of(run, ".zip", ".logs"):
        (tmp_path / name).touch()
    request = PruneLocalRequest(str(tmp_path), run, False, 0, 0, 0, check_mode=False)
    assert prune_local(request, RunLog(None)) == {"changed": True, "removed": of(older, ".incomplete", ".zip")}
    assert (tmp_path / f"{run}.incomplete").exists()
    assert prune_local(request, RunLog(None)) == {"changed": False, "removed": []}


def test_a_whole_run_removes_incomplete_ones() -> None:
    incomplete, failed, run = RUNS[:3]
    names = [*of(incomplete, ".zip", ".incomplete"), *of(failed, ".zip"), *of(run, ".zip")]
    assert doomed_entries(names, run, 1, 1) == of(incomplete, ".incomplete", ".zip")


@pytest.mark.parametrize("check_mode", [False, True])
def test_pruning(tmp_path: Path, check_mode: bool) -> None:
    for name in [*of(RUNS[0], ".zip", ".zip.manifest.json", ".uploaded"), *of(RUNS[1], ".zip")]:
        (tmp_path / name).touch()
    (tmp_path / f"{RUNS[0]}.logs").mkdir()
    (tmp_path / f"{RUNS[0]}.logs" / "backup_script.log").touch()
    before = sorted(path.name for path in tmp_path.iterdir())
    result = prune(tmp_path, keep_local=1, check_mode=check_mode)
    assert result == {"changed": True, "removed": of(RUNS[0], ".zip.manifest.json", ".uploaded", ".logs", ".zip")}
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == (before if check_mode else of(RUNS[1], ".uploaded", ".zip"))
    if not check_mode:
        assert prune(tmp_path, keep_local=1)["changed"] is False


def test_entries_that_another_run_removed_are_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.listdir", lambda _folder: of(RUNS[0], ".uploaded", ".zip", ".logs"))
    assert prune(tmp_path, keep_local=0)["changed"] is True


def test_runs_that_have_not_ended_stay_and_take_no_place_of_failed_ones() -> None:
    names = [name for run in RUNS[:4] for name in of(run, ".zip")]
    assert doomed_entries(names, RUNS[3], 1, 1, living={RUNS[1]}) == of(RUNS[0], ".zip")
    assert doomed_entries(names, RUNS[3], 1, 0, living={RUNS[0], RUNS[2]}) == of(RUNS[1], ".zip")


@pytest.mark.parametrize("is_uploaded", [False, True])
def test_a_run_whose_module_works_stays(tmp_path: Path, is_uploaded: bool) -> None:
    for name in of(RUNS[0], ".zip", ".zip.manifest.json", *[".uploaded"] * is_uploaded):
        (tmp_path / name).touch()
    log = RunLog(str(tmp_path / f"{RUNS[0]}.logs" / "backup_script.log"))
    with log.mark_alive():
        assert prune(tmp_path, keep_local=1)["removed"] == []
    assert (tmp_path / f"{RUNS[0]}.zip").exists()
    removed = prune(tmp_path, keep_local=1)["removed"]
    assert removed == of(RUNS[0], ".zip.manifest.json", *[".uploaded"] * is_uploaded, ".logs", ".zip")


@pytest.mark.parametrize(("abandoned_after", "stays"), [(0, False), (600, True)])
def test_a_run_between_two_of_its_steps_stays(tmp_path: Path, abandoned_after: int, stays: bool) -> None:
    """Nothing is locked then; its logs were written a moment ago."""
    (tmp_path / f"{RUNS[0]}.zip").touch()
    RunLog(str(tmp_path / f"{RUNS[0]}.logs" / "backup_script.log")).info("packed")
    request = PruneLocalRequest(str(tmp_path), RUNS[1], True, 1, 0, abandoned_after, check_mode=False)
    assert bool(prune_local(request, RunLog(None))["removed"]) is not stays
    assert (tmp_path / f"{RUNS[0]}.zip").exists() is stays


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("entry", ["", ".zip", ".zip.manifest.json", ".logs"])
def test_a_run_of_which_anything_is_read_keeps_everything(tmp_path: Path, entry: str, check_mode: bool) -> None:
    """Without its manifest, an archive is not a backup."""
    for name in of(RUNS[0], ".zip", ".zip.manifest.json", ".uploaded"):
        (tmp_path / name).touch()
    for name in of(RUNS[0], "", ".logs"):
        (tmp_path / name).mkdir()
    (tmp_path / f"{RUNS[0]}" / "manifest.json").touch()
    everything = sorted(path.name for path in tmp_path.iterdir())
    log = tmp_path / "log"
    request = PruneLocalRequest(str(tmp_path), RUNS[1], True, 1, 0, 0, check_mode)
    with reading(str(tmp_path / f"{RUNS[0]}{entry}")):
        assert prune_local(request, RunLog(str(log)))["removed"] == []
    assert f"{RUNS[0]}{entry} is in use, or belongs to another account" in log.read_text(encoding="utf-8")
    left = {path.name for path in tmp_path.iterdir()} - {f"{RUNS[1]}.uploaded", "log"}
    assert sorted(left) == everything
    assert len(prune_local(request, RunLog(None))["removed"]) == len(everything)


def test_the_dump_of_another_run_stays(tmp_path: Path) -> None:
    """Dumps in progress belong to mysql_dump, which holds their locks."""
    with partial_directory(str(tmp_path / f"{RUNS[0]}.partial")):
        assert prune(tmp_path, keep_local=0)["removed"] == []
    assert (tmp_path / f"{RUNS[0]}.partial").is_dir()


def test_the_run_of_another_account_stays() -> None:
    """Whoever may write to the directory could remove its files, but cannot see their locks."""
    with tempfile.TemporaryDirectory(prefix="vex-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        for entry in of(RUNS[0], ".zip", ".zip.manifest.json", ".uploaded"):
            (folder / entry).touch(0)
        (folder / f"{RUNS[1]}.logs").mkdir(0)
        (folder / f"{RUNS[1]}.zip").touch()
        request = PruneLocalRequest(name, RUNS[2], True, 1, 0, 0, check_mode=False)
        child = os.fork()
        if not child:
            if os.geteuid() == 0:
                os.setuid(65534)
            os._exit(1 if prune_local(request, RunLog(None))["removed"] else 0)
        assert os.waitpid(child, 0)[1] == 0
        assert len(list(folder.iterdir())) == 6
