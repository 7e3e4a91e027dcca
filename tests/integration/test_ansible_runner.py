"""``playbooks/backup.yml`` with ansible-runner, with this repository as its private data directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_runner.interface import run as run_by_ansible_runner
from ansible_runner.runner import Runner

from tests.faults.checks import check_success
from tests.playbook import ROOT, Installation, write_private
from tests.servers.ports import LOOPBACK, free_port

AWAY = {"ansible_connection": "ssh", "ansible_host": LOOPBACK}


@pytest.fixture
def host(
    backup_setup: Installation, sample_databases: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Installation:
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path / "ansible"))
    monkeypatch.delenv("ANSIBLE_COLLECTIONS_PATH", raising=False)
    return backup_setup


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Link this repository into a new folder, without the artifacts of other ansible-runner jobs."""
    made = tmp_path / "repository"
    (made / "env").mkdir(parents=True)
    for name in ("ansible.cfg", "collections", "playbooks", "env/envvars"):
        (made / name).symlink_to(ROOT / name)
    return made


def run(repository: Path, hosts: dict[str, Any]) -> Runner:
    inventory = repository.parent / "inventory.json"
    write_private(inventory, {"all": {"hosts": hosts}})
    ended: Runner = run_by_ansible_runner(
        private_data_dir=str(repository), playbook="playbooks/backup.yml", inventory=str(inventory), quiet=True
    )
    return ended


def outcomes(runner: Runner) -> dict[str, Any]:
    """Return the outcome of each host's run."""
    (stats,) = [event for event in runner.events if event["event"] == "playbook_on_stats"]
    found: dict[str, Any] = stats["event_data"]["artifact_data"].get("vex_backup_outcomes", {})
    return found


def test_a_backup(host: Installation, repository: Path) -> None:
    runner = run(repository, {host.hostname: host.variables})
    stdout = Path(runner.config.artifact_dir, "stdout").read_text()
    assert (runner.status, runner.rc) == ("successful", 0), stdout
    outcome = host.observe(0, stdout)
    check_success(host, outcome)
    told = outcomes(runner)[host.hostname]
    assert (told["status_backup"], told["status_upload"], told["problems"]) == (1, 1, [])
    assert (told["run_uuid"], told["key"]) == (outcome.backup["run_uuid"], outcome.key)
    assert f"{host.hostname}  success" in stdout
    # Host keys are checked, which ansible-runner itself would disable.
    assert runner.config.env["ANSIBLE_HOST_KEY_CHECKING"] == "true"


def test_failures_are_in_the_events(host: Installation, repository: Path) -> None:
    bad = {**host.variables, "vex_backup_login_password": "not it"}
    runner = run(repository, {host.hostname: bad, "away": {**AWAY, "ansible_port": free_port()}})
    assert (runner.status, runner.rc != 0) == ("failed", True)
    told = outcomes(runner)
    assert list(told) == [host.hostname]
    assert told[host.hostname]["status_backup"] == 3
    assert "refused the login of" in told[host.hostname]["problems"][0]
    unreachable = [event for event in runner.events if event["event"] == "runner_on_unreachable"]
    assert [event["event_data"]["host"] for event in unreachable] == ["away"]
    everything = json.dumps(list(runner.events)) + Path(runner.config.artifact_dir, "stdout").read_text()
    for secret in (host.store.secret_key, host.log_database.writer[1]):
        assert secret not in everything
