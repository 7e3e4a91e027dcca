"""Tests of the scratch server: its directory, its start, its refusals and its removal."""

from __future__ import annotations

import dataclasses
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
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, ScratchFailed
from ansible_collections.vex.backup.plugins.module_utils._verify import scratch_server as scratch_server_module
from ansible_collections.vex.backup.plugins.module_utils._verify import server_process as server_process_module
from ansible_collections.vex.backup.plugins.module_utils._verify.scratch_folder import ScratchFolder, remove_folder
from ansible_collections.vex.backup.plugins.module_utils._verify.server_process import (
    ServerProcess,
    end_server,
    start_of,
)
from tests.integration.log_db import run_module


@pytest.fixture
def folder() -> Iterator[Path]:
    """Create a directory that the scratch server's account can enter."""
    with tempfile.TemporaryDirectory(prefix="vex-") as name:
        Path(name).chmod(0o711)
        yield Path(name)
        remove_folder(ScratchFolder(f"{name}/scratch"))


def scratch(folder: Path, state: str = "present", **options: Any) -> dict[str, Any]:
    """Call the module in this process; return its result."""
    defaults = scratch_server_module.ScratchRequest(
        path=str(folder / "scratch"),
        state=state,
        product="mariadb",
        user=None,
        lower_case_table_names=0,
        limits={},
        encryption_key_ids=(),
        needed_bytes=0,
        abandoned_after=600,
        run_log=None,
    )
    request = dataclasses.replace(defaults, **options)
    log = RunLog(request.run_log)
    try:
        with log.mark_alive():
            return scratch_server_module.scratch(request, log)
    except BackupError as error:
        return {"failed": True, "failure": type(error).__name__, "msg": str(error)}


def log_of(folder: Path, run: str) -> str:
    """Return the log of a run in progress: it has just been written to."""
    logs = folder / f"{run}.logs"
    logs.mkdir(exist_ok=True)
    (logs / "verify.log").touch()
    return str(logs / "verify.log")


def server_of(folder: Path) -> int:
    """Return the process id of the server in *folder*."""
    return int(json.loads((folder / "scratch/owner.json").read_text())["pid"])


def runs(process: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_server_is_empty_private_and_removed(folder: Path) -> None:
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


def test_a_killed_run_is_cleaned_up(folder: Path) -> None:
    left = scratch(folder, run_log=log_of(folder, "dead"))
    (Path(left["work"]) / "archive.zip").touch()
    process = server_of(folder)
    claimed = scratch(folder, "claimed", run_log=log_of(folder, "next"), abandoned_after=0)
    assert (claimed["changed"], claimed["replaced"]) == (True, True), claimed
    assert not runs(process)
    assert os.listdir(claimed["work"]) == []


def test_a_run_in_progress_is_not_disturbed(folder: Path) -> None:
    scratch(folder, run_log=log_of(folder, "alive"))
    refused = scratch(folder, "claimed", run_log=log_of(folder, "next"))
    assert (refused["failed"], refused["failure"]) == (True, "AlreadyRunning")
    assert runs(server_of(folder))


def test_a_signal_during_the_start_leaves_a_known_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def signal_meanwhile(argv: list[str], log: str) -> int:
        process = start_server(argv, log)
        os.kill(os.getpid(), signal.SIGTERM)
        return process

    monkeypatch.setattr(scratch_server_module, "start_server", signal_meanwhile)
    assert scratch(folder)["failure"] == "Interrupted"
    process = server_of(folder)
    assert runs(process)
    assert scratch(folder, "absent")["changed"]
    assert not runs(process)


def test_a_log_directory_that_cannot_be_created_is_refused(folder: Path) -> None:
    refused = scratch(folder, "claimed", run_log="/proc/nowhere/verify.log")
    assert "/proc/nowhere does not exist and could not be created" in refused["msg"]
    assert not any(folder.iterdir())


def test_one_run_starts_several_servers_and_keeps_its_files(folder: Path) -> None:
    log = log_of(folder, "mine")
    work = Path(scratch(folder, "claimed", run_log=log)["work"])
    (work / "archive.zip").touch()
    for _backup in range(2):
        started = scratch(folder, run_log=log)
        assert not started["replaced"]
        with pymysql.connect(unix_socket=started["socket"], user="root") as connection, connection.cursor() as cursor:
            # This fails if the previous database is still there.
            cursor.execute("CREATE DATABASE mine")
    assert (work / "archive.zip").exists()


def test_a_directory_with_other_files_is_not_changed(folder: Path) -> None:
    (folder / "scratch").mkdir()
    (folder / "scratch/precious").touch()
    for state in ("present", "claimed", "absent"):
        refused = scratch(folder, state)
        assert refused["failure"] == "ScratchFailed"
        assert "holds 'precious', which does not belong to a scratch server" in refused["msg"]
    (folder / "scratch/precious").unlink()
    (folder / "scratch").chmod(0o777)
    assert "not a directory that only this account writes to" in scratch(folder, "absent")["msg"]
    (folder / "scratch").rmdir()
    (folder / "scratch").symlink_to(folder)
    assert "not a directory that only this account writes to" in scratch(folder, "absent")["msg"]
    (folder / "scratch").unlink()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"needed_bytes": 10**18}, "MB free and the restore needs about"),
        ({"user": "nobody-of-that-name"}, "this host has no account 'nobody-of-that-name'"),
        ({"product": "mysql"}, "this host has no server of mysql to restore into: install mysql's server"),
    ],
)
def test_missing_requirements_are_named(folder: Path, options: dict[str, Any], sentence: str) -> None:
    if "user" in options and os.geteuid() != 0:
        # Only root can run a server as another account.
        assert "failed" not in scratch(folder, **options)
        return
    refused = scratch(folder, **options)
    assert sentence in refused["msg"]
    assert scratch(folder, "absent")["changed"]


def test_a_path_too_long_for_a_socket_is_named(folder: Path) -> None:
    refused = scratch(folder, path=str(folder / ("x" * 100)))
    assert "is too long for a socket in it" in refused["msg"]


def test_a_server_that_cannot_start_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scratch_server_module._PRODUCT_OPTIONS, "mariadb", ("--no-such-option",))
    refused = scratch(folder)
    assert refused["failure"] == "ScratchFailed"
    assert "no-such-option" in refused["msg"]
    assert scratch(folder, "absent")["changed"]


def test_a_server_runs_as_the_present_account_without_another(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch_server_module, "server_account", lambda _user: None)
    started = scratch(folder)
    if os.geteuid() == 0:
        assert "as root" in started["msg"]
    else:
        assert runs(server_of(folder))


@pytest.mark.parametrize("account", [None, pwd.getpwuid(os.geteuid())])
@pytest.mark.parametrize("product", ["mysql", "mariadb"])
def test_data_that_cannot_be_created_are_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, product: str, account: pwd.struct_passwd | None
) -> None:
    called = []

    def run(argv: list[str], **options: Any) -> Completed:
        called.append(argv)
        return Completed(1, "", "the disk is gone")

    monkeypatch.setattr(scratch_server_module, "run", run)
    scratch_folder = ScratchFolder(str(folder))
    server = scratch_server_module.server_arguments(scratch_folder, ["mysqld"], account)
    with pytest.raises(ScratchFailed, match=r"could not be created in .*: the disk is gone"):
        scratch_server_module.create_data(scratch_folder, server, product, account, [])
    (argv,) = called
    assert ("--initialize-insecure" in argv) == (product == "mysql")
    assert any(argument.startswith("--user=") for argument in argv) == (account is not None)


def test_only_known_limits_of_a_manifest_are_options() -> None:
    """A manifest may be forged, and an option of the server may load a program."""
    limits = {
        "max_allowed_packet": "16777216",
        "innodb_page_size": "4096 --init-file=/tmp/x",
        "disabled_storage_engines": "MyISAM, ARCHIVE",
        "innodb_file_per_table": "",
        "plugin_load_add": "evil",
    }
    assert scratch_server_module.limit_arguments(limits) == [
        "--loose-max-allowed-packet=16777216",
        "--loose-disabled-storage-engines=MyISAM, ARCHIVE",
    ]
    assert scratch_server_module.limit_arguments(limits, ["innodb_page_size"]) == []


def test_a_server_of_the_other_product_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    version = Completed(0, "Ver 11.8.2-MariaDB", "")
    monkeypatch.setattr(scratch_server_module, "find_program", lambda names, *_: f"/usr/sbin/{names[0]}")
    monkeypatch.setattr(scratch_server_module, "run", lambda _argv, **_options: version)
    assert scratch_server_module.find_server("mariadb") == "/usr/sbin/mariadbd"
    with pytest.raises(BackupError, match="this host has no server of mysql"):
        scratch_server_module.find_server("mysql")


def test_the_account_that_a_server_runs_as(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = {"nobody": pwd.getpwnam("nobody")}
    monkeypatch.setattr(pwd, "getpwnam", accounts.__getitem__)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert scratch_server_module.server_account(None) == accounts["nobody"]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert scratch_server_module.server_account("mysql") is None


def test_a_server_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_process_module, "END_SECONDS", 0.2)
    deaf = 'trap "" TERM; echo deaf; while :; do sleep 60 & wait; done'
    with subprocess.Popen(["bash", "-c", deaf], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"deaf\n"
        try:
            end_server(ServerProcess(process.pid, "another's start"))
            assert runs(process.pid)
            end_server(ServerProcess(process.pid, start_of(process.pid)))
            assert not runs(process.pid)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert start_of(process.pid) is None
