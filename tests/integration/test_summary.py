"""Many hosts in one run of ``playbooks/backup.yml``: the summary shows all of them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.playbook import HANGS, PLAYBOOK, ROOT, Installation, LogDatabase, environment, write_private
from tests.servers.mariadb import MariaDB
from tests.servers.ports import LOOPBACK, free_port
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.smtp import SmtpSink

# A port on which nothing listens.
NOWHERE = {"ansible_connection": "ssh", "ansible_host": LOOPBACK}


class Ended(NamedTuple):
    """The end of a run: ``summary`` is the content of the file, ``table`` the lines of the shown table."""

    status: int
    output: str
    summary: dict[str, Any]
    table: list[str]

    def line(self, host: str) -> dict[str, Any]:
        """Return the line of *host* in the file."""
        (found,) = (line for line in self.summary["hosts"] if line["host"] == host)
        return dict(found)


class Fleet:
    """The hosts of one inventory; ``variables`` holds the variables of each host, by its name, which tests change."""

    def __init__(self, directory: Path, make: Callable[[str], Installation]) -> None:
        self.directory = directory
        self.file = directory / "summary.json"
        self.members: dict[str, Installation] = {}
        self.variables: dict[str, dict[str, Any]] = {}
        self._make = make

    def add(self, name: str, **changes: Any) -> None:
        """Add a host; *changes* are variables of it, without ``vex_backup_``."""
        member = self._make(name)
        member.hostname = name
        self.members[name] = member
        changed = {f"vex_backup_{option}": value for option, value in changes.items()}
        self.variables[name] = {**member.variables, "vex_backup_hostname": member.hostname, **changed}

    def back_up(self, *arguments: str) -> Ended:
        inventory = self.directory / "inventory.json"
        everybody = {"vex_backup_summary_file": str(self.file)}
        write_private(inventory, {"all": {"hosts": self.variables, "vars": everybody}})
        done = subprocess.run(
            [*PLAYBOOK, "playbooks/backup.yml", "--inventory", str(inventory), *arguments],
            cwd=ROOT,
            env=environment({"ANSIBLE_HOME": str(self.directory / "ansible"), "PATH": self._path}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HANGS,
            check=False,
        )
        output = done.stdout + done.stderr
        summary = json.loads(self.file.read_text()) if self.file.is_file() else {}
        return Ended(done.returncode, output, summary, table_of(done.stdout))

    def size_of(self, key: str) -> int:
        """Return the size of an object in the bucket, in bytes."""
        store = next(iter(self.members.values())).store
        return int(store.client().head_object(Bucket=store.bucket, Key=key)["ContentLength"])

    @property
    def _path(self) -> str:
        """The search path of programs: those of a test come first."""
        return ":".join([*(str(member.path) for member in self.members.values()), os.environ["PATH"]])


def table_of(output: str) -> list[str]:
    _, _, said = output.partition("\nBACKUPS *")
    return [line for line in said.splitlines()[1:] if line]


@pytest.fixture
def fleet(
    tmp_path: Path,
    mariadb: MariaDB,
    sample_databases: tuple[str, ...],
    log_database: LogDatabase,
    s3: SeaweedFS,
    smtp: SmtpSink,
) -> Fleet:
    def make(name: str) -> Installation:
        installation = Installation(tmp_path / name, mariadb, log_database, s3, smtp)
        installation.create_account()
        # All hosts have the same server, and different ones may dump it at the same time.
        installation.variables["vex_backup_databases"] = [sample_databases[0]]
        return installation

    return Fleet(tmp_path, make)


def test_a_failed_host_stops_no_other(fleet: Fleet) -> None:
    """Back up one host at a time, the good one last: it has a backup, and the summary names every fault."""
    fleet.add("a-password", login_password="not it")
    fleet.variables["b-away"] = {**NOWHERE, "ansible_port": free_port()}
    fleet.add("c-bucket", s3_bucket="nowhere")
    fleet.add("d-variable", threads="many")
    fleet.add("e-good")
    ended = fleet.back_up("--forks", "1")
    assert ended.status != 0
    good = fleet.members["e-good"].observe()
    assert (good.backup["status_backup"], good.upload["status_upload"]) == (1, 1)

    summary = ended.summary
    assert (summary["ok"], summary["finished"] >= summary["started"]) == (False, True)
    assert summary["totals"] == {"success": 1, "warning": 0, "error": 3, "unreachable": 1, "not run": 0}
    assert [line["host"] for line in summary["hosts"]] == sorted(fleet.variables)
    assert ended.line("e-good") == {
        "host": "e-good",
        "hostname": "e-good",
        "status": "success",
        "status_backup": 1,
        "status_upload": 1,
        "run_uuid": good.backup["run_uuid"],
        "bytes": fleet.size_of(good.key),
        "seconds": int((good.backup["data_encerramento"] - good.backup["data_inicio"]).total_seconds()),
        "bucket": good.upload["bucket"],
        "key": good.key,
        "destinations": ended.line("e-good")["destinations"],
        "problems": [],
    }
    (destination,) = ended.line("e-good")["destinations"]
    assert (destination["name"], destination["state"], destination["key"]) == ("s3", "success", good.key)
    words = {
        "a-password": ("error", "Dump the server: the server at", "refused the login of"),
        "b-away": ("unreachable", "Failed to connect to the host via ssh", "Connection refused"),
        "c-bucket": ("error", "Upload the archive: ", "the bucket does not exist"),
        "d-variable": ("error", "Validating arguments", "vex_backup_threads"),
    }
    for host, (status, *said) in words.items():
        line = ended.line(host)
        assert (line["status"], line["key"]) == (status, None)
        (problem,) = line["problems"]
        assert [text for text in said if text not in problem] == []
    assert (ended.line("c-bucket")["status_backup"], ended.line("c-bucket")["status_upload"]) == (1, 3)

    assert ended.table[0].split() == ["host", "status", "size", "duration", "key"]
    rows = [row.split() for row in ended.table[1:6]]
    assert [row[:2] for row in rows] == [[line["host"], line["status"]] for line in summary["hosts"]]
    assert rows[4][-1] == good.key
    problems = [f"{line['host']}: {' '.join(line['problems'][0].split())}" for line in summary["hosts"][:4]]
    assert ended.table[6:10] == problems
    assert fleet.file.stat().st_mode & 0o777 == 0o600
    secrets = [member.account[1] for member in fleet.members.values()]
    assert [secret for secret in secrets if secret in ended.output + json.dumps(summary)] == []


def test_summary_of_unreachable_hosts(fleet: Fleet) -> None:
    for name in ("one", "two"):
        fleet.variables[name] = {**NOWHERE, "ansible_port": free_port()}
    ended = fleet.back_up()
    assert ended.status != 0
    assert ended.summary["totals"]["unreachable"] == 2
    assert [row.split()[:2] for row in ended.table[1:3]] == [["one", "unreachable"], ["two", "unreachable"]]


def test_summary_of_successful_backups(fleet: Fleet) -> None:
    """A backup without an upload has no key. Until the end of the run, the summary is not ok."""
    fleet.add("here", upload_enabled=False)
    fleet.add("there")
    fleet.file.write_text('{"ok": true}')
    seen = fleet.directory / "seen.json"
    fleet.members["here"].replace_program("mydumper", f'[ -e {seen} ] || cp {fleet.file} {seen}\nexec $REAL "$@"')
    ended = fleet.back_up()
    # A killed run leaves this summary, and not that of an earlier run.
    meanwhile = json.loads(seen.read_text())
    assert (meanwhile["ok"], meanwhile["finished"], meanwhile["totals"]["not run"]) == (False, None, 2)
    assert (ended.status, ended.summary["ok"]) == (0, True), ended.output
    assert ended.line("here")["bytes"] > 0
    assert (ended.line("here")["key"], ended.line("here")["status_upload"]) == (None, None)
    assert len(ended.table) == 3


def test_check_mode_does_not_change_the_file(fleet: Fleet) -> None:
    fleet.add("one")
    fleet.file.write_text("{}")
    ended = fleet.back_up("--check")
    assert (ended.status, ended.summary) == (0, {}), ended.output
    # No size, time and key: there is no backup.
    assert ended.table[1].split() == ["one", "would", "run", "-", "-", "-"]


def test_a_summary_file_that_cannot_be_written_fails_the_run(fleet: Fleet) -> None:
    """The backup succeeds, and the exit status is 1."""
    fleet.add("one")
    fleet.file = fleet.directory / "missing" / "summary.json"
    ended = fleet.back_up()
    assert fleet.members["one"].observe().backup["status_backup"] == 1
    assert ended.status == 1
    assert f"vex_backup_summary_file: {fleet.file} cannot be written (No such file or directory)" in " ".join(
        ended.output.split()
    )
