# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the hooks of a phase."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import HookFailed, OptionError, ProgramMissing
from ansible_collections.vex.backup.plugins.module_utils._hooks.environment import VARIABLES, Facts
from ansible_collections.vex.backup.plugins.module_utils._hooks.run_hooks import HookRequest, run_hooks

FACTS = Facts(**{**dict.fromkeys(VARIABLES.values(), ""), "hostname": "db1"})


def hook(command: t.Any, on_failure: str = "warn", timeout: int = 120) -> t.Dict[str, t.Any]:
    """Return the options of a hook."""
    return {"command": command, "timeout": timeout, "on_failure": on_failure}


class Called(t.NamedTuple):
    """The result of a call and the lines of its log, without their times."""

    result: t.Dict[str, t.Any]
    lines: t.List[str]


def call(folder: pathlib.Path, *hooks: t.Dict[str, t.Any], check_mode: bool = False, **more: t.Any) -> Called:
    """Run hooks before the run."""
    path = folder / "backup_script.log"
    request = HookRequest("before_run", {"before_run": list(hooks), **more}, FACTS, check_mode)
    result = run_hooks(request, RunLog(str(path)))
    return Called(result, lines_of(path))


def lines_of(path: pathlib.Path) -> t.List[str]:
    """Return the lines of a log without their times."""
    return [line.partition(" [")[2] for line in path.read_text().splitlines()] if path.exists() else []


def test_hooks_run_in_their_order(tmp_path: pathlib.Path) -> None:
    called = call(
        tmp_path,
        hook("echo $VEX_BACKUP_HOSTNAME $VEX_BACKUP_PHASE"),
        hook(["true"]),
        after_failure=[hook(f"touch {tmp_path}/wrong")],
    )
    assert called.result == {
        "changed": True,
        "ran": ["before_run 1 (/bin/sh)", "before_run 2 (true)"],
        "hook_warnings": [],
    }
    assert called.lines == [
        "INFO] - the hook before_run 1 (/bin/sh) begins",
        "INFO] - before_run 1 (/bin/sh): db1 before_run",
        "INFO] - the hook before_run 1 (/bin/sh) has ended",
        "INFO] - the hook before_run 2 (true) begins",
        "INFO] - the hook before_run 2 (true) has ended",
    ]
    assert not (tmp_path / "wrong").exists()


def test_no_hook_of_this_phase(tmp_path: pathlib.Path) -> None:
    assert call(tmp_path).result == {"changed": False, "ran": [], "hook_warnings": []}


def test_failures_are_warnings(tmp_path: pathlib.Path) -> None:
    called = call(tmp_path, hook(r"printf 'disk\033[1m full\n\n'; exit 3"), hook(["/nowhere"]), hook(["true"]))
    first, second = called.result["hook_warnings"]
    assert first == (
        "the hook before_run 1 (/bin/sh) ended with exit status 3 after the line: disk [1m full; its output is in the"
        " log of the run: correct the hook, its timeout or its on_failure in vex_backup_hooks"
    )
    assert second.startswith("the hook before_run 2 (/nowhere) could not be started (No such file or directory); ")
    assert called.result["ran"][-1] == "before_run 3 (true)"
    assert [line for line in called.lines if line.startswith("WARNING")] == [
        f"WARNING] - {first}",
        f"WARNING] - {second}",
    ]


def test_failure_stops_the_others(tmp_path: pathlib.Path) -> None:
    later = tmp_path / "later"
    with pytest.raises(HookFailed, match=r"^the hook before_run 2 .* ended with exit status 1; ") as failure:
        call(tmp_path, hook(["false"]), hook(["false"], "stop"), hook(["touch", str(later)]))
    (warning,) = failure.value.details["hook_warnings"]
    assert warning.startswith("the hook before_run 1 (false) ended")
    assert not later.exists()


def test_long_output_and_line(tmp_path: pathlib.Path) -> None:
    called = call(tmp_path, hook("head -c 100000 /dev/zero | tr '\\0' a; exit 1"))
    assert "INFO] - before_run 1 (/bin/sh): [... 83616 bytes left out ...]" in called.lines
    assert len(called.result["hook_warnings"][0]) < 500


def test_a_wrong_hook_of_another_phase_is_refused_first(tmp_path: pathlib.Path) -> None:
    made = tmp_path / "made"
    with pytest.raises(OptionError, match="the command of hook 1 of after_failure is empty"):
        call(tmp_path, hook(["touch", str(made)]), after_failure=[hook("")])
    assert not made.exists()


def test_check_mode_runs_nothing(tmp_path: pathlib.Path) -> None:
    made = tmp_path / "made"
    called = call(tmp_path, hook(["touch", str(made)]), check_mode=True, after_dump=[hook("no matter")])
    assert called == Called(
        {
            "changed": True,
            "ran": [],
            "hook_warnings": [],
            "needs": {"before_run 1 (touch)": "", "after_dump 1 (/bin/sh)": ""},
            "msg": "check mode runs no hook; a run would have these: before_run 1 (touch), after_dump 1 (/bin/sh)",
        },
        [],
    )
    assert not made.exists()


def test_check_mode_finds_missing_programs(tmp_path: pathlib.Path) -> None:
    plain = tmp_path / "plain"
    plain.touch(mode=0o600)
    with pytest.raises(ProgramMissing) as missing:
        call(tmp_path, hook(["true"]), hook([str(plain)]), check_mode=True, after_dump=[hook(["no-such-program"])])
    first = f"the program of the hook before_run 2 ({plain}) is no file that this account may execute: install it, or"
    second = "the program of the hook after_dump 1 (no-such-program) does not exist: install it, or"
    assert str(missing.value) == f"{first} correct vex_backup_hooks; {second} correct vex_backup_hooks"
    assert [bool(text) for text in missing.value.details["needs"].values()] == [False, True, True]
