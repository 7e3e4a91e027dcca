# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may go from a work directory, and what must stay."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._prune import doomed_entries, prune
from ansible_collections.vex.backup.plugins.module_utils._run_log import RunLog

RUNS = [f"backup_202601{day:02}_030000" for day in range(1, 6)]
PARTS = ["", ".logs", ".zip", ".zip.manifest.json", ".7z", ".partial", ".zip.partial", ".logs.old"]


def of(run: str, *parts: str) -> t.List[str]:
    return [f"{run}{part}" for part in parts]


def test_the_newest_archives_stay_with_all_that_is_theirs() -> None:
    names = [name for run in RUNS[:4] for name in of(run, ".zip", ".zip.manifest.json", ".logs")]
    assert doomed_entries(names, RUNS[3], 2) == [
        name for run in RUNS[:2] for name in of(run, ".zip.manifest.json", ".logs", ".zip")
    ]


def test_a_run_that_left_no_archive_does_not_count_as_one() -> None:
    names = [
        *of(RUNS[0], ".zip", ".logs"),
        *of(RUNS[1], ".logs", ""),
        *of(RUNS[2], ".logs"),
        *of(RUNS[3], ".7z", ".logs"),
    ]
    assert doomed_entries(names, RUNS[3], 2) == [*of(RUNS[1], ".logs", ""), *of(RUNS[2], ".logs")]


def test_nothing_kept_leaves_the_runs_own_logs_for_its_mail() -> None:
    assert doomed_entries(of(RUNS[0], ".zip", ".zip.manifest.json", ".logs"), RUNS[0], 0) == of(
        RUNS[0], ".zip.manifest.json", ".zip"
    )


@given(st.lists(st.tuples(st.sampled_from(RUNS), st.sampled_from(PARTS)), unique=True), st.integers(0, 4))
def test_no_newest_archive_no_unfinished_and_no_later_run_ever_goes(
    entries: t.List[t.Tuple[str, str]], keep: int
) -> None:
    run = RUNS[3]
    doomed = set(doomed_entries(["spool", ".lock", *(run + part for run, part in entries)], run, keep))
    archived = sorted({name for name, part in entries if part in (".zip", ".7z") and name <= run}, reverse=True)
    assert not any(name[:22] in archived[:keep] for name in doomed)
    assert not any("partial" in name or name.endswith(".old") or name[:22] > run for name in doomed)
    assert {f"{name}{part}" for name, part in entries if part in (".zip", ".7z") and name in archived[keep:]} <= doomed


@pytest.mark.parametrize("check_mode", [False, True])
def test_pruning(tmp_path: Path, check_mode: bool) -> None:
    for name in [*of(RUNS[0], ".zip", ".zip.manifest.json"), *of(RUNS[1], ".zip")]:
        (tmp_path / name).touch()
    (tmp_path / f"{RUNS[0]}.logs").mkdir()
    (tmp_path / f"{RUNS[0]}.logs" / "backup_script.log").touch()
    result = prune(str(tmp_path), RUNS[1], 1, RunLog(None), check_mode=check_mode)
    assert result == {"changed": True, "removed": of(RUNS[0], ".zip.manifest.json", ".logs", ".zip")}
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == (sorted([*result["removed"], f"{RUNS[1]}.zip"]) if check_mode else [f"{RUNS[1]}.zip"])
    if not check_mode:
        assert prune(str(tmp_path), RUNS[1], 1, RunLog(None), check_mode=False)["changed"] is False
