# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The start of a run, and so its name, is unique in a work directory."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common import run_log as run_log_module
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import claim_start

FIRST = datetime.datetime(2025, 7, 20, 16, 15, 23)
SECOND = FIRST + datetime.timedelta(seconds=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> t.List[datetime.datetime]:
    """Replace the clock by a list of times, and do not sleep."""
    times = [FIRST, FIRST, FIRST, SECOND]
    monkeypatch.setattr(run_log_module, "utc_now", lambda: times.pop(0))
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    return times


def test_second_run_takes_the_next_free_second(clock: t.List[datetime.datetime], tmp_path: Path) -> None:
    work = tmp_path / "not/there/yet"
    assert claim_start(str(work)) == FIRST
    assert claim_start(str(work)) == SECOND
    assert clock == []
    assert sorted(path.name for path in work.iterdir()) == [
        "backup_20250720_161523.logs",
        "backup_20250720_161524.logs",
    ]
    assert all(path.stat().st_mode & 0o777 == 0o700 for path in work.iterdir())


def test_unusable_work_directory_does_not_stop_the_run(clock: t.List[datetime.datetime], tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    assert claim_start(str(in_the_way)) == FIRST
    assert len(clock) == 3
