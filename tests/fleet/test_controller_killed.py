"""The control node dies while two hosts dump; the next run and the watch close the records."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.breaking import HeldDump, kill_controller
from tests.fleet.fleet import Control, Member, Run, backup
from tests.fleet.hosts import Host
from tests.integration.watching import Watch
from tests.playbook import HANGS
from tests.servers.smtp import SmtpSink


@pytest.fixture(scope="module")
def orphans(hosts: dict[str, Host], control: Control) -> Iterator[dict[str, Member]]:
    """Run two dumps to their ends after their controller was killed."""
    members = {name: Member(hosts[name], control) for name in ("mysql-1", "mariadb-1")}
    for member in members.values():
        member.create_account()
    with tempfile.TemporaryDirectory(prefix="vex-") as name, contextlib.ExitStack() as dumps:
        held = [dumps.enter_context(HeldDump(member)) for member in members.values()]
        run = Run(list(members.values()), Path(name))
        for dump in held:
            dump.reach(run)
        kill_controller(run, Path(name))
        for member, dump in zip(members.values(), held, strict=True):
            dump.go_on()
            await_end_of_dump(member)
        yield members


def await_end_of_dump(member: Member) -> None:
    """Wait until no process of the run is left on the host."""
    deadline = time.monotonic() + HANGS
    while member.host.shell("pgrep -f [a]sync_wrapper").returncode == 0:
        assert time.monotonic() < deadline, f"the dump of {member.hostname} does not end"
        time.sleep(0.5)


def test_the_next_run_closes_its_hosts_record(orphans: dict[str, Member], inventory_directory: Path) -> None:
    member = orphans["mysql-1"]
    left = member.observe()
    assert (left.backup["status_backup"], left.backup["etapa"]) == (0, "dump")
    assert (left.mails, left.keys) == ([], [])
    outcome = backup([member], inventory_directory, abandoned_after=1)["mysql-1"]
    assert outcome.status == 2, "the abandoned run is a failure of this one"
    died, made = outcome.backups
    assert died["status_backup"] == 3
    assert "was abandoned in stage dump: no process has worked on it since" in died["observacao"]
    assert died["data_encerramento"] >= died["data_inicio"]
    assert "dump: committed as" in died["log_execucao"], "the dump itself went on to its end"
    assert made["status_backup"] in {1, 2}
    assert outcome.upload["backup_id"] == made["id"]


def test_the_watch_closes_what_no_run_did(orphans: dict[str, Member], smtp: SmtpSink, tmp_path: Path) -> None:
    member = orphans["mariadb-1"]
    database = member.control.log_database
    watch = Watch(database, smtp, tmp_path)
    early = watch()
    assert member.hostname not in "".join(subject for subject, _ in early.mails)
    assert member.observe().backup["status_backup"] == 0
    database.server.execute(
        f"UPDATE {database.name}.backup_log SET data_inicio = data_inicio - INTERVAL 49 HOUR"
        f" WHERE hostname = '{member.hostname}'"
    )
    ((subject, text),) = watch().mails
    assert member.hostname in subject
    says = f"the run of {member.hostname} of "
    assert says in text
    closed = member.observe().backup
    assert closed["status_backup"] == 3
    assert "has not ended after 48 hours, in stage dump; closed by the watch" in closed["observacao"]
    assert closed["data_encerramento"] is not None
    assert watch().mails == []
