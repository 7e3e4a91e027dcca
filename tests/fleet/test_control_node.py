"""The tasks of ``playbooks/deploy.yml`` on the control node, which run once for all hosts."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.playbook import run_playbook, write_private

# `sudo` of a host whose Ansible user may become root without a password.
SUDO = """#!/bin/sh
while [ "$1" != /bin/sh ]; do shift; done
exec "$@"
"""


def test_a_fleet_that_begins_with_a_server_without_a_shell(tmp_path: Path) -> None:
    """The control node has no root, and the first host is not deployed. In check mode, on this machine."""
    sudo = tmp_path / "sudo"
    sudo.write_text(SUDO)
    sudo.chmod(0o700)
    local = {"ansible_connection": "local"}
    managed = {**local, "ansible_become": False, "vex_backup_login_host": "managed.invalid"}
    hosts = {"managed.invalid": managed, "here.invalid": {**local, "ansible_become_exe": str(sudo)}}
    variables = {"ansible_become": True, "ansible_become_user": "vex-backup", "ansible_become_exe": "/bin/false"}
    # The package is not fetched, because its directory does not exist in check mode.
    package = {
        "vex_backup_host_mydumper_package": "https://packages.invalid/mydumper.deb",
        "vex_backup_host_mydumper_sha256": "0" * 64,
    }
    inventory = tmp_path / "inventory.json"
    write_private(inventory, {"all": {"hosts": hosts, "vars": {**variables, **package}}})
    done = run_playbook(
        "playbooks/deploy.yml",
        "--check",
        *("--inventory", str(inventory)),
        *("--extra-vars", f"ansible_python_interpreter={sys.executable}"),
        # Without it, Ansible does not call sudo when it already runs as root.
        changes={"ANSIBLE_BECOME_ALLOW_SAME_USER": "1", "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "here.invalid -> localhost" in done.stdout
    assert "/opt/vex-backup/releases/" in done.stdout
    assert list(tmp_path.glob("vex-backup-build-*")) == []
