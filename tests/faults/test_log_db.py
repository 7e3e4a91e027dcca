"""A log database that cannot be reached at the start, that stops in the middle of a run, and that comes back."""

from __future__ import annotations

import json
import stat

import pytest

from tests.faults.checks import assert_ended, assert_says, check_success
from tests.faults.gates import ClosedGate
from tests.playbook import ATTACHMENTS, Installation, Outcome, attachments_of, away, text_of

PROBLEM = "Registros que não puderam ser gravados no banco de logs"


def test_log_database_is_down_during_a_run(host: Installation) -> None:
    server = host.log_database.server
    with away(server):
        healthy = host.backup()
        failing = host.backup(login_password="not it")
    for outcome in (healthy, failing):
        assert outcome.status != 0
        assert_says(outcome.output, [server.socket, "could not be reached", "the record is kept in", str(host.spool)])
    first, second = failing.mails
    for mail, status in ((first, "Sucesso"), (second, "Erro")):
        assert_says(text_of(mail), [PROBLEM, f"Status Backup: {status}", "the record is kept in"])
        assert list(attachments_of(mail)) == ATTACHMENTS
    assert len(healthy.keys) == 2
    assert failing.keys == healthy.keys
    check_spooled(host, [1, 3])

    outcome = host.backup(upload_enabled=False)
    check_success(host, outcome, uploaded=False)
    check_spooled(host, [])
    assert [row["status_backup"] for row in outcome.backups] == [1, 3, 1]
    assert outcome.upload["status_upload"] == 1
    for row in outcome.backups:
        assert_ended(row)
    (row,) = (row for row in outcome.backups if row["status_backup"] == 3)
    assert_says(row["observacao"], ["refused the login of"])


@pytest.mark.parametrize("comes_back", [True, False], ids=["back", "for good"])
def test_log_database_stops_in_the_middle_of_a_run(host: Installation, comes_back: bool) -> None:
    server = host.log_database.server
    with ClosedGate(host, "mydumper") as dumping, ClosedGate(host, "7zz") as packing:
        # With compression by 7-Zip, the start of this stage is recorded.
        run = host.start(archive_level="1")
        dumping.reach(run)
        assert (host.observe().backup["status_backup"], host.observe().backup["etapa"]) == (0, "dump")
        with away(server):
            dumping.go_on()
            packing.reach(run)
            # The record of the dump is in the spool now.
            check_spooled(host, [0])
            if not comes_back:
                packing.go_on()
                outcome = run.wait()
        if comes_back:
            packing.go_on()
            outcome = run.wait()
            check_success(host, outcome)
            assert len(outcome.backups) == 1
        else:
            check_lost_in_the_middle(host, outcome)
    check_spooled(host, [])


def check_lost_in_the_middle(host: Installation, outcome: Outcome) -> None:
    """Check that the backup is whole, and that the next run closes its row, whose status is still running."""
    assert outcome.status != 0
    assert_says(text_of(outcome.mail), [PROBLEM, "Status Backup: Sucesso", "Status Upload: Sucesso"])
    running = host.observe().backup
    assert (running["status_backup"], running["data_encerramento"]) == (0, None)
    check_spooled(host, [1])
    last = host.backup(upload_enabled=False)
    check_success(host, last, uploaded=False)
    first, second = last.backups
    assert (first["id"], first["status_backup"], second["status_backup"]) == (running["id"], 1, 1)
    assert (last.upload["backup_id"], last.upload["status_upload"]) == (first["id"], 1)
    assert_ended(first)


def test_log_database_and_mail_server_are_down(host: Installation) -> None:
    host.sink.mode = "refuse"
    with away(host.log_database.server):
        outcome = host.backup()
    assert outcome.status != 0
    assert_says(outcome.output, ["the record is kept in", "the mail is kept in"])
    assert outcome.mails == []
    assert len(outcome.keys) == 2
    # The record also notes that the mail was not sent, so its status is a warning.
    check_spooled(host, [2])
    assert len(list((host.spool / "mails").iterdir())) == 1

    host.sink.mode = "normal"
    outcome = host.backup(upload_enabled=False)
    check_success(host, outcome, uploaded=False)
    assert [row["status_backup"] for row in outcome.backups] == [2, 1]
    assert outcome.upload["status_upload"] == 1
    assert len(outcome.mails) == 2
    assert_says(text_of(outcome.mails[1]), [PROBLEM, "Status Backup: Sucesso"])
    check_spooled(host, [])
    assert not list((host.spool / "mails").iterdir())


def test_log_database_is_down_and_the_spool_unusable(host: Installation) -> None:
    with away(host.log_database.server):
        outcome = host.backup(spool_dir="/proc/vex")
    assert outcome.status != 0
    why = ["could not be reached", "the record could not be kept in /proc/vex/records"]
    assert_says(outcome.output, why)
    assert_says(text_of(outcome.mail), [PROBLEM, "Status Backup: Sucesso", "Status Upload: Sucesso", *why])
    assert len(outcome.keys) == 2


def check_spooled(host: Installation, statuses: list[int]) -> None:
    """Check that the spool holds one record for each of *statuses*, which only its owner can read."""
    kept = list((host.spool / "records").iterdir())
    assert [stat.filemode(path.stat().st_mode) for path in kept] == ["-rw-------"] * len(statuses)
    found = [json.loads(path.read_text())["backup"]["status_backup"] for path in kept]
    assert sorted(found) == statuses
