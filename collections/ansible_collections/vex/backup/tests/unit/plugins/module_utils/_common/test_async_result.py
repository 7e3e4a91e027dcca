# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The result of a stage in the background, with the file and the process of ansible-core's wrapper."""

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
    """Run a process with the arguments of the wrapper: the job, its time limit and the module."""
    waiting = [sys.executable, "-c", "print(flush=True); input()", job.partition(".")[0], "600", "module.py", "_"]
    with subprocess.Popen(waiting, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        # Its arguments are visible after its first output.
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


@pytest.fixture(name="file")
def _file(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "j8273645.4711"


@pytest.mark.parametrize("state", UNDER_WAY)
def test_running_stage_is_not_finished(file: pathlib.Path, state: t.Dict[str, t.Any]) -> None:
    file.write_text(json.dumps(state), encoding="utf-8")
    with wrapper(file.name):
        assert stage_result(str(file)) == {"finished": False}


@pytest.mark.parametrize("text", [None, "", *map(json.dumps, UNDER_WAY)])
def test_stage_without_a_process_is_lost(file: pathlib.Path, text: t.Optional[str]) -> None:
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with wrapper("j82736.4711"), pytest.raises(StageLost, match="the host was restarted, or its processes were killed"):
        stage_result(str(file))


def test_stage_with_a_killed_module_is_lost(file: pathlib.Path) -> None:
    """The wrapper survives, and writes that the module had no output."""
    silence = {"failed": 1, "cmd": "module.py", "data": "", "stderr": "", "msg": "Traceback", "ansible_job_id": "j1.2"}
    file.write_text(json.dumps(silence), encoding="utf-8")
    with pytest.raises(StageLost, match="without a result"):
        stage_result(str(file))
    broken = {**silence, "stderr": "ImportError"}
    file.write_text(json.dumps(broken), encoding="utf-8")
    assert stage_result(str(file)) == {**broken, "finished": True}


def test_stage_whose_result_did_not_fit_on_the_disk_is_lost(file: pathlib.Path) -> None:
    file.write_text(json.dumps(UNDER_WAY[0]), encoding="utf-8")
    pathlib.Path(f"{file}.tmp").touch()
    with pytest.raises(StageLost, match=f"the disk of {file.parent} is full"):
        stage_result(str(file))


@pytest.mark.parametrize("result", [{"changed": True, "status": 1}, {"failed": True, "msg": "the disk is full"}])
def test_result_of_a_finished_stage(file: pathlib.Path, result: t.Dict[str, t.Any]) -> None:
    file.write_text(json.dumps(result), encoding="utf-8")
    assert stage_result(str(file)) == {**result, "finished": True}
