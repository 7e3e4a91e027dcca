"""The command ``vex-backup``, as cron and people call it: effects, output and exit status."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import sys
from pathlib import Path

import pytest

from ansible_collections.vex.backup.roles.host.files.vex_backup_host import cli
from ansible_collections.vex.backup.roles.host.files.vex_backup_host.answer import ask
from ansible_collections.vex.backup.roles.host.files.vex_backup_host.check import secrets
from ansible_collections.vex.backup.roles.host.files.vex_backup_host.places import Places
from ansible_collections.vex.backup.roles.host.files.vex_backup_host.run import last_failure
from tests.command import Command
from tests.playbook import away
from tests.servers.s3_proxy import S3Proxy

DUMP_NEEDS = "mydumper client compression databases grants directory disk lock tools tables".split()
BUCKET_NEEDS = [f"bucket {name}" for name in "list write read remove parts".split()]
NEEDS = ["configuration", "secrets", "server", "session", *DUMP_NEEDS, "archive", *BUCKET_NEEDS, "log database", "mail"]


def test_a_successful_run_prints_nothing(command: Command, capfd: pytest.CaptureFixture[str]) -> None:
    assert command("run") == 0
    assert capfd.readouterr() == ("", "")
    assert command.host.observe().backup["status_backup"] == 1
    log = Path(command.places.log)
    assert "exit status 0" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600
    assert command.host.account[1] not in log.read_text()


def test_a_failed_run_prints_the_reason(command: Command, capfd: pytest.CaptureFixture[str]) -> None:
    assert command("run", login_password="not it") == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert "refused the login of" in " ".join(err.split())
    assert "PLAY RECAP" not in err
    assert command.places.log in err
    assert command.host.observe().backup["status_backup"] == 3
    assert "exit status 1" in Path(command.places.log).read_text()


def test_a_verbose_run_prints_everything(command: Command, capfd: pytest.CaptureFixture[str]) -> None:
    assert command("run", "--verbose") == 0
    assert "PLAY RECAP" in capfd.readouterr().out
    assert not Path(command.places.log).exists()


def test_one_run_at_a_time(command: Command, capfd: pytest.CaptureFixture[str]) -> None:
    with open(command.places.lock, "w") as held:
        held.write("4711\n")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        assert command("run") == 75
        assert "a run is in progress, process 4711: nothing was done" in capfd.readouterr().err
        assert command.host.observe().backups == []
    assert command("run") == 0


def test_a_check_without_findings(command: Command, capfd: pytest.CaptureFixture[str]) -> None:
    """A check leaves no record, no mail and no work directory."""
    assert command("check") == 0
    out, err = capfd.readouterr()
    assert out.splitlines() == [f"OK   {name}" for name in NEEDS]
    assert err == ""
    left = command.host.observe()
    assert (left.backups, left.mails, left.keys, left.unfinished) == ([], [], [], [])
    assert not command.host.work.exists()
    assert os.listdir(command.places.home) in ([], [".ansible"])


@pytest.mark.parametrize(
    ("directory", "file", "ok"),
    [(0o700, 0o644, True), (0o755, 0o600, True), (0o710, 0o604, True), (0o755, 0o604, False), (0o750, 0o640, False)],
)
def test_secrets_that_others_can_read(tmp_path: Path, directory: int, file: int, ok: bool) -> None:
    places = Places("", "server", str(tmp_path))
    path = Path(places.configuration)
    path.touch()
    path.chmod(file)
    tmp_path.chmod(directory)
    found = secrets(places)
    assert found.ok is ok
    assert found.detail == (
        "" if ok else f"other accounts can read {path}: chmod 0600 {path}, then change what is secret in it"
    )


def test_a_check_reports_all_findings_at_once(command: Command, capfd: pytest.CaptureFixture[str]) -> None:
    command.host.create_account("SELECT, PROCESS ON *.*")
    command.host.sink.mode = "refuse"
    changes = {"s3_bucket": "nowhere", "log_db_password": "not it", "smtp_user": "nobody", "threads": "many"}
    channels = [{"webhook": "https://example.org/", "true": ["error"]}, {"url": "nonsense://canary"}]
    told = {"notifications": channels, "ping_url": "nonsense://canary"}
    assert command("check", **changes, **told, upload_rate=1000) == 1
    lines = dict(zip([*NEEDS, "channels", "ping"], capfd.readouterr().out.splitlines(), strict=True))
    assert lines["configuration"].startswith("FAIL configuration: ")
    assert "vex_backup_threads" in lines["configuration"]
    assert "vex_backup_upload_rate is 1000 bytes a second: set it to 65536 or more" in lines["configuration"]
    assert lines["bucket list"].startswith("FAIL bucket list: ")
    assert "the bucket does not exist" in lines["bucket list"]
    assert lines["bucket write"] == "--   bucket write: not checked"
    assert "refused the login of" in lines["log database"]
    assert "does not support what smtp_security or smtp_user needs" in lines["mail"]
    assert lines["channels"] == "FAIL channels: channel 2 (nonsense): Apprise does not know such a URL: check it"
    assert lines["ping"].startswith("FAIL ping: the server of the ping: its address is not a valid http or https URL")


def test_a_check_without_server_and_log_database(command: Command, capfd: pytest.CaptureFixture[str]) -> None:
    with away(command.host.log_database.server):
        assert command("check", login_password="not it") == 1
    lines = dict(zip(NEEDS, capfd.readouterr().out.splitlines(), strict=True))
    assert lines["server"].startswith("FAIL server: ")
    assert "refused the login of" in lines["server"]
    assert "check login_user and login_password" in lines["server"]
    assert lines["grants"] == "--   grants: not checked"
    assert lines["log database"].startswith("FAIL log database: ")
    assert "could not be reached: check login_unix_socket" in lines["log database"]
    assert [lines[name] for name in (*BUCKET_NEEDS, "mail")] == [f"OK   {name}" for name in (*BUCKET_NEEDS, "mail")]


def test_what_a_run_would_be_refused(command: Command, capfd: pytest.CaptureFixture[str], s3_proxy: S3Proxy) -> None:
    """A server, a bucket and a mail server that each refuse a part: the rest is tried, and nothing is left."""
    host = command.host
    host.create_account("SELECT, PROCESS ON *.*")
    host.sink.refused_recipients = {"boss@example.org"}
    s3_proxy.denied = {"GetObject": "AccessDenied", "AbortMultipartUpload": "AccessDenied"}
    changes = {"s3_endpoint_url": s3_proxy.endpoint, "keep_last": 3, "mail_to": ["dba@example.org", "boss@example.org"]}
    assert command("check", **changes) == 1
    lines = dict(zip(NEEDS, capfd.readouterr().out.splitlines(), strict=True))
    assert "RELOAD ON *.*" in lines["grants"]
    assert "Remedy: GRANT" in lines["grants"]
    assert lines["tables"] == "--   tables: not checked"
    assert lines["bucket read"].startswith("FAIL bucket read: s3:GetObject is refused: GetObject of s3://vex/")
    assert lines["bucket parts"].startswith("FAIL bucket parts: s3:AbortMultipartUpload is refused: AbortMultipart")
    assert "refused some recipients: boss@example.org: 550 5.7.1" in lines["mail"]
    failed = {"grants", "bucket read", "bucket parts", "mail"}
    assert {name for name in NEEDS if not lines[name].startswith("OK ")} == {*failed, "tables"}
    left = host.observe()
    assert (left.backups, left.mails, left.keys) == ([], [], [])
    s3_proxy.denied = {}
    assert command("check", "--json", s3_endpoint_url=s3_proxy.endpoint, space_factor=1e9, mail_enabled=False) == 1
    found = json.loads(capfd.readouterr().out)
    assert found["server_version"].startswith("MariaDB ")
    assert [one["name"] for one in found["findings"] if not one["ok"]] == ["grants", "disk", "tables"]
    assert found["findings"][-1]["detail"] == "not used: vex_backup_mail_enabled is false"
    assert host.observe().unfinished == []


def test_a_missing_or_broken_configuration(command: Command, capfd: pytest.CaptureFixture[str]) -> None:
    assert command("--instance", "reports", "check") == 2
    assert "Configured servers: server. Choose one with --instance" in capfd.readouterr().err
    Path(command.places.configuration).write_text("all: [")
    assert cli.main(str(command.release), ["check"]) == 2
    assert "Ansible could not start" in capfd.readouterr().err


def test_a_host_without_a_deployment(command: Command, capfd: pytest.CaptureFixture[str]) -> None:
    Path(command.places.settings).rmdir()
    assert cli.main(str(command.release), ["run"]) == 2
    assert "run playbooks/deploy.yml for this host" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required"),
        (["both"], "invalid choice"),
        (["--instance", "../x", "run"], "is not a word of a-z, 0-9 and -"),
        (["run", "--unknown"], "unrecognized arguments"),
        (["restore", "--at", "tomorrow"], "'tomorrow' is not a time: write 2026-01-31, '2026-01-31 03:00' or"),
        (["restore", "--name", "newest"], "'newest' is not a backup's name, such as backup_20260101_030000"),
        (["restore", "--threads", "0"], "'0' is not a number from 1 on"),
        (["restore", "--threads", "four"], "'four' is not a number from 1 on"),
        (["restore", "--as", "copy"], "--as and --table apply to one database: give --database too"),
        (["restore", "--table", "t"], "--as and --table apply to one database: give --database too"),
        (["hold", "newest"], "'newest' is not a backup's name"),
    ],
)
def test_wrong_usage(command: Command, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage is refused with the usage of the command, before Ansible starts."""
    with pytest.raises(SystemExit) as ended:
        cli.main(str(command.release), arguments)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("usage: vex-backup ")
    assert message in said


@pytest.mark.parametrize(
    ("to", "address"),
    [
        ("db2", ("db2", 0)),
        ("10.0.0.2:3307", ("10.0.0.2", 3307)),
        ("[::1]", ("::1", 0)),
        ("[fe80::2]:3307", ("fe80::2", 3307)),
    ],
)
def test_an_address_is_parsed(to: str, address: tuple[str, int]) -> None:
    assert cli.address(to) == address


@pytest.mark.parametrize("to", ["", ":3306", "db2:", "db2:mysql", "db2:99999", "::1", "db2 :1"])
def test_a_wrong_address_is_refused(to: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not HOST, HOST:PORT"):
        cli.address(to)


def test_the_version_is_the_collections(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(str(command.release), ["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, "vex-backup 1.2.3\n")


FAILED_TASK = (
    "TASK [a]\nfatal: [h]: one\n...ignoring\n\nTASK [b]\nfatal: [h]: FAILED! => \n    changed: false\n"
    "    msg: '''two'' is not a time: write\n        it again'\n    status: 3\n\nPLAY RECAP *\nh: 1"
)


@pytest.mark.parametrize(
    ("output", "failure"),
    [
        (FAILED_TASK, "'two' is not a time: write it again"),
        ("\nfatal: [h]: FAILED! => \n    msg: |-\n        a:\n        b => c\n\nTASK [d]\n", "a:\nb => c"),
        # A module that broke, and a result that is no YAML.
        ("\nfatal: [h]: FAILED! => \n    module_stderr: no\n    msg: broke\n", None),
        ("\nfatal: [h]: FAILED! => {msg\n", None),
        ("\nfatal: [h]: FAILED! => \n    - msg\n", None),
        ("\n[ERROR]: three\n", "[ERROR]: three"),
        ("nothing that is known\n", "nothing that is known"),
    ],
)
def test_last_failure(output: str, failure: str | None) -> None:
    # The message of the last task that failed; without one, the whole text.
    assert last_failure(output) == (output.strip() if failure is None else failure)


ECHO = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.copy:
        content: "{{ {'password': password, 'port': port, 'on': on} | to_json }}"
        dest: "{{ vex_backup_result_file }}"
        mode: "0600"
"""


@pytest.mark.parametrize("password", ["a{{ 7 * 6 }}b", "{% if", "{# 100%", 'ç"\\🔑'])
def test_typed_text_is_not_a_template(tmp_path: Path, password: str) -> None:
    places = Places(str(tmp_path), "server", settings=str(tmp_path), home=str(tmp_path))
    playbook = Path(places.shipped("echo.yml"))
    playbook.parent.mkdir(parents=True)
    playbook.write_text(ECHO)
    (tmp_path / "venv").symlink_to(Path(sys.prefix))
    (tmp_path / "complete").touch()
    Path(places.configuration).write_text("all: {hosts: {db1: {}}}")
    given = {"password": password, "port": 3306, "on": False}
    assert ask(places, "echo", variables=given) == (given, "")
