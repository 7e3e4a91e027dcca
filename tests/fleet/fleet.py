"""Playbooks over the hosts of an inventory, by SSH, and their results for each host."""

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

# ansible-playbook's exit status.
UNREACHABLE = 4
PRIVILEGES = "SELECT, RELOAD, PROCESS, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT"
SAMPLE = (
    "CREATE DATABASE sample",
    "CREATE TABLE sample.words (id INT PRIMARY KEY, word VARCHAR(20))",
    "INSERT INTO sample.words VALUES (1, 'ação'), (2, 'três')",
)
OF_PRODUCT = {"mysql": "REPLICATION CLIENT, BACKUP_ADMIN", "mariadb": "BINLOG MONITOR"}


class Control(NamedTuple):
    """The servers on this machine that the hosts share."""

    log_database: LogDatabase
    store: SeaweedFS
    sink: SmtpSink


class Member:
    """An inventory's entry for a host, with its own name, work directory and account."""

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
            # What a test takes away stays away.
            "vex_backup_patience_minutes": 0,
        }

    def create_account(self, address: str = "localhost") -> None:
        """Create the backup's account, which logs in from *address*; ``localhost`` means the socket."""
        user, password = self.account
        account = f"'{user}'@'{address}'"
        self.host.execute(
            f"CREATE USER {account} IDENTIFIED BY '{password}'",
            f"GRANT {PRIVILEGES}, {OF_PRODUCT[self.host.recipe.product]} ON *.* TO {account}",
        )

    def switch_on(self) -> None:
        """Start the host again, and note its new address."""
        self.host.switch_on()
        self.variables["ansible_host"] = self.host.address

    def observe(self) -> Outcome:
        """Return the results of this host's runs until now."""
        mails = [mail for mail in self.control.sink.messages if self._is_mine(mail)]
        listed = self.host.shell(f"ls {self.work}").stdout.split()
        return observe(self.hostname, self.control.log_database, self.control.store, mails, listed)

    def _is_mine(self, mail: EmailMessage) -> bool:
        return self.hostname in str(mail["Subject"])


class Run:
    """A running playbook over *members*.

    :param directory: folder for the inventory
    :param arguments: further arguments of ansible-playbook
    :param playbook: name of the playbook
    :param variables: variables of all hosts, without ``vex_backup_``
    """

    def __init__(
        self, members: list[Member], directory: Path, *arguments: str, playbook: str = "backup", **variables: Any
    ) -> None:
        self.members = members
        changed = {f"vex_backup_{name}": value for name, value in variables.items()}
        inventory = directory / "inventory.json"
        hosts = {member.hostname: member.variables for member in members}
        write_private(inventory, {"all": {"hosts": hosts, "vars": changed}})
        # SSH's sockets need a short path of their own.
        short = {"ANSIBLE_HOME": str(directory / "ansible"), "ANSIBLE_SSH_CONTROL_PATH_DIR": str(directory)}
        self._process = subprocess.Popen(
            [*PLAYBOOK, f"playbooks/{playbook}.yml", "--inventory", str(inventory), *arguments],
            cwd=ROOT,
            env=environment(short),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Return whether the playbook has ended."""
        return self._process.poll() is not None

    def wait(self) -> dict[str, Outcome]:
        """Wait for the playbook's end; return each member's outcome by the name of its host."""
        try:
            # Several hosts run at once, and some connections are retried.
            output, _ = self._process.communicate(timeout=3 * HANGS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            output, _ = self._process.communicate()
            raise AssertionError(f"the playbook hangs; its output until now:\n{output}") from None
        status = self._process.returncode
        return {member.host.name: member.observe()._replace(status=status, output=output) for member in self.members}


def backup(members: list[Member], directory: Path, *arguments: str, **variables: Any) -> Mapping[str, Outcome]:
    """Run ``playbooks/backup.yml`` over *members* to its end; parameters and result are those of :class:`Run`."""
    return Run(members, directory, *arguments, **variables).wait()
