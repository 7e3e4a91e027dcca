"""MyDumper 0.10 stalls with all tables locked: it is ended and started again, and the dump is complete."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump import stall_guard
from tests.restore.dumping import Dumped
from tests.servers.mariadb import MariaDB

# Its first run never ends.
WRAPPER = """#!/bin/sh
case "$*" in *--version*) exec {mydumper} --version ;; esac
if mkdir {mark} 2>/dev/null; then mkdir -p {output}; exec sleep 600; fi
exec {mydumper} "$@"
"""


@pytest.fixture
def database(mariadb: MariaDB) -> str:
    mariadb.execute("CREATE DATABASE stalls", "CREATE TABLE stalls.kept (id INT) ENGINE = MyISAM")
    mariadb.execute("INSERT INTO stalls.kept VALUES (1), (2)")
    return "stalls"


def test_a_stalled_mydumper_is_started_again(
    mariadb: MariaDB, fresh_mariadb: MariaDB, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than the second run is idle on a busy machine.
    monkeypatch.setattr(stall_guard, "STALL_SECONDS", 8)
    monkeypatch.setattr(stall_guard, "POLL_SECONDS", 0.1)
    programs = tmp_path / "bin"
    programs.mkdir()
    output = tmp_path / "backup_20250720_161523.partial/dump" / database / "tables"
    wrapper = WRAPPER.format(mydumper=shutil.which("mydumper"), mark=tmp_path / "stalled", output=output)
    (programs / "mydumper").write_text(wrapper)
    (programs / "mydumper").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    dumped = Dumped(mariadb, tmp_path, (database,))
    assert (tmp_path / "stalled").is_dir()
    dumped.run(fresh_mariadb)
    with contextlib.closing(fresh_mariadb.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM stalls.kept")
        assert cursor.fetchone() == (2,)
    mariadb.execute(f"DROP DATABASE {database}")
    fresh_mariadb.execute(f"DROP DATABASE {database}")
