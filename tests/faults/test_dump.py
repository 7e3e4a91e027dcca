"""What goes wrong while the server is dumped."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.checks import assert_says, check_failure, check_success
from tests.faults.conftest import NewHost
from tests.faults.gates import ClosedGate, OpenDump, parent_of
from tests.faults.source import DATABASE, fill
from tests.playbook import Installation, attachments_of
from tests.servers.mariadb import MariaDB


def test_server_killed(new_host: NewHost, fresh_mariadb: MariaDB) -> None:
    fill(fresh_mariadb)
    host = new_host(fresh_mariadb)
    with OpenDump(host) as dump:
        run = host.start()
        dump.reach(run)
        fresh_mariadb.kill()
        dump.go_on(run)
    outcome = run.wait()
    check_failure(host, outcome, [f"{DATABASE}: ", "Lost connection"], ["is kept in", ".partial"])
    assert_says(outcome.backup["observacao"], ["the server no longer answers"])
    assert_says(attachments_of(outcome.mail)["mydumper_log.log"], ["Lost connection"])


def test_connections_killed(host: Installation) -> None:
    with OpenDump(host) as dump:
        run = host.start()
        dump.reach(run)
        user = host.account[0]
        for (number,) in host.source.execute(f"SELECT id FROM information_schema.processlist WHERE user = '{user}'"):
            host.source.execute(f"KILL {number}")
        dump.go_on(run)
    check_failure(host, run.wait(), [f"{DATABASE}: ", "Lost connection"], ["is kept in"])


def test_mydumper_told_to_end(host: Installation) -> None:
    with OpenDump(host) as dump:
        run = host.start()
        os.kill(dump.reach(run), signal.SIGTERM)
        outcome = run.wait()
    check_failure(host, outcome, [f"{DATABASE}: MyDumper was ended by signal 15"], ["is kept in"])


def test_module_told_to_end(host: Installation) -> None:
    with OpenDump(host) as dump:
        run = host.start()
        mydumper = dump.reach(run)
        os.kill(parent_of(mydumper), signal.SIGTERM)
        outcome = run.wait()
    check_failure(host, outcome, ["the backup was told to end (SIGTERM)"])
    assert not Path(f"/proc/{mydumper}").exists()
    # MyDumper had said something, which is not lost.
    assert_says(attachments_of(outcome.mail)["mydumper_log.log"], [f"# {DATABASE}", "Started dump at"])
    assert not [path.name for path in host.work.glob("*.logs/*") if path.suffix == ".part"]


def test_two_runs_at_once(host: Installation) -> None:
    with ClosedGate(host, "mydumper") as gate:
        first = host.start()
        gate.reach(first)
        second = host.backup()
        assert len(second.backups) == 2
        failed = second._replace(backups=second.backups[1:])
        check_failure(host, failed, ["another dump of this server is in progress", ".lock", "fuser -v"])
        assert second.backups[0]["status_backup"] == 0
        host.sink.clear()
        gate.go_on()
        outcome = first.wait()
    assert [row["status_backup"] for row in outcome.backups] == [1, 3]
    check_success(host, outcome._replace(backups=outcome.backups[:1]))
    assert len(outcome.mails) == 1


@pytest.fixture
def small_disk(host: Installation) -> Iterator[Path]:
    """A file system of 4 MB, or none where mounting is refused."""
    host.work.mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs", str(host.work)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield host.work
    subprocess.run(["umount", str(host.work)], check=True)


def test_disk_full(host: Installation, small_disk: Path) -> None:
    outcome = host.backup(space_factor=0)
    check_failure(host, outcome, [f"the disk of {small_disk} is full"], ["make room"])
