# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Failpoints: they end the process where the environment says, and do nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

STEPS = """
from ansible_collections.vex.backup.plugins.module_utils._common.failpoint import failpoint
for number in range(3):
    with failpoint("rename:archive"):
        print("done", number, flush=True)
"""


def run(**variables: str) -> subprocess.CompletedProcess[str]:
    """Reach a point three times, with these variables."""
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}{STEPS}"],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("setting", "returncode", "times"),
    [
        ("rename:archive:before=kill", -signal.SIGKILL, 0),
        ("rename:archive:after=kill", -signal.SIGKILL, 1),
        ("rename:archive:before=term:3", -signal.SIGTERM, 2),
        ("rename:archive:before=kill:4", 0, 3),
        ("rename:archive=kill", 0, 3),
        ("rename:archive:before=return", 0, 3),
        ("rename:archive:before", 0, 3),
        ("", 0, 3),
    ],
)
def test_the_process_ends_at_the_point(setting: str, returncode: int, times: int) -> None:
    done = run(VEX_FAILPOINT=setting)
    assert done.returncode == returncode, done.stderr
    assert done.stdout == "".join(f"done {number}\n" for number in range(times))


def test_points_are_logged(tmp_path: Path) -> None:
    log = tmp_path / "points"
    log.touch()
    assert run(VEX_FAILPOINT_LOG=str(log)).returncode == 0
    assert log.read_text() == "rename:archive:before\nrename:archive:after\n" * 3


def test_no_file_is_created_for_the_log(tmp_path: Path) -> None:
    assert run(VEX_FAILPOINT_LOG=str(tmp_path / "points")).returncode != 0
    assert list(tmp_path.iterdir()) == []
