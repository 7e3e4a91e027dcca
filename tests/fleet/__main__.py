"""One host of the fleet for a Molecule scenario: ``python -m tests.fleet start DIRECTORY RECIPE``, ``stop DIRECTORY``.

A process of its own keeps it, as a session of tests does, until it is told to end.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from pathlib import Path

from tests.fleet import images
from tests.fleet.deployment import build, wheelhouse
from tests.fleet.hosts import ADMIN, PYTHON, Host, Keys
from tests.playbook import write_private
from tests.servers.process import Process

# An inventory, written when the host is ready.
INVENTORY = "hosts.json"


def start(directory: Path, recipe: str) -> None:
    """Start a host, and return when it is ready."""
    command = [sys.executable, "-m", "tests.fleet", "keep", str(directory), recipe]
    Process("host", directory, detached=True).start(command, (directory / INVENTORY).exists, timeout=images.BUILD_TAKES)


def stop(directory: Path) -> None:
    """Remove the host of a directory."""
    Process("host", directory, detached=True).stop()


def keep(directory: Path, recipe: str) -> None:
    """Run a host until SIGTERM."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    # sshd reads the key as another user, which must be able to enter this folder.
    directory.chmod(0o711)
    with Host("db", getattr(images, recipe), Keys(directory / "keys"), directory / "exchange") as host:
        inventory = directory / INVENTORY
        try:
            partial = inventory.with_suffix(".partial")
            write_private(partial, {"all": {"hosts": {"db": variables_of(host, directory)}}})
            partial.rename(inventory)
            signal.sigwait({signal.SIGTERM})
        finally:
            inventory.unlink(missing_ok=True)


def variables_of(host: Host, directory: Path) -> dict[str, object]:
    """Return the host's variables for an inventory. Its one account has all privileges.

    :param directory: folder for the files that a bare host gets
    """
    user, password = host.tester
    means: dict[str, object] = {"ansible_python_interpreter": PYTHON}
    if not host.recipe.equipped:
        means = {
            "ansible_python_interpreter": "auto_silent",
            "vex_backup_host_collection_archive": str(build(directory)),
            "vex_backup_host_wheelhouse": str(wheelhouse()),
        }
    return {
        "ansible_host": host.address,
        "ansible_user": ADMIN,
        "ansible_ssh_common_args": shlex.join(host.keys.options),
        "ansible_become": True,
        **means,
        "fleet_client": host.recipe.product,
        "vex_backup_login_user": user,
        "vex_backup_login_password": password,
        "vex_backup_work_dir": "/var/backups/vex-backup",
        "vex_backup_log_db_host": "127.0.0.1",
        "vex_backup_log_db_user": user,
        "vex_backup_log_db_password": password,
        "vex_backup_upload_enabled": False,
        "vex_backup_mail_enabled": False,
    }


def main() -> None:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["start", "keep", "stop"])
    parser.add_argument("directory", type=Path)
    parser.add_argument("recipe", nargs="?", default="MARIADB")
    given = parser.parse_args()
    if given.command == "stop":
        stop(given.directory)
    else:
        {"start": start, "keep": keep}[given.command](given.directory, given.recipe)


if __name__ == "__main__":
    main()
