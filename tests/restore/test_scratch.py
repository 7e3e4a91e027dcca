"""The private server to try restores on: whose it is, what it replaces, what it refuses, and that nothing is left."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.process import Completed, start_server
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, ScratchFailed
from ansible_collections.vex.backup.plugins.module_utils._verify import scratch_server as scratch_server_module
from tests.integration.log_db import run_module


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other accounts can pass through, as a server's must."""
    with tempfile.TemporaryDirectory(prefix="vex-") as name:
        Path(name).chmod(0o711)
        yield Path(name)
        scratch_server_module.remove(scratch_server_module.Place(f"{name}/scratch"))


def scratch(folder: Path, state: str = "present", **options: Any) -> dict[str, Any]:
    """What the module does, in this process."""
    asked = {"path": str(folder / "scratch"), "state": state, "product": "mariadb", "user": None}
    params = {
        **asked,
        "needed_bytes": 0,
        "lower_case_table_names": 0,
        "abandoned_after": 600,
        "run_log": None,
        **options,
    }
    log = RunLog(params["run_log"])
    try:
        with log.held():
            return scratch_server_module.scratch(params, log)
    except BackupError as error:
        return {"failed": True, "failure": type(error).__name__, "msg": str(error)}


def log_of(folder: Path, run: str) -> str:
    """The log of a run that is alive: it has just been written to."""
    logs = folder / f"{run}.logs"
    logs.mkdir(exist_ok=True)
    (logs / "verify.log").touch()
    return str(logs / "verify.log")


def server_of(folder: Path) -> int:
    """The process that the folder's server has."""
    return int(json.loads((folder / "scratch/owner.json").read_text())["pid"])


def runs(process: int) -> bool:
    """Whether a process runs: one that is dead may still wait for somebody to look after it."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_it_is_empty_private_and_gone_afterwards(folder: Path) -> None:
    started = run_module("mysql_scratch", {"path": str(folder / "scratch"), "product": "mariadb"})
    assert (started["changed"], started["replaced"]) == (True, False), started
    with pymysql.connect(unix_socket=started["socket"], user="root") as connection, connection.cursor() as cursor:
        cursor.execute("SHOW DATABASES")
        names = {name for (name,) in cursor.fetchall()}
        assert names <= {"information_schema", "mysql", "performance_schema", "sys"}
        cursor.execute("SELECT @@skip_networking, @@log_bin, @@event_scheduler, @@version")
        assert cursor.fetchone() == (1, 0, "OFF", started["server_version"])
    process = server_of(folder)
    account = pwd.getpwuid(Path(f"/proc/{process}").stat().st_uid).pw_name
    assert account in (("mysql", "nobody") if os.geteuid() == 0 else (pwd.getpwuid(os.geteuid()).pw_name,))
    for part in ("instance", "work"):
        assert (folder / "scratch" / part).stat().st_mode & 0o077 == 0
    assert scratch(folder, "absent")["changed"]
    assert not (folder / "scratch").exists()
    assert not runs(process)
    assert not scratch(folder, "absent")["changed"]


def test_what_a_dead_run_left_is_ended_and_removed(folder: Path) -> None:
    left = scratch(folder, run_log=log_of(folder, "dead"))
    (Path(left["work"]) / "archive.zip").touch()
    process = server_of(folder)
    claimed = scratch(folder, "claimed", run_log=log_of(folder, "next"), abandoned_after=0)
    assert (claimed["changed"], claimed["replaced"]) == (True, True), claimed
    assert not runs(process)
    assert os.listdir(claimed["work"]) == []


def test_one_that_is_alive_is_let_be(folder: Path) -> None:
    scratch(folder, run_log=log_of(folder, "alive"))
    refused = scratch(folder, "claimed", run_log=log_of(folder, "next"))
    assert (refused["failed"], refused["failure"]) == (True, "AlreadyRunning")
    assert runs(server_of(folder))


def test_told_while_its_server_starts_it_is_known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def told_meanwhile(argv: list[str], log: str) -> int:
        process = start_server(argv, log)
        os.kill(os.getpid(), signal.SIGTERM)
        return process

    monkeypatch.setattr(scratch_server_module, "start_server", told_meanwhile)
    with ending_children():
        assert scratch(folder)["failure"] == "Interrupted"
    process = server_of(folder)
    assert runs(process)
    assert scratch(folder, "absent")["changed"]
    assert not runs(process)


def test_nobody_works_there_unseen(folder: Path) -> None:
    refused = scratch(folder, "claimed", run_log="/proc/nowhere/verify.log")
    assert "/proc/nowhere cannot be made" in refused["msg"]
    assert not any(folder.iterdir())


def test_the_same_run_starts_one_after_the_other_and_keeps_its_files(folder: Path) -> None:
    log = log_of(folder, "mine")
    work = Path(scratch(folder, "claimed", run_log=log)["work"])
    (work / "archive.zip").touch()
    for _backup in range(2):
        started = scratch(folder, run_log=log)
        assert not started["replaced"]
        with pymysql.connect(unix_socket=started["socket"], user="root") as connection, connection.cursor() as cursor:
            # It fails where the one before is still there.
            cursor.execute("CREATE DATABASE mine")
    assert (work / "archive.zip").exists()


def test_another_folder_is_not_touched(folder: Path) -> None:
    (folder / "scratch").mkdir()
    (folder / "scratch/precious").touch()
    for state in ("present", "claimed", "absent"):
        refused = scratch(folder, state)
        assert refused["failure"] == "ScratchFailed"
        assert "holds 'precious', which is not ours" in refused["msg"]
    (folder / "scratch/precious").unlink()
    (folder / "scratch").chmod(0o777)
    assert "not a folder that only this account writes to" in scratch(folder, "absent")["msg"]
    (folder / "scratch").rmdir()
    (folder / "scratch").symlink_to(folder)
    assert "not a folder that only this account writes to" in scratch(folder, "absent")["msg"]
    (folder / "scratch").unlink()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"needed_bytes": 10**18}, "MB free and the restore needs about"),
        ({"user": "nobody-of-that-name"}, "there is no account 'nobody-of-that-name'"),
        ({"product": "mysql"}, "no server of mysql is on this host to restore into: install mysql's server"),
    ],
)
def test_what_stands_in_the_way_is_named(folder: Path, options: dict[str, Any], sentence: str) -> None:
    if "user" in options and os.geteuid() != 0:
        # Only root can run it as another.
        assert "failed" not in scratch(folder, **options)
        return
    refused = scratch(folder, **options)
    assert sentence in refused["msg"]
    assert scratch(folder, "absent")["changed"]


def test_a_path_that_no_socket_can_have_is_named(folder: Path) -> None:
    refused = scratch(folder, path=str(folder / ("x" * 100)))
    assert "is too long for a socket in it" in refused["msg"]


def test_a_server_that_cannot_start_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scratch_server_module._OWN_OPTIONS, "mariadb", ("--no-such-option",))
    refused = scratch(folder)
    assert refused["failure"] == "ScratchFailed"
    assert "no-such-option" in refused["msg"]
    assert scratch(folder, "absent")["changed"]


def test_a_server_runs_as_the_account_that_asks_where_there_is_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch_server_module, "_account", lambda _user: None)
    started = scratch(folder)
    if os.geteuid() == 0:
        assert "as root" in started["msg"]
    else:
        assert runs(server_of(folder))


@pytest.mark.parametrize("account", [None, pwd.getpwuid(os.geteuid())])
@pytest.mark.parametrize("product", ["mysql", "mariadb"])
def test_data_that_cannot_be_prepared_are_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, product: str, account: pwd.struct_passwd | None
) -> None:
    called = []

    def run(argv: list[str], **options: Any) -> Completed:
        called.append(argv)
        return Completed(1, "", "the disk is gone")

    monkeypatch.setattr(scratch_server_module, "run", run)
    place = scratch_server_module.Place(str(folder))
    server = scratch_server_module._argv(place, "mysqld", account)
    with pytest.raises(ScratchFailed, match=r"could not be prepared in .*: the disk is gone"):
        scratch_server_module._initialise(place, server, product, account)
    (argv,) = called
    assert ("--initialize-insecure" in argv) == (product == "mysql")
    assert any(argument.startswith("--user=") for argument in argv) == (account is not None)


def test_a_server_of_the_other_product_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    version = Completed(0, "Ver 11.8.2-MariaDB", "")
    monkeypatch.setattr(scratch_server_module, "find_program", lambda names, *_: f"/usr/sbin/{names[0]}")
    monkeypatch.setattr(scratch_server_module, "run", lambda _argv, **_options: version)
    assert scratch_server_module._find_server("mariadb") == "/usr/sbin/mariadbd"
    with pytest.raises(BackupError, match="no server of mysql is on this host"):
        scratch_server_module._find_server("mysql")


def test_the_account_that_a_server_runs_as(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = {"nobody": pwd.getpwnam("nobody")}
    monkeypatch.setattr(pwd, "getpwnam", accounts.__getitem__)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert scratch_server_module._account(None) == accounts["nobody"]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert scratch_server_module._account("mysql") is None


def test_a_server_that_does_not_listen_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch_server_module, "END_SECONDS", 0.2)
    deaf = 'trap "" TERM; echo deaf; while :; do sleep 60 & wait; done'
    with subprocess.Popen(["bash", "-c", deaf], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"deaf\n"
        try:
            scratch_server_module._end(process.pid, "another's start")
            assert runs(process.pid)
            scratch_server_module._end(process.pid, scratch_server_module._started(process.pid))
            assert not runs(process.pid)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert scratch_server_module._started(process.pid) is None
