"""Hooks by the playbook and by the module: their environment and end, and what is seen of those that fail."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._hooks.environment import VARIABLES
from tests.command import Command
from tests.modules import ModuleProcess
from tests.playbook import Installation, Outcome, attachments_of, text_of

# Seconds that a slow machine may take.
PATIENT = 120
# Writes the environment of the hook into a file of the name of its phase.
SPY = 'env >"{folder}/$VEX_BACKUP_PHASE"; echo "output of $VEX_BACKUP_PHASE"'
CORRECT = "its output is in the log of the run: correct the hook, its timeout or its on_failure in vex_backup_hooks"


class Spies:
    """Hooks of every phase that write their environment into a folder, and may fail after that."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder

    def hooks(self, on_failure: str = "warn", **ends: str) -> dict[str, Any]:
        """Return the variable; *ends* are the ends of their commands by phase."""
        return {
            phase: [{"command": f"{SPY.format(folder=self._folder)}; {ends.get(phase, '')}", "on_failure": on_failure}]
            for phase in ("before_run", "after_dump", "after_success", "after_failure")
        }

    def ran(self) -> list[str]:
        """Return the phases whose hooks ran."""
        return sorted(os.listdir(self._folder))

    def environment(self, phase: str) -> dict[str, str]:
        """Return the environment of the hook of a phase."""
        lines = (self._folder / phase).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.fixture
def spies(tmp_path: Path) -> Spies:
    """Return hooks that tell of themselves."""
    return Spies(tmp_path / "spies")


def notes(outcome: Outcome) -> list[str]:
    """Return the notes of the one record."""
    return str(outcome.backup["observacao"] or "").splitlines()


def test_a_good_run(
    backup_setup: Installation, sample_databases: tuple[str, ...], spies: Spies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hooks get the facts of the run, and no secret: of the configuration, or of the environment of Ansible."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-environment-7f3a")
    secrets = {name: f"canary-{name}-7f3a" for name in ("archive_password", "manifest_key")}
    outcome = backup_setup.backup(hooks=spies.hooks(), **secrets)
    assert outcome.status == 0, outcome.output
    assert spies.ran() == ["after_dump", "after_success", "before_run"]
    assert (outcome.backup["status_backup"], notes(outcome)) == (1, [])
    name = outcome.backup["nome_arquivo"].removesuffix(".zip")
    before, dumped, after = map(spies.environment, ("before_run", "after_dump", "after_success"))
    assert {key: before[key] for key in VARIABLES if before[key]} == {
        "VEX_BACKUP_HOSTNAME": backup_setup.hostname,
        "VEX_BACKUP_RUN_UUID": outcome.backup["run_uuid"],
        "VEX_BACKUP_NAME": name,
        "VEX_BACKUP_STARTED": str(outcome.backup["data_inicio"]),
        "VEX_BACKUP_STATUS": "0",
        "VEX_BACKUP_LOG": str(backup_setup.work / f"{name}.logs/backup_script.log"),
    }
    assert (dumped["VEX_BACKUP_STATUS"], dumped["VEX_BACKUP_DUMP_DIR"]) == ("1", str(backup_setup.work / name))
    assert after["VEX_BACKUP_STATUS"] == after["VEX_BACKUP_UPLOAD_STATUS"] == "1"
    assert after["VEX_BACKUP_DUMP_DIR"] == ""
    assert after["VEX_BACKUP_ARCHIVE"] == str(backup_setup.work / f"{name}.zip")
    assert after["VEX_BACKUP_BYTES"] == str((backup_setup.work / f"{name}.zip").stat().st_size)
    assert (after["VEX_BACKUP_BUCKET"], after["VEX_BACKUP_KEY"]) == ("vex", outcome.key)
    log = attachments_of(outcome.mail)["backup_script.log"]
    assert "[INFO] - before_run 1 (/bin/sh): output of before_run" in log
    assert "[INFO] - after_success 1 (/bin/sh): output of after_success" in log
    known = [value for name, value in backup_setup.variables.items() if name.endswith(("password", "secret_key"))]
    assert len(known) == 3
    for found in (before, dumped, after):
        expected = {*VARIABLES, *"VEX_BACKUP_PHASE PATH LC_ALL HOME USER LOGNAME".split()}
        # The shell adds these.
        assert found.keys() - {"PWD", "OLDPWD", "SHLVL", "_"} <= expected
        assert [secret for secret in [*known, "7f3a"] if secret in str(found)] == []


def test_failing_hooks_are_warnings(
    backup_setup: Installation, sample_databases: tuple[str, ...], spies: Spies
) -> None:
    phases = ("before_run", "after_dump", "after_success")
    outcome = backup_setup.backup(hooks=spies.hooks(**dict.fromkeys(phases, "echo why; exit 3")))
    assert outcome.status == 0, outcome.output
    assert spies.ran() == sorted(phases)
    assert (outcome.backup["status_backup"], outcome.upload["status_upload"]) == (2, 1)
    assert notes(outcome) == [
        f"[WARNING] the hook {phase} 1 (/bin/sh) ended with exit status 3 after the line: why; {CORRECT}"
        for phase in phases
    ]
    assert [note for note in notes(outcome) if note not in text_of(outcome.mail)] == []
    assert "Status Backup: Alerta" in text_of(outcome.mail)


@pytest.mark.parametrize(
    ("phase", "ran"), [("before_run", ["before_run"]), ("after_dump", ["after_dump", "before_run"])]
)
def test_a_hook_stops_the_run(
    backup_setup: Installation, sample_databases: tuple[str, ...], spies: Spies, phase: str, ran: list[str]
) -> None:
    outcome = backup_setup.backup(hooks=spies.hooks("stop", **{phase: "echo why; exit 3"}))
    assert outcome.status != 0
    assert spies.ran() == sorted([*ran, "after_failure"])
    sentence = f"the hook {phase} 1 (/bin/sh) ended with exit status 3 after the line: why; {CORRECT}"
    assert (outcome.backup["status_backup"], outcome.uploads, outcome.keys) == (3, [], [])
    assert notes(outcome) == [f"[ERROR] {sentence}"]
    assert sentence in text_of(outcome.mail)
    assert sentence in " ".join(outcome.output.split())
    found = spies.environment("after_failure")
    assert (found["VEX_BACKUP_STATUS"], found["VEX_BACKUP_KEY"]) == ("3", "")
    assert sentence in found["VEX_BACKUP_PROBLEMS"]


def test_a_dump_fails(backup_setup: Installation, sample_databases: tuple[str, ...], spies: Spies) -> None:
    """The hooks for failures run, and one of them fails too."""
    outcome = backup_setup.backup(hooks=spies.hooks(after_failure="exit 7"), login_password="not it")
    assert outcome.status != 0
    assert spies.ran() == ["after_failure", "before_run"]
    assert "refused the login of" in spies.environment("after_failure")["VEX_BACKUP_PROBLEMS"]
    error, warning = sorted(notes(outcome))
    assert error.startswith("[ERROR] ")
    assert "refused the login of" in error
    failure = "the hook after_failure 1 (/bin/sh) ended with exit status 7 after the line: output of after_failure"
    assert warning == f"[WARNING] {failure}; {CORRECT}"
    assert outcome.backup["status_backup"] == 3
    assert warning in text_of(outcome.mail)


def test_a_hook_that_must_not_fail_at_the_end(
    backup_setup: Installation, sample_databases: tuple[str, ...], spies: Spies
) -> None:
    """The backup is whole and stays, and the run has failed."""
    outcome = backup_setup.backup(hooks=spies.hooks("stop", after_success="exit 5"))
    assert outcome.status != 0
    assert spies.ran() == ["after_dump", "after_success", "before_run"]
    assert (outcome.backup["status_backup"], outcome.upload["status_upload"]) == (2, 1)
    (note,) = notes(outcome)
    assert note.startswith("[WARNING] the hook after_success 1 (/bin/sh) ended with exit status 5")
    assert note in text_of(outcome.mail)
    assert "the hook after_success 1 (/bin/sh) ended with exit status 5" in " ".join(outcome.output.split())


@pytest.mark.parametrize(
    ("hooks", "messages"),
    [
        (
            {
                "before_rum": [{"command": ["true"]}],
                "before_run": [{"comand": ["true"], "command": ["true"]}],
                "after_success": [{"command": ["true"], "on_failure": "ignore"}],
            },
            ["before_rum", "comand", "ignore"],
        ),
        ({"after_failure": [{"timeout": 5}]}, ["command"]),
        ({"after_failure": [{"command": ""}]}, ["the command of hook 1 of after_failure is empty"]),
    ],
)
def test_a_wrong_form_is_refused(
    backup_setup: Installation, sample_databases: tuple[str, ...], hooks: dict[str, Any], messages: list[str]
) -> None:
    outcome = backup_setup.backup(hooks=hooks)
    assert outcome.status != 0
    said = " ".join(outcome.output.split())
    assert [message for message in messages if message not in said] == []
    assert "TASK [vex.backup.backup : Dump the server]" not in said


def test_check_mode_runs_no_hook(backup_setup: Installation, sample_databases: tuple[str, ...], spies: Spies) -> None:
    outcome = backup_setup.backup("--check", hooks=spies.hooks())
    assert outcome.status == 0, outcome.output
    assert spies.ran() == []
    said = " ".join(outcome.output.split())
    assert "check mode runs no hook; a run would have these: before_run 1 (/bin/sh), after_dump 1 (/bin/sh)" in said


def test_check_finds_a_missing_program(command: Command, capfd: pytest.CaptureFixture[str], spies: Spies) -> None:
    assert command("check", hooks=spies.hooks()) == 0
    assert "OK   hooks\n" in capfd.readouterr().out
    hooks = {**spies.hooks(), "after_success": [{"command": ["/no/such/program"]}]}
    assert command("check", hooks=hooks) == 1
    lines = capfd.readouterr().out.splitlines()
    (failure,) = [line for line in lines if not line.startswith("OK ")]
    assert failure.startswith("FAIL hooks: the program of the hook after_success 1 (/no/such/program) does not exist: ")
    assert spies.ran() == []


def run_module(command: Any, timeout: int = PATIENT, **more: Any) -> ModuleProcess:
    """Start the module with one hook before the run that must not fail."""
    hook = {"command": command, "timeout": timeout, "on_failure": "stop"}
    return ModuleProcess("backup_hook", {"phase": "before_run", "hooks": {"before_run": [hook]}, **more})


def wait_for(path: Path) -> str:
    """Return the content of a file as soon as it is there."""
    for _attempt in range(PATIENT * 10):
        if path.exists():
            return path.read_text()
        time.sleep(0.1)
    raise AssertionError(f"{path} was not written")


def is_gone(pid: int) -> bool:
    """Wait until a process has ended; return whether it has."""
    for _attempt in range(PATIENT * 10):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


def test_module_ends_grandchildren_at_the_timeout(tmp_path: Path) -> None:
    result = run_module(f"sh -c 'sleep 600 & echo $! >{tmp_path}/pid; wait'; true", 2).result()
    assert result["msg"].startswith(
        "the hook before_run 1 (/bin/sh) took longer than 2 seconds and was ended; its output"
    )
    assert result["failure"] == "HookFailed"
    assert is_gone(int(wait_for(tmp_path / "pid")))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_module_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    module = run_module(f"sleep 600 & echo $! >{tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; wait")
    pid = int(wait_for(tmp_path / "pid"))
    module.process.send_signal(number)
    assert module.result()["msg"] == f"this step was interrupted by {number.name}"
    assert is_gone(pid)


def test_module_bounds_the_output(tmp_path: Path) -> None:
    """A hundred megabytes of bytes that are no text, as fast as they come."""
    log = tmp_path / "logs/backup_script.log"
    result = run_module("head -c 100000000 /dev/urandom; echo; echo end", run_log=str(log)).result()
    assert result["hook_warnings"] == []
    assert log.stat().st_size < 1_000_000
    lines = log.read_text(encoding="utf-8").splitlines()
    assert lines[-2].endswith("before_run 1 (/bin/sh): end")
    assert "bytes left out" in lines[1]
    json.dumps(lines)
