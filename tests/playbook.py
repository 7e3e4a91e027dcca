"""Runs of a whole ``ansible-playbook`` against real servers, and everything that they leave behind."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

import pymysql.cursors

from tests.servers.database_server import DatabaseServer
from tests.servers.mariadb import MariaDB
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.smtp import SmtpSink

ROOT = Path(__file__).parents[1]
GRANTS = ROOT / "collections/ansible_collections/vex/backup/roles/log_schema/files/grants"
PLAYBOOK = (sys.executable, "-m", "ansible", "playbook")
# Seconds after which a run counts as hung, also on a machine that is ten times slower than a developer's.
HANGS = 900

BACKUP_ACCOUNT = ("SELECT, RELOAD, PROCESS, BINLOG MONITOR, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT ON *.*",)
ATTACHMENTS = ["backup_script.log", "mydumper_log.log"]

Row = dict[str, Any]


class LogDatabase:
    """A log database on *server*, brought to its schema by ``playbooks/schema.yml``, and its three accounts."""

    def __init__(self, server: MariaDB, directory: Path) -> None:
        self.server = server
        self.name = f"vex_log_{secrets.token_hex(4)}"
        self.writer = (f"writer_{secrets.token_hex(4)}", secrets.token_hex(12))
        self.web = (f"web_{secrets.token_hex(4)}", secrets.token_hex(12))
        self._migrator = (f"migrator_{secrets.token_hex(4)}", secrets.token_hex(12))
        self._variables = directory / "schema.json"

    def create(self) -> None:
        """Create the database, unless a test did, and the accounts with the shipped grants."""
        self.server.execute(f"CREATE DATABASE IF NOT EXISTS {self.name}")
        self._create_account("migrator", self._migrator)
        self.apply_schema()
        self._create_account("writer", self.writer)
        self._create_account("web", self.web)

    def apply_schema(self, *arguments: str) -> str:
        """Run ``playbooks/schema.yml``; return its output."""
        user, password = self._migrator
        write_private(
            self._variables,
            {
                "vex_backup_log_db_unix_socket": self.server.socket,
                "vex_backup_log_db_migrator_user": user,
                "vex_backup_log_db_migrator_password": password,
                "vex_backup_log_db_name": self.name,
                "vex_backup_log_db_create": False,
            },
        )
        done = run_playbook("playbooks/schema.yml", "--extra-vars", f"@{self._variables}", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rows(self, query: str, *values: object) -> list[Row]:
        """Return the rows of a query, as root, by column."""
        with (
            contextlib.closing(self.server.connect(database=self.name)) as connection,
            connection.cursor(pymysql.cursors.DictCursor) as cursor,
        ):
            cursor.execute(query, values)
            return list(cursor.fetchall())

    def _create_account(self, role: str, account: tuple[str, str]) -> None:
        user, password = account
        self.server.create_account(user, password)
        shipped = (GRANTS / f"{role}.sql").read_text(encoding="utf-8").replace("vex_backup.", f"{self.name}.")
        lines = [line for line in shipped.splitlines() if not line.startswith("--")]
        for host in self.server.client_hosts:
            mine = "\n".join(lines).replace(f"'vex_backup_{role}'@'%'", f"'{user}'@'{host}'")
            self.server.execute(*filter(str.strip, mine.split(";")))


class Outcome(NamedTuple):
    """Everything that a run of the playbook left behind.

    ``backups`` and ``uploads`` are this host's rows in the log tables, by the start of their runs, none while the log
    database is away; ``mails`` are those that arrived so far; ``files`` the names in the work directory; ``keys`` the
    objects of this host in the bucket and ``unfinished`` its multipart uploads.
    """

    status: int
    output: str
    backups: list[Row]
    uploads: list[Row]
    mails: list[EmailMessage]
    files: list[str]
    keys: list[str]
    unfinished: list[str]

    @property
    def backup(self) -> Row:
        """The one row of ``backup_log``."""
        (row,) = self.backups
        return row

    @property
    def upload(self) -> Row:
        """The one row of ``upload_s3_log``."""
        (row,) = self.uploads
        return row

    @property
    def mail(self) -> EmailMessage:
        """The one mail."""
        (mail,) = self.mails
        return mail

    @property
    def key(self) -> str:
        """The key of the archive, when the host has only this archive and its manifest in the bucket."""
        key, manifest = sorted(self.keys)
        assert manifest == f"{key}.manifest.json"
        return key


class Run:
    """A playbook that is running."""

    def __init__(self, installation: Installation, command: Sequence[str], changes: Mapping[str, str]) -> None:
        self._installation = installation
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(changes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @property
    def ended(self) -> bool:
        """``True`` after the end of the playbook."""
        return self._process.poll() is not None

    def wait(self, seconds: float = HANGS) -> Outcome:
        """Wait until the playbook ends; return everything that it left behind.

        :param seconds: after which it counts as hung
        """
        try:
            output, _ = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            output, _ = self._process.communicate()
            raise AssertionError(f"the playbook hangs; its output until now:\n{output}") from None
        return self._installation.observe(self._process.returncode, output)


class Installation:
    """One host of an inventory, configured as its users would configure it, with a work directory of its own.

    ``variables`` are the host's; a test changes them before it starts a run. ``path`` is searched for programs first.
    """

    def __init__(
        self,
        directory: Path,
        source: DatabaseServer,
        log_database: LogDatabase,
        store: SeaweedFS,
        sink: SmtpSink,
    ) -> None:
        self.directory = directory
        self.source = source
        self.log_database = log_database
        self.store = store
        self.sink = sink
        self.hostname = f"db-{secrets.token_hex(4)}"
        self.work = directory / "work"
        self.spool = self.work / "spool"
        self.path = directory / "bin"
        self.temporary = directory / "tmp"
        for made in (directory, self.path, self.temporary):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.account = (f"backup_{secrets.token_hex(4)}", secrets.token_hex(12))
        self.variables: dict[str, Any] = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "vex_backup_login_unix_socket": source.socket,
            "vex_backup_login_user": self.account[0],
            "vex_backup_login_password": self.account[1],
            "vex_backup_work_dir": str(self.work),
            "vex_backup_log_db_unix_socket": log_database.server.socket,
            "vex_backup_log_db_user": log_database.writer[0],
            "vex_backup_log_db_password": log_database.writer[1],
            "vex_backup_log_db_name": log_database.name,
            "vex_backup_s3_endpoint_url": store.endpoint,
            "vex_backup_s3_access_key": store.access_key,
            "vex_backup_s3_secret_key": store.secret_key,
            "vex_backup_s3_bucket": store.bucket,
            "vex_backup_mail_from": "vex@example.org",
            "vex_backup_mail_to": ["dba@example.org"],
            "vex_backup_smtp_host": "127.0.0.1",
            "vex_backup_smtp_port": sink.port,
            "vex_backup_smtp_security": "none",
            # What a test takes away stays away; tests/faults/test_patience.py has the servers that come back.
            "vex_backup_patience_minutes": 0,
        }

    @property
    def prefix(self) -> str:
        """The prefix of this host's keys."""
        return f"{self.hostname}/"

    def create_account(self, *grants: str) -> None:
        """Create the backup account on the source again.

        :param grants: other than what a backup needs
        """
        self.source.create_account(*self.account, *(grants or BACKUP_ACCOUNT))

    def replace_program(self, name: str, script: str) -> None:
        """Put a shell script in place of the program *name*; ``$REAL`` in it is the real program."""
        wrapper = self.path / name
        wrapper.write_text(f"#!/bin/sh\nREAL=$(PATH=${{PATH#*:}} command -v {name})\n{script}\n", encoding="utf-8")
        wrapper.chmod(0o700)

    def restore_program(self, name: str) -> None:
        """Remove the script."""
        (self.path / name).unlink()

    def start(self, *arguments: str, **variables: Any) -> Run:
        """Start ``playbooks/backup.yml`` on this host alone.

        :param arguments: further ones for ansible-playbook
        :param variables: the host's for this run, without ``vex_backup_``
        """
        changed = {f"vex_backup_{name}": value for name, value in variables.items()}
        inventory = self.directory / "inventory.json"
        write_private(inventory, {"all": {"hosts": {self.hostname: {**self.variables, **changed}}}})
        command = [*PLAYBOOK, "playbooks/backup.yml", "--inventory", str(inventory), *arguments]
        return Run(self, command, self._environment())

    def backup(self, *arguments: str, **variables: Any) -> Outcome:
        """Run ``playbooks/backup.yml`` to its end; options as :meth:`start`."""
        return self.start(*arguments, **variables).wait()

    def observe(self, status: int = 0, output: str = "") -> Outcome:
        """Return everything that runs have left behind until now."""
        files = sorted(os.listdir(self.work)) if self.work.is_dir() else []
        return observe(self.hostname, self.log_database, self.store, self.sink.messages, files)._replace(
            status=status, output=output
        )

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.path}:{os.environ['PATH']}",
            "TMPDIR": str(self.temporary),
            "ANSIBLE_HOME": str(self.temporary / "ansible"),
            "ANSIBLE_REMOTE_TEMP": str(self.temporary / "ansible/tmp"),
        }


def run_playbook(
    playbook: str, *arguments: str, changes: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a playbook to its end.

    :param changes: to the environment
    """
    return subprocess.run(
        [*PLAYBOOK, playbook, *arguments],
        cwd=ROOT,
        env=environment(changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )


def observe(
    hostname: str, log_database: LogDatabase, store: SeaweedFS, mails: list[EmailMessage], files: list[str]
) -> Outcome:
    """Return everything that runs of *hostname* have left behind until now.

    :param mails: its mails
    :param files: the names in its work directory
    """
    here = log_database.server.process.pid is not None
    client = store.client()
    objects = client.list_objects_v2(Bucket=store.bucket, Prefix=f"{hostname}/").get("Contents", [])
    uploads = client.list_multipart_uploads(Bucket=store.bucket).get("Uploads", [])
    backups = "SELECT * FROM backup_log WHERE hostname = %s ORDER BY data_inicio"
    of_uploads = (
        "SELECT u.* FROM upload_s3_log u JOIN backup_log b ON b.id = backup_id"
        " WHERE hostname = %s ORDER BY b.data_inicio"
    )
    return Outcome(
        0,
        "",
        log_database.rows(backups, hostname) if here else [],
        log_database.rows(of_uploads, hostname) if here else [],
        mails,
        files,
        sorted(item["Key"] for item in objects),
        sorted(item["Key"] for item in uploads if item["Key"].startswith(f"{hostname}/")),
    )


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for ``ansible-playbook``: that of this process, with *changes*."""
    return {**os.environ, "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1", **(changes or {})}


def write_private(path: Path, content: Any) -> None:
    """Write a JSON file that only its owner can read, since variables hold passwords."""
    path.touch(mode=0o600)
    path.write_text(json.dumps(content), encoding="utf-8")


def text_of(mail: EmailMessage) -> str:
    """Return the plain text of a mail."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def attachments_of(mail: EmailMessage) -> dict[str, str]:
    """Return the attachments of a mail, content by name."""
    return {str(part.get_filename()): str(part.get_content()) for part in mail.iter_attachments()}


@contextlib.contextmanager
def away(server: MariaDB) -> Iterator[None]:
    """Stop a server during the block."""
    server.stop()
    try:
        yield
    finally:
        server.start()
