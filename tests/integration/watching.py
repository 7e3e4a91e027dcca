"""``playbooks/watch.yml`` as cron runs it on the web host."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.playbook import ROOT, LogDatabase, run_playbook, text_of, write_private
from tests.servers.smtp import SmtpSink

NOW = datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)
# Half a day from now, so that no run becomes overdue while the tests run.
DUE = (NOW.hour + 12) % 24
DAILY = f"0 {DUE} * * *"


class Watched(NamedTuple):
    """The result of one watch."""

    status: int
    output: str
    mails: list[tuple[str, str]]


class Watch:
    """The playbook for one log database, with the web app's settings in a file.

    :param smtp: for its mails alone
    """

    def __init__(self, database: LogDatabase, smtp: SmtpSink, directory: Path) -> None:
        self.database = database
        self.smtp = smtp
        self._settings = directory / "webstatus.toml"
        self._settings.touch(mode=0o600)
        web, password = database.web
        settings = {
            "secret_key": "x" * 32,
            "log_db_unix_socket": database.server.socket,
            "log_db_name": database.name,
            "log_db_user": web,
            "log_db_password": password,
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        self._settings.write_text("\n".join(lines), encoding="utf-8")
        self._variables = directory / "watch.json"
        writer, password = database.writer
        self.variables: dict[str, Any] = {
            "vex_backup_watch_command": [sys.executable, "-m", "webstatus.cli", "overdue"],
            "vex_backup_watch_spool_dir": str(directory / "spool"),
            "vex_backup_log_db_unix_socket": database.server.socket,
            "vex_backup_log_db_user": writer,
            "vex_backup_log_db_password": password,
            "vex_backup_log_db_name": database.name,
            "vex_backup_mail_from": "vex@example.org",
            "vex_backup_mail_to": ["dba@example.org"],
            "vex_backup_smtp_host": "127.0.0.1",
            "vex_backup_smtp_port": smtp.port,
            "vex_backup_smtp_security": "none",
            "vex_backup_patience_minutes": 0,
        }

    def __call__(self, *arguments: str, **variables: Any) -> Watched:
        """Run the playbook; ``mails`` are those that it sent, as (subject, text)."""
        self.smtp.clear()
        given = {f"vex_backup_{name}": value for name, value in variables.items()}
        write_private(self._variables, {**self.variables, **given})
        done = run_playbook(
            "playbooks/watch.yml",
            *("--extra-vars", f"@{self._variables}", *arguments),
            # The web app is not installed here, but in the checkout.
            changes={"VEX_WEBSTATUS_CONFIG": str(self._settings), "PYTHONPATH": str(ROOT)},
        )
        mails = [(str(mail["Subject"]), text_of(mail).replace("\r\n", "\n")) for mail in self.smtp.messages]
        return Watched(done.returncode, done.stdout + done.stderr, mails)

    def expect(self, hostname: str, agenda: str = DAILY) -> None:
        """Insert a server whose backups are expected, since a month ago."""
        self.database.server.execute(
            f"INSERT INTO {self.database.name}.servidor (hostname, agenda, fuso, tolerancia_minutos, data_criacao)"
            f" VALUES ('{hostname}', '{agenda}', 'UTC', 60, '{NOW - datetime.timedelta(days=30)}')"
        )

    def run(self, hostname: str, *, hours_ago: float, status: int = 1) -> None:
        """Insert a run, which ended at once unless it is running."""
        start = NOW - datetime.timedelta(hours=hours_ago)
        end = f"'{start}'" if status else "NULL"
        self.database.server.execute(
            f"INSERT INTO {self.database.name}.backup_log"
            " (run_uuid, hostname, data_inicio, data_encerramento, status_backup, etapa)"
            f" VALUES (UUID(), '{hostname}', '{start}', {end}, {status}, 'dump')"
        )
