"""Dumps to restore, and calls of mysql_restore."""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._arguments import request
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump.dump import DumpRequest, dump
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import resolve_login
from ansible_collections.vex.backup.plugins.module_utils._restore.request import RestoreRequest
from ansible_collections.vex.backup.plugins.module_utils._restore.restore import restore
from tests.servers.database_server import DatabaseServer

NAME = "backup_20250720_161523"


class Dumped:
    """A dump of *databases* of *source* in *directory*, to restore.

    :param is_whole: whether it is expected to hold everything
    """

    def __init__(
        self,
        source: DatabaseServer,
        directory: Path,
        databases: tuple[str, ...],
        *,
        is_whole: bool = True,
        **options: Any,
    ) -> None:
        self.source = source
        self.databases = databases
        self.path = directory / NAME
        self.log = directory / "restore.log"
        given: dict[str, Any] = {
            **login(source),
            "path": str(self.path),
            "dump_log": str(directory / "dump.log"),
            "databases": list(databases),
            "exclude_databases": [],
            "exclude_tables": [],
            "schema_only_tables": [],
            "mode": "individual",
            "threads": 2,
            "routines": True,
            "triggers": True,
            "events": True,
            "accounts": False,
            "compression": "zstd",
            "checksums": "sample",
            "long_query_guard": 60,
            "timeout": 0,
            "connect_timeout": 10,
            "space_factor": 0.0,
            "keep_failed": 1,
            "run_log": None,
            "run_uuid": "u1",
            "hostname": "db1",
            **options,
        }
        dumped = request(DumpRequest, given, login=resolve_login(given), check_mode=False)
        result = dump(dumped, RunLog(None))
        assert (result["status"] in {1, 2}) == is_whole, result
        self.warnings = result["dump_warnings"]
        self.errors = result["dump_errors"]

    def text(self, name: str) -> str:
        """Return the text of a file below ``dump/``, by its name before compression."""
        command = ["zstd", "-dcq", str(self.path / "dump" / f"{name}.zst")]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def run(self, server: DatabaseServer, /, **options: Any) -> dict[str, Any]:
        names = ("login_unix_socket", "login_user", "login_password")
        given = {**login(server), **{name: options.pop(name) for name in names if name in options}}
        defaults = RestoreRequest(
            login=resolve_login(given),
            path=str(self.path),
            discard=False,
            manifest=None,
            database=None,
            target=None,
            table=None,
            accounts=False,
            overwrite=False,
            threads=2,
            binlog=True,
            make_definers=False,
            timeout=0,
            check_mode=False,
        )
        return restore(dataclasses.replace(defaults, **options), RunLog(str(self.log)))

    def refusal(self, error: type[BackupError], server: DatabaseServer, /, **options: Any) -> BackupError:
        with pytest.raises(error) as caught:
            self.run(server, **options)
        assert caught.value.details["status"] == 3
        return caught.value


def login(server: DatabaseServer) -> dict[str, Any]:
    unset = ("login_host", "login_port", "login_password", "config_file", "ca_cert")
    return {**dict.fromkeys(unset), "login_unix_socket": server.socket, "login_user": "root"}


@contextlib.contextmanager
def small_dump(source: DatabaseServer, directory: Path) -> Iterator[Dumped]:
    """Create a database of two tables with two rows each for the block; yield its dump.

    The dump is plain text, which a test can damage.
    """
    try:
        source.execute(
            "CREATE DATABASE small",
            "CREATE TABLE small.first (id INT PRIMARY KEY)",
            "INSERT INTO small.first VALUES (1), (2)",
            "CREATE TABLE small.second (id INT PRIMARY KEY)",
            "INSERT INTO small.second VALUES (1), (2)",
            "CREATE PROCEDURE small.p() SELECT 1",
            "CREATE TRIGGER small.t BEFORE INSERT ON small.first FOR EACH ROW SET NEW.id = NEW.id + 0",
        )
        yield Dumped(source, directory, ("small",), compression="none")
    finally:
        source.execute("DROP DATABASE small")
