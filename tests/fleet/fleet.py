"""``playbooks/backup.yml`` over the hosts of an inventory, by SSH, and what it left behind for each."""

from __future__ import annotations

import secrets
import shlex
import subprocess
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

from tests.fleet.hosts import ADMIN, PYTHON, Host
from tests.playbook import HANGS, PLAYBOOK, ROOT, LogDatabase, Outcome, environment, observe, write_private
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.smtp import SmtpSink

PRIVILEGES = "SELECT, RELOAD, PROCESS, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT"
OF_PRODUCT = {"mysql": "REPLICATION CLIENT, BACKUP_ADMIN", "mariadb": "BINLOG MONITOR"}


class Control(NamedTuple):
    """What the hosts share, on this machine's side."""

    log_database: LogDatabase
    store: SeaweedFS
    sink: SmtpSink


class Member:
    """A host in an inventory, under a name of its own there, with a work directory and an account of its own."""

    def __init__(self, host: Host, control: Control) -> None:
        self.host = host
        self.control = control
        self.hostname = f"{host.name}-{secrets.token_hex(4)}"
        self.work = f"/var/backups/{self.hostname}"
        self.account = (f"backup_{secrets.token_hex(4)}", secrets.token_hex(12))
        log_database, store, sink = control
        self.variables: dict[str, Any] = {
            "ansible_host": host.address,
            "ansible_user": ADMIN,
            "ansible_ssh_common_args": shlex.join(host.keys.options),
            "ansible_become": True,
            "ansible_python_interpreter": PYTHON,
            "vex_backup_login_user": self.account[0],
            "vex_backup_login_password": self.account[1],
            "vex_backup_work_dir": self.work,
            "vex_backup_poll_seconds": 1,
            "vex_backup_log_db_host": log_database.server.address,
            "vex_backup_log_db_port": log_database.server.port,
            "vex_backup_log_db_user": log_database.writer[0],
            "vex_backup_log_db_password": log_database.writer[1],
            "vex_backup_log_db_name": log_database.name,
            "vex_backup_s3_endpoint_url": store.endpoint,
            "vex_backup_s3_access_key": store.access_key,
            "vex_backup_s3_secret_key": store.secret_key,
            "vex_backup_s3_bucket": store.bucket,
            "vex_backup_mail_from": "vex@example.org",
            "vex_backup_mail_to": ["dba@example.org"],
            "vex_backup_smtp_host": sink.address,
            "vex_backup_smtp_port": sink.port,
            "vex_backup_smtp_security": "none",
        }

    def create_account(self, address: str = "localhost") -> None:
        """Make the backup's account, which logs in from *address*: ``localhost`` is the socket."""
        user, password = self.account
        account = f"'{user}'@'{address}'"
        self.host.execute(
            f"CREATE USER {account} IDENTIFIED BY '{password}'",
            f"GRANT {PRIVILEGES}, {OF_PRODUCT[self.host.recipe.name]} ON *.* TO {account}",
        )

    def observe(self) -> Outcome:
        """All that runs of this host have left behind until now."""
        mails = [mail for mail in self.control.sink.messages if self._is_mine(mail)]
        listed = self.host.shell(f"ls {self.work}").stdout.split()
        return observe(self.hostname, self.control.log_database, self.control.store, mails, listed)

    def _is_mine(self, mail: EmailMessage) -> bool:
        return self.hostname in str(mail["Subject"])


def backup(members: list[Member], directory: Path, *arguments: str, **variables: Any) -> Mapping[str, Outcome]:
    """Run ``playbooks/backup.yml`` over *members* to its end; each one's outcome by its host's name.

    :param directory: for the inventory
    :param arguments: further ones for ansible-playbook
    :param variables: all hosts', without ``vex_backup_``
    """
    changed = {f"vex_backup_{name}": value for name, value in variables.items()}
    inventory = directory / "inventory.json"
    hosts = {member.hostname: member.variables for member in members}
    write_private(inventory, {"all": {"hosts": hosts, "vars": changed}})
    done = subprocess.run(
        [*PLAYBOOK, "playbooks/backup.yml", "--inventory", str(inventory), *arguments],
        cwd=ROOT,
        # SSH's sockets need a short path, and one that no other session has.
        env=environment({"ANSIBLE_HOME": str(directory / "ansible"), "ANSIBLE_SSH_CONTROL_PATH_DIR": str(directory)}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    output = done.stdout + done.stderr
    return {member.host.name: member.observe()._replace(status=done.returncode, output=output) for member in members}
