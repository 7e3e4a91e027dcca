# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stage in the background, as ansible-core's wrapper leaves its file and its process."""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.async_result import stage_result
from ansible_collections.vex.backup.plugins.module_utils._errors import StageLost

# ansible-core before 2.19 writes numbers.
UNDER_WAY = [{"started": True, "finished": False}, {"started": 1, "finished": 0}]


@contextlib.contextmanager
def wrapper(job: str) -> t.Iterator[None]:
    """The process that waits for a module: its arguments are the job, its time and the module."""
    waiting = [sys.executable, "-c", "print(flush=True); input()", job.partition(".")[0], "600", "module.py", "_"]
    with subprocess.Popen(waiting, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        # Its arguments are its own from here on.
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


@pytest.fixture(name="file")
def _file(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "j8273645.4711"


@pytest.mark.parametrize("state", UNDER_WAY)
def test_one_that_is_at_work_is_not_finished(file: pathlib.Path, state: t.Dict[str, t.Any]) -> None:
    file.write_text(json.dumps(state), encoding="utf-8")
    with wrapper(file.name):
        assert stage_result(str(file)) == {"finished": False}


@pytest.mark.parametrize("text", [None, "", *map(json.dumps, UNDER_WAY)])
def test_one_that_died_is_lost(file: pathlib.Path, text: t.Optional[str]) -> None:
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with wrapper("j82736.4711"), pytest.raises(StageLost, match="the host was restarted, or its processes were killed"):
        stage_result(str(file))


def test_one_whose_module_was_killed_is_lost(file: pathlib.Path) -> None:
    """The wrapper around it lives, and writes that it got nothing to read."""
    silence = {"failed": 1, "cmd": "module.py", "data": "", "stderr": "", "msg": "Traceback", "ansible_job_id": "j1.2"}
    file.write_text(json.dumps(silence), encoding="utf-8")
    with pytest.raises(StageLost, match="without a word"):
        stage_result(str(file))
    broken = {**silence, "stderr": "ImportError"}
    file.write_text(json.dumps(broken), encoding="utf-8")
    assert stage_result(str(file)) == {**broken, "finished": True}


def test_one_whose_result_did_not_fit_on_the_disk_is_lost(file: pathlib.Path) -> None:
    file.write_text(json.dumps(UNDER_WAY[0]), encoding="utf-8")
    pathlib.Path(f"{file}.tmp").touch()
    with pytest.raises(StageLost, match=f"is the disk of {file.parent} full"):
        stage_result(str(file))


@pytest.mark.parametrize("result", [{"changed": True, "status": 1}, {"failed": True, "msg": "the disk is full"}])
def test_one_that_has_ended_tells_what_it_came_to(file: pathlib.Path, result: t.Dict[str, t.Any]) -> None:
    file.write_text(json.dumps(result), encoding="utf-8")
    assert stage_result(str(file)) == {**result, "finished": True}
