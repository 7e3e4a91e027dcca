"""Faults during the dump."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.checks import assert_ended, assert_says, check_failure, check_success
from tests.faults.conftest import NewHost
from tests.faults.disks import fill as fill_disk
from tests.faults.disks import mounted
from tests.faults.gates import ClosedGate, OpenDump, kill_with_controller, parent_of
from tests.faults.source import DATABASE, fill
from tests.playbook import Installation, Run, attachments_of, text_of
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


class Standing(NamedTuple):
    """A run in the middle of its dump; ``mydumper`` is the id of that process."""

    host: Installation
    dump: OpenDump
    run: Run
    mydumper: int


@pytest.fixture(scope="module")
def standing(new_host: NewHost) -> Iterator[list[Standing]]:
    """Start a run for each of the next three tests, all at once."""
    with contextlib.ExitStack() as dumps:
        hosts = [new_host() for _ in range(3)]
        started = [(host, dumps.enter_context(OpenDump(host)), host.start()) for host in hosts]
        yield [Standing(host, dump, run, dump.reach(run)) for host, dump, run in started]
    for _, _, run in started:
        run.wait()


def test_connections_killed(standing: list[Standing]) -> None:
    host, dump, run, _ = standing.pop()
    user = host.account[0]
    for (number,) in host.source.execute(f"SELECT id FROM information_schema.processlist WHERE user = '{user}'"):
        host.source.execute(f"KILL {number}")
    dump.go_on(run)
    check_failure(host, run.wait(), [f"{DATABASE}: ", "Lost connection"], ["is kept in"])


def test_mydumper_told_to_end(standing: list[Standing]) -> None:
    host, _, run, mydumper = standing.pop()
    os.kill(mydumper, signal.SIGTERM)
    check_failure(host, run.wait(), [f"{DATABASE}: MyDumper was ended by signal 15"], ["is kept in"])


def test_module_told_to_end(standing: list[Standing]) -> None:
    host, _, run, mydumper = standing.pop()
    os.kill(parent_of(mydumper), signal.SIGTERM)
    outcome = run.wait()
    check_failure(host, outcome, ["this step was interrupted by SIGTERM"])
    assert not Path(f"/proc/{mydumper}").exists()
    # The log of MyDumper until then is kept.
    assert_says(attachments_of(outcome.mail)["mydumper_log.log"], [f"# {DATABASE}", "Started dump at"])
    assert not [path.name for path in host.work.glob("*.logs/*") if path.suffix == ".part"]


def test_killed_with_its_controller(host: Installation) -> None:
    with OpenDump(host) as dump:
        run = host.start()
        kill_with_controller(dump.reach(run))
        assert run.wait().backup["status_backup"] == 0
    host.restore_program("mydumper")
    early = host.backup()
    assert [row["status_backup"] for row in early.backups] == [0, 1], "a run that may be alive is not closed"
    outcome = host.backup(abandoned_after=0)
    assert [row["status_backup"] for row in outcome.backups] == [3, 1, 1]
    dead = outcome.backups[0]
    assert_ended(dead)
    reasons = ["was abandoned in stage dump", "no process has worked on it since", "closed by the next run"]
    assert_says(dead["observacao"], reasons)
    assert_says(dead["log_execucao"], ["dump: started"])
    # Also when the run that closes it is good.
    assert outcome.status == 2
    assert_says(outcome.output, reasons)
    assert_says(text_of(outcome.mails[-1]), ["Execuções anteriores abandonadas", *reasons])
    assert host.backup(abandoned_after=0).status == 0


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


def test_disk_full_while_dumping(host: Installation) -> None:
    with mounted(host.work, "size=4m"):
        outcome = host.backup(space_factor=0)
        check_failure(host, outcome, [f"the disk of {host.work} is full"], ["make room"])


def test_disk_full_while_compressing(host: Installation) -> None:
    with mounted(host.work, "size=32m"), ClosedGate(host, "zstd") as gate:
        run = host.start(space_factor=0)
        gate.reach(run)
        fill_disk(host.work)
        gate.go_on()
        check_failure(host, run.wait(), ["zstd could not compress", f"the disk of {host.work}/", "is full: make room"])
