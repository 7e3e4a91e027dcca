"""A log database of a test's own, and the modules that write it, run as Ansible runs them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from tests.servers.mariadb import MariaDB

ROOT = Path(__file__).parents[2]
COLLECTIONS = ROOT / "collections"
ROLE = COLLECTIONS / "ansible_collections/vex/backup/roles/log_schema"
MIGRATIONS = ROLE / "files/migrations"
PACKAGE = "ansible_collections.vex.backup.plugins.modules"


class LogDatabase:
    """A database that a test has for itself on *server*."""

    def __init__(self, server: MariaDB) -> None:
        self.server = server
        self.name = f"log_{uuid.uuid4().hex[:12]}"

    @property
    def login(self) -> dict[str, Any]:
        """The modules' options, and their defaults."""
        return {
            "login_unix_socket": self.server.socket,
            "login_user": "root",
            "login_database": self.name,
            "connect_timeout": 5,
        }

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query returns, as root."""
        with contextlib.closing(self.server.connect(database=self.name)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def drop(self) -> None:
        """Remove it."""
        self.server.execute(f"DROP DATABASE IF EXISTS `{self.name}`")


def run_module(name: str, options: dict[str, Any], *, check: bool = False) -> dict[str, Any]:
    """Run a module in a process of its own; what it returned, ``failed`` included."""
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
