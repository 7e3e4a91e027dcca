"""Runs whose store, log database or mail server is away for a few seconds: they take longer and lose nothing."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.faults.checks import assert_says, check_success
from tests.faults.gates import ClosedGate
from tests.playbook import HANGS, Installation, Run
from tests.servers.outages import RecurringOutage
from tests.servers.s3_proxy import S3Proxy
from tests.servers.seaweedfs import SeaweedFS

# Less than a run may take here, and more than a server needs to start on a slow machine.
PATIENT = {"patience_minutes": 10}


def test_the_store_refuses_every_second_request(host: Installation, s3_proxy: S3Proxy) -> None:
    first = host.backup()
    check_success(host, first)
    s3_proxy.refuse_every_second()
    outcome = host.backup(s3_endpoint_url=s3_proxy.endpoint, keep_last=1, **PATIENT)
    check_success(host, outcome)
    check_only_newest(host, first.keys, outcome.keys)
    log = log_of(host)
    assert_says(log, ["the object store does not answer (", "the server answered 503", "for up to 10 minutes"])
    assert_says(log, ["the object store answers again after"])


def test_the_store_is_away_now_and_then(host: Installation, s3_proxy: S3Proxy) -> None:
    first = host.backup()
    check_success(host, first)
    # The first look for the object, its upload, the list of retention, and the first deletion.
    for method in ("HEAD", "PUT", "GET", "DELETE"):
        s3_proxy.call_at(method, 1, s3_proxy.go_away)
    outcome = host.backup(s3_endpoint_url=s3_proxy.endpoint, keep_last=1, **PATIENT)
    check_success(host, outcome)
    check_only_newest(host, first.keys, outcome.keys)


def test_the_store_is_killed_in_the_middle_of_the_upload(host: Installation, s3: SeaweedFS, s3_proxy: S3Proxy) -> None:
    # The archive is uploaded, and its manifest is not.
    s3_proxy.call_at("PUT", 2, s3.stop)
    run = host.start(s3_endpoint_url=s3_proxy.endpoint, **PATIENT)
    try:
        wait_for_log(host, run, "the object store does not answer")
    finally:
        s3.stop()
        s3.start()
    outcome = run.wait()
    check_success(host, outcome)
    assert len(outcome.keys) == 2


def test_the_log_database_is_away_at_each_record(host: Installation) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="vex-") as folder,
        RecurringOutage(Path(folder) / "log.sock", host.log_database.server.socket) as database,
    ):
        outcome = host.backup(log_db_unix_socket=database.path, **PATIENT)
        assert database.refused > database.accepted > 0
    check_success(host, outcome)
    assert (len(outcome.backups), len(outcome.uploads), len(outcome.mails)) == (1, 1, 1)
    assert list((host.spool / "records").iterdir()) == []
    assert_says(log_of(host), ["the log database does not answer (", "the log database answers again after"])


def test_the_log_database_is_away_when_the_run_ends(host: Installation) -> None:
    server = host.log_database.server
    with ClosedGate(host, "7zz") as packing:
        run = host.start(**PATIENT)
        packing.reach(run)
        server.stop()
        try:
            packing.go_on()
            wait_for_log(host, run, "the log database does not answer")
            # While it waits, the record is in the spool: it is not lost when the run is killed.
            assert len(list((host.spool / "records").glob("*.json"))) == 1
        finally:
            server.start()
        outcome = run.wait()
    check_success(host, outcome)
    assert list((host.spool / "records").iterdir()) == []


def test_the_mail_server_is_away_when_the_mail_is_sent(host: Installation) -> None:
    host.sink.stop()
    run = host.start(upload_enabled=False, **PATIENT)
    try:
        wait_for_log(host, run, f"the mail server 127.0.0.1:{host.sink.port} does not answer")
        assert len(list((host.spool / "mails").glob("*.json"))) == 1
    finally:
        host.sink.start()
    outcome = run.wait()
    check_success(host, outcome, uploaded=False)
    assert len(outcome.mails) == 1
    assert list((host.spool / "mails").iterdir()) == []


def test_check_mode_tries_once(host: Installation, s3_proxy: S3Proxy) -> None:
    s3_proxy.refuse()
    outcome = host.backup("--check", s3_endpoint_url=s3_proxy.endpoint, **PATIENT)
    assert outcome.status != 0
    assert len(s3_proxy.requests) == 1


def check_only_newest(host: Installation, older: list[str], keys: list[str]) -> None:
    """Check that retention has removed the first backup and kept the second."""
    assert len(keys) == 2, host.hostname
    assert not set(older) & set(keys)


def log_of(host: Installation) -> str:
    """Return the log of the newest run."""
    return max(host.work.glob("*.logs/backup_script.log")).read_text()


def wait_for_log(host: Installation, run: Run, words: str) -> None:
    """Wait until the run's log has *words*."""
    deadline = time.monotonic() + HANGS
    while not any(words in log.read_text() for log in host.work.glob("*.logs/backup_script.log")):
        assert time.monotonic() < deadline, f"the log never said {words}"
        assert not run.ended, run.wait().output
        time.sleep(0.05)
