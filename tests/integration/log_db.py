"""A log database for one test, and the calls of the modules that write it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from ansible_collections.vex.backup.plugins.module_utils._arguments import request
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._log_db.columns import (
    BackupFacts,
    RestoreFacts,
    RunFacts,
    UploadFacts,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase as Target
from ansible_collections.vex.backup.plugins.module_utils._log_db.migrations import SchemaRequest, bring_up_to_date
from ansible_collections.vex.backup.plugins.module_utils._log_db.records import (
    RestoreRecordRequest,
    RunRecordRequest,
    record_restore,
    record_run,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import resolve_login
from tests.servers.mariadb import MariaDB

ROOT = Path(__file__).parents[2]
COLLECTIONS = ROOT / "collections"
ROLE = COLLECTIONS / "ansible_collections/vex/backup/roles/log_schema"
MIGRATIONS = ROLE / "files/migrations"
PACKAGE = "ansible_collections.vex.backup.plugins.modules"


class LogDatabase:
    """A database on *server* for one test."""

    def __init__(self, server: MariaDB) -> None:
        self.server = server
        self.name = f"log_{uuid.uuid4().hex[:12]}"

    @property
    def login(self) -> dict[str, Any]:
        """The login options of the modules, and their defaults."""
        return {
            "login_unix_socket": self.server.socket,
            "login_user": "root",
            "login_database": self.name,
            "connect_timeout": 30,
        }

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query, as root."""
        with contextlib.closing(self.server.connect(database=self.name)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def drop(self) -> None:
        """Drop the database."""
        self.server.execute(f"DROP DATABASE IF EXISTS `{self.name}`")


def migrate(options: dict[str, Any], *, check_mode: bool = False) -> dict[str, Any]:
    """Call ``backup_log_schema`` in this process.

    :param options: the module's; ``migrations`` and ``create_database`` have defaults
    """
    defaults = {"migrations": str(MIGRATIONS), "create_database": True, "patience": 0}
    given = {**defaults, **options}
    return bring_up_to_date(request(SchemaRequest, given, login=resolve_login(given)), check_mode)


def record(options: dict[str, Any], *, check_mode: bool = False) -> dict[str, Any]:
    """Call ``backup_log_record`` in this process; absent options have their defaults."""
    backup = BackupFacts(**options.get("backup", {}))
    uploads = [UploadFacts(**upload) for upload in options.get("uploads", [])]
    facts = RunFacts(**{**_fields(RunFacts, options), "backup": backup, "uploads": uploads})
    given = {**_fields(RunRecordRequest, options), "log_database": Target.from_options(options), "facts": facts}
    return record_run(RunRecordRequest(**given), RunLog(options.get("run_log")), check_mode)


def restore_record(options: dict[str, Any], *, check_mode: bool = False) -> dict[str, Any]:
    """Call ``restore_log_record`` in this process; absent options have their defaults."""
    facts = RestoreFacts(**_fields(RestoreFacts, options))
    given = {**_fields(RestoreRecordRequest, options), "log_database": Target.from_options(options), "facts": facts}
    return record_restore(RestoreRecordRequest(**given), RunLog(options.get("run_log")), check_mode)


def _fields(kind: Any, options: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in options.items() if name in names}


def run_module(name: str, options: dict[str, Any], *, check: bool = False) -> dict[str, Any]:
    """Run a module in its own process, and return its result, ``failed`` included."""
    arguments = {"ANSIBLE_MODULE_ARGS": {**options, "_ansible_check_mode": check}}
    done = subprocess.run(
        [sys.executable, "-m", f"{PACKAGE}.{name}"],
        input=json.dumps(arguments),
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip(), done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result
