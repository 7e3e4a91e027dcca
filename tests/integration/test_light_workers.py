"""The packages of a play's modules are made beside its tasks, where Ansible's workers find them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.playbook import run_playbook

# Waits for the package of a module whose turn has not come, and then runs the module, which misses its options.
PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - vex.backup.backup_log_schema:
      when: false
    - block:
        - ansible.builtin.command: "{{ look }}"
          register: before
          until: before.stdout | length > 0
          retries: 60
          delay: 1
      always:
        - vex.backup.archive_7z:
          ignore_errors: true
    - ansible.builtin.command: "{{ look }}"
      register: after
    - ansible.builtin.assert:
        that:
          - before.stdout_lines | length == 1
          - before.stdout == after.stdout
"""


def test_a_package_is_made_once_and_before_its_task(tmp_path: Path) -> None:
    folder = tmp_path / "local"
    folder.mkdir()
    look = f"find {folder} -name *.archive_7z-* -not -name *.lock -not -name *-part -printf '%p %i\\n'"
    variables = {"ansible_python_interpreter": sys.executable, "look": look}
    playbook = tmp_path / "play.yml"
    playbook.write_text(PLAY)
    done = run_playbook(
        str(playbook),
        *("--inventory", "localhost,", "--connection", "local", "--extra-vars", json.dumps(variables)),
        changes={"ANSIBLE_HOME": str(tmp_path / "home"), "ANSIBLE_LOCAL_TEMP": str(folder)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "missing required arguments" in done.stdout
    assert list(folder.iterdir()) == []
