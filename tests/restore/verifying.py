"""Runs of playbooks/verify.yml on a spare host, and their results."""

from __future__ import annotations

import subprocess
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

from tests.playbook import HANGS, PLAYBOOK, ROOT, Installation, Row, environment, text_of, write_private

VERIFIER = "spare-01"


class Proving(NamedTuple):
    """The results of a run: ``rows`` of ``restauracao_log``, mails and keys of proofs."""

    status: int
    output: str
    rows: list[Row]
    mails: list[EmailMessage]
    proofs: list[str]

    @property
    def row(self) -> Row:
        """Return the only row."""
        (row,) = self.rows
        return row

    @property
    def proof(self) -> Row:
        """Return the only row of a proof, beside those of restores."""
        (row,) = [row for row in self.rows if row["tipo"] == "verificacao"]
        return row

    @property
    def mail(self) -> str:
        """Return the text of the only mail."""
        (mail,) = self.mails
        return text_of(mail)


class Verifier:
    """A host that proves the backups of *setup*.

    :param folder: a directory that the scratch server's account can enter
    """

    def __init__(self, setup: Installation, folder: Path) -> None:
        self.setup = setup
        self.path = folder / "verify"
        self.logs = folder / "logs"
        common = ("vex_backup_s3_", "vex_backup_log_db_", "vex_backup_mail_", "vex_backup_smtp_", "ansible_")
        self.variables: dict[str, Any] = {
            **{name: value for name, value in setup.variables.items() if name.startswith(common)},
            "vex_backup_verify_servers": [setup.hostname],
            "vex_backup_verify_dir": str(self.path),
            "vex_backup_verify_logs_dir": str(self.logs),
            "vex_backup_verify_spool_dir": str(folder / "spool"),
        }

    def command(self, **variables: Any) -> list[str]:
        """Return the command that runs the playbook.

        :param variables: variables of the host for this run, without ``vex_backup_``
        """
        changed = {f"vex_backup_{name}": value for name, value in variables.items()}
        inventory = self.setup.directory / "verify.json"
        write_private(inventory, {"vex_backup_verify": {"hosts": {VERIFIER: {**self.variables, **changed}}}})
        return [*PLAYBOOK, "playbooks/verify.yml", "--inventory", str(inventory)]

    def environment(self) -> dict[str, str]:
        """Return the environment of the playbook."""
        temporary = self.setup.temporary / "verify"
        return environment({"ANSIBLE_HOME": str(temporary), "ANSIBLE_REMOTE_TEMP": str(temporary / "tmp")})

    def run(self, *options: str, **variables: Any) -> Proving:
        """Run the playbook, with further *options* of ansible-playbook; *variables* as for :meth:`command`."""
        before = len(self.setup.sink.messages)
        done = subprocess.run(
            [*self.command(**variables), *options],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=4 * HANGS,
            check=False,
        )
        return self.observe(done.returncode, done.stdout + done.stderr, before)

    def observe(self, status: int, output: str, before: int = 0) -> Proving:
        """Return the results of all runs until now, with the mails since *before*."""
        setup = self.setup
        query = "SELECT * FROM restauracao_log WHERE servidor = %s ORDER BY id"
        rows = setup.log_database.rows(query, setup.hostname)
        keys = [key for key in setup.observe().keys if key.endswith(".proof.json")]
        return Proving(status, output, rows, setup.sink.messages[before:], keys)
