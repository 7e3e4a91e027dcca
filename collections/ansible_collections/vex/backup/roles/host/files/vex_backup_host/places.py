# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Paths on a host. roles/host/vars/main.yml has the same."""

from __future__ import annotations

import os
import typing as t

COLLECTION = "collections/ansible_collections/vex/backup"


class Places(t.NamedTuple):
    """The paths of one server: ``release`` is the directory with the programs, ``server`` its name on the host."""

    release: str
    server: str
    settings: str = "/etc/vex-backup"
    home: str = "/var/lib/vex-backup"
    logs: str = "/var/log/vex-backup"

    @property
    def configuration(self) -> str:
        """Path of the server's inventory, with its variables and secrets."""
        return os.path.join(self.settings, f"{self.server}.yml")

    @property
    def lock(self) -> str:
        """Path of the lock that a run holds."""
        return os.path.join(self.home, f"{self.server}.lock")

    @property
    def log(self) -> str:
        """Path of the log with Ansible's output of each run."""
        return os.path.join(self.logs, f"{self.server}.log")

    @property
    def python(self) -> str:
        """Path of the Python with Ansible and the modules' libraries."""
        return os.path.join(self.release, "venv/bin/python")

    def shipped(self, name: str) -> str:
        """Return the path of a file beside this one: a playbook, or Ansible's settings."""
        return os.path.join(self.release, COLLECTION, "roles/host/files/vex_backup_host", name)
