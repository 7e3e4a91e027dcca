"""``playbooks/deploy.yml`` over SSH, with the files for hosts without internet."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.fleet.fleet import Member
from tests.fleet.images import ROOT
from tests.playbook import PLAYBOOK, environment, write_private
from tests.servers.cache import cache_directory

COLLECTION = ROOT / "collections/ansible_collections/vex/backup"
REQUIREMENTS = COLLECTION / "roles/host/files/requirements.txt"
# Seconds for creating virtual environments on all hosts at once, on a machine that may be busy.
HANGS = 3600
RECAP = re.compile(r"^(\S+)\s+: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.MULTILINE)


class Deployed(NamedTuple):
    """A finished deployment; ``changed`` has the number of changed tasks by host."""

    status: int
    output: str
    changed: dict[str, int]

    @property
    def said(self) -> str:
        """Return the output as one line."""
        return " ".join(self.output.split())


class Deployment:
    """An inventory of *members*, which a test deploys several times.

    :param directory: folder for the inventory, with a short path
    """

    def __init__(self, members: Sequence[Member], directory: Path) -> None:
        self.members = list(members)
        self.directory = directory
        self.archive = build(directory)

    def __call__(self, *arguments: str, **variables: Any) -> Deployed:
        """Run the playbook to its end.

        :param arguments: further arguments of ansible-playbook
        :param variables: variables of all hosts, without ``vex_backup_``
        """
        given = {
            # Built once: the checkout may change during the test.
            "vex_backup_host_collection_archive": str(self.archive),
            "vex_backup_host_wheelhouse": str(wheelhouse()),
            **{f"vex_backup_{name}": value for name, value in variables.items()},
        }
        inventory = self.directory / "inventory.json"
        hosts = {member.hostname: member.variables for member in self.members}
        write_private(inventory, {"all": {"hosts": hosts, "vars": given}})
        short = {"ANSIBLE_HOME": str(self.directory / "ansible"), "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.directory)}
        done = subprocess.run(
            [*PLAYBOOK, "playbooks/deploy.yml", "--diff", "-v", "--inventory", str(inventory), *arguments],
            cwd=ROOT,
            env=environment(short),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HANGS,
            check=False,
        )
        output = done.stdout + done.stderr
        for secret in self._secrets():
            assert secret not in output
        return Deployed(done.returncode, output, {host: int(changed) for host, changed, *_ in RECAP.findall(output)})

    def _secrets(self) -> set[str]:
        names = ("login_password", "log_db_password", "s3_secret_key")
        return {str(member.variables[f"vex_backup_{name}"]) for member in self.members for name in names}


def build(directory: Path) -> Path:
    """Build the collection from the checkout; return the path of its archive."""
    made = subprocess.run(
        [sys.executable, "-m", "ansible", "galaxy", "collection", "build", "--output-path", directory, COLLECTION],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    (archive,) = directory.glob("vex-backup-*.tar.gz")
    return archive


def wheelhouse() -> Path:
    """Return the folder with the wheels for the hosts' Pythons; fetch them once for each list of requirements."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    made = cache_directory() / f"wheelhouse-{digest}"
    if not made.exists():
        partial = made.with_suffix(".partial")
        done = subprocess.run(
            ["scripts/wheelhouse", partial, "3.13", "3.14"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        partial.rename(made)
    return made
