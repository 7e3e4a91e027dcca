"""``mysql_dump`` in check mode on a real MariaDB: each need of a dump, and all that are not met at once."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump.dump import dump
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login
from tests.integration.dumping import dump_request
from tests.servers.mariadb import MariaDB

NEEDS = ["mydumper", "client", "compression", "databases", "grants", "directory", "lock", "tools", "disk", "tables"]
NAME = "backup_20250720_161523"
DATABASE, EMPTY = "tried", "tried_empty"
FEW = ("limited", "canary-secret")


@pytest.fixture(scope="module")
def source(mariadb: MariaDB) -> Iterator[MariaDB]:
    mariadb.execute(f"CREATE DATABASE {DATABASE}", f"CREATE TABLE {DATABASE}.t (id INT PRIMARY KEY)")
    mariadb.execute(f"INSERT INTO {DATABASE}.t VALUES (1)")
    mariadb.create_account(*FEW, "SELECT, PROCESS ON *.*")
    mariadb.execute(f"CREATE DATABASE {EMPTY}")
    yield mariadb
    mariadb.execute(f"DROP DATABASE {DATABASE}", f"DROP DATABASE {EMPTY}")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return a function that puts a shell script in place of a program; ``$real`` in it is the program."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def replace(name: str, script: str) -> None:
        path = folder / name
        path.write_text(f"#!/bin/sh\nreal={shutil.which(name)}\n{script}\n", encoding="utf-8")
        path.chmod(0o700)

    return replace


def check(source: MariaDB, path: Path, **options: Any) -> dict[str, Any]:
    """Check a dump of all databases; return the module's result."""
    given = {"databases": [DATABASE], "compression": "zstd", "space_factor": 1.0, "check_mode": True, **options}
    return dump(dump_request(source.socket, path / NAME, **given), RunLog(None))


def failures(source: MariaDB, path: Path, **options: Any) -> dict[str, str]:
    """Return the messages of a check that fails, by need; empty for one that is met."""
    with pytest.raises(BackupError) as caught:
        check(source, path, **options)
    needs: dict[str, str] = caught.value.details["needs"]
    assert all(text in str(caught.value) for text in needs.values())
    assert "canary" not in str(caught.value)
    return needs


def unmet(needs: dict[str, str]) -> list[str]:
    return [name for name, text in needs.items() if text]


@pytest.mark.parametrize("compression", ["zstd", "none"])
def test_all_needs_are_met_and_nothing_is_left(source: MariaDB, work: Path, compression: str) -> None:
    before = work.stat().st_mtime_ns
    result = check(source, work, compression=compression)
    assert (result["status"], result["needs"]) == (1, dict.fromkeys(NEEDS, ""))
    assert (result["databases"], result["tables"]) == ([DATABASE], 1)
    # An empty database needs no MyDumper.
    assert check(source, work / "not" / "yet", databases=[EMPTY])["needs"] == dict.fromkeys(NEEDS, "")
    assert (list(work.iterdir()), work.stat().st_mtime_ns) == ([], before)


def test_every_failure_is_named_at_once(source: MariaDB, tmp_path: Path, programs: Callable[[str, str], None]) -> None:
    programs("zstd", "echo broken zstd >&2; exit 1")
    programs("mariadb", 'case "$*" in --version) exec "$real" --version ;; *) echo no way >&2; exit 1 ;; esac')
    (tmp_path / "file").touch()
    login = Login("", 0, source.socket, *FEW, None)
    needs = failures(source, tmp_path / "file" / "work", login=login, space_factor=1e12)
    # Without the privileges, the tables are not tried.
    assert set(needs) == {*NEEDS} - {"tables"}
    assert set(unmet(needs)) == {"compression", "grants", "directory", "lock", "tools", "disk"}
    assert "broken zstd" in needs["compression"]
    assert "RELOAD ON *.*" in needs["grants"]
    assert "Remedy: GRANT" in needs["grants"]
    assert f"Not a directory: '{tmp_path / 'file'}'" in needs["directory"]
    assert "choose another work directory" in needs["directory"]
    assert needs["tools"] == "mariadb cannot log in to the server that this host reaches: no way"
    assert "make room" in needs["disk"]


def test_missing_programs_are_all_named(source: MariaDB, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(work))
    monkeypatch.setattr(os, "defpath", "")
    needs = failures(source, work, databases=["nowhere"])
    assert unmet(needs) == ["mydumper", "client", "compression", "databases"]
    assert "install the package mydumper" in needs["mydumper"]
    assert "install the package mariadb-client" in needs["client"]
    assert "install zstd" in needs["compression"]
    assert "nowhere" in needs["databases"]
    assert list(needs) == ["mydumper", "client", "compression", "databases", "directory", "lock"]
    found = failures(source, work)
    assert (unmet(found), found["grants"]) == (["mydumper", "client", "compression"], "")


def test_a_pattern_that_is_none(source: MariaDB, work: Path) -> None:
    assert unmet(failures(source, work, exclude_tables=["nothing"])) == ["databases"]


@pytest.mark.parametrize("program", ["mariadb", "mydumper"])
def test_a_tool_that_reaches_another_server(
    source: MariaDB, log_mariadb: MariaDB, work: Path, programs: Callable[[str, str], None], program: str
) -> None:
    other = f'"$real" "$@" --socket={log_mariadb.socket}'
    programs(program, f'case "$*" in --version) exec "$real" --version ;; *) exec {other} ;; esac')
    log_mariadb.execute(f"CREATE DATABASE {DATABASE}", f"CREATE TABLE {DATABASE}.t (id INT PRIMARY KEY)")
    try:
        needs = failures(source, work)
    finally:
        log_mariadb.execute(f"DROP DATABASE {DATABASE}")
    assert unmet(needs) == ["tools"]
    assert needs["tools"].startswith(f"{program} cannot log in to the server that this host reaches: ")


def test_a_compressor_that_breaks_files(source: MariaDB, work: Path, programs: Callable[[str, str], None]) -> None:
    broken = '"$real" "$@" && echo x >rows.sql.zst'
    programs("zstd", f'case "$*" in *--rm*) {broken} ;; *) exec "$real" "$@" ;; esac')
    needs = failures(source, work)
    assert needs["compression"] == "zstd does not understand what it compressed: install it again"
    assert unmet(needs) == ["compression"]


def test_a_dump_in_progress(source: MariaDB, work: Path) -> None:
    check(source, work, check_mode=False, dump_log=str(work / "dump.log"))
    shutil.rmtree(work / NAME)
    (lock,) = work.glob(".dump-*.lock")
    with lock.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        during = check(source, work)
    assert unmet(during["needs"]) == []
    assert f"another dump of this server is in progress (lock {lock}); wait for its end" in during["notes"]["lock"]
    after = check(source, work)
    assert (unmet(after["needs"]), after["notes"]) == ([], {})
    lock.unlink()
    lock.mkdir()
    needs = failures(source, work)
    assert unmet(needs) == ["lock"]
    assert f"Is a directory: '{lock}'; let the account that runs the backup write to {work}" in needs["lock"]
