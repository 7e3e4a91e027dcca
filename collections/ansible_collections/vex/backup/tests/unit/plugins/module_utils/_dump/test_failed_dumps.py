# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directories of running and of failed dumps."""

from __future__ import annotations

import os
import pathlib
import stat

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.lock import directory_lock
from ansible_collections.vex.backup.plugins.module_utils._dump.failed_dumps import (
    partial_directory,
    remove_failed_dumps,
)
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError

FAILED = [f"backup_2026010{day}_030000.partial" for day in range(1, 5)]


def make_failed(folder: pathlib.Path) -> None:
    for name in FAILED:
        (folder / name / "dump").mkdir(parents=True)
        (folder / name / "dump" / "a.sql").write_text("x", encoding="ascii")


@pytest.mark.parametrize("keep", [0, 1, 3, 4, 9])
def test_newest_failed_dumps_are_kept(tmp_path: pathlib.Path, keep: int) -> None:
    make_failed(tmp_path)
    remove_failed_dumps(str(tmp_path), keep)
    assert sorted(os.listdir(tmp_path)) == FAILED[max(0, len(FAILED) - keep) :]


def test_other_files_are_kept(tmp_path: pathlib.Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    make_failed(elsewhere)
    others = [
        "backup_20260101_030000",
        "backup_20260101_030000.zip.partial",
        "other.partial",
        "xbackup_20260101_030000.partial",
    ]
    for name in others:
        (tmp_path / name).mkdir()
    (tmp_path / FAILED[0]).symlink_to(elsewhere / FAILED[0])
    (tmp_path / FAILED[1]).write_text("x", encoding="ascii")
    os.mkfifo(tmp_path / FAILED[2])
    remove_failed_dumps(str(tmp_path), 0)
    assert sorted(os.listdir(tmp_path)) == sorted([*others, *FAILED[:3], "elsewhere"])
    assert sorted(os.listdir(elsewhere)) == FAILED


def test_running_dump_is_kept(tmp_path: pathlib.Path) -> None:
    with partial_directory(str(tmp_path / FAILED[0])):
        assert stat.S_IMODE((tmp_path / FAILED[0]).stat().st_mode) == 0o700
        remove_failed_dumps(str(tmp_path), 0)
        assert os.listdir(tmp_path) == FAILED[:1]
    remove_failed_dumps(str(tmp_path), 0)
    assert os.listdir(tmp_path) == []


def test_running_dumps_take_no_place_of_failed_ones(tmp_path: pathlib.Path) -> None:
    make_failed(tmp_path)
    newer = [f"backup_2026010{day}_030000.partial" for day in (6, 7)]
    with partial_directory(str(tmp_path / newer[0])), partial_directory(str(tmp_path / newer[1])):
        remove_failed_dumps(str(tmp_path), 1)
        assert sorted(os.listdir(tmp_path)) == [FAILED[-1], *newer]


def test_another_process_that_makes_the_same_directory(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / FAILED[0])
    os.mkdir(f"{path}.new")
    with directory_lock(f"{path}.new", "no"), pytest.raises(OptionError, match="another run"), partial_directory(path):
        pytest.fail("the directory of another run was used")
    # A killed process left it.
    with partial_directory(path):
        assert os.listdir(tmp_path) == [FAILED[0]]


def test_existing_directory_is_refused(tmp_path: pathlib.Path) -> None:
    make_failed(tmp_path)
    with pytest.raises(OptionError, match="exists: another run"), partial_directory(str(tmp_path / FAILED[0])):
        pytest.fail("the directory of another run was used")
