"""The collection as Ansible Galaxy's users get it: built, installed into an empty path, and used from there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.faults.checks import check_success
from tests.fleet.deployment import build
from tests.playbook import HANGS, PLAYBOOK, Installation, environment, write_private

BACKUP = [{"hosts": "all", "gather_facts": False, "roles": [{"role": "vex.backup.backup"}]}]


def test_a_backup_without_the_checkout(
    backup_setup: Installation, sample_databases: tuple[str, ...], tmp_path: Path
) -> None:
    archive = build(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    inventory, playbook = elsewhere / "hosts.json", elsewhere / "backup.json"
    write_private(inventory, {"all": {"hosts": {backup_setup.hostname: backup_setup.variables}}})
    playbook.write_text(json.dumps(BACKUP), encoding="utf-8")
    galaxy = (sys.executable, "-m", "ansible", "galaxy", "collection", "install", "--offline")
    # The working directory holds no ansible.cfg, so Ansible finds collections by this path alone.
    changes = {
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(elsewhere / "collections"),
        "ANSIBLE_CALLBACKS_ENABLED": "vex.backup.summary",
    }
    for command in ((*galaxy, str(archive)), (*PLAYBOOK, str(playbook), "--inventory", str(inventory))):
        done = subprocess.run(
            command,
            cwd=elsewhere,
            env=environment(changes),
            capture_output=True,
            text=True,
            timeout=HANGS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    check_success(backup_setup, backup_setup.observe(0, done.stdout))
    assert f"{backup_setup.hostname}  success" in done.stdout
