"""A dump whose state cannot be read for a moment, and which is then killed without a result."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.breaking import HeldDump, kill_stage, without_python
from tests.fleet.fleet import UNREACHABLE, Control, Member, Run
from tests.fleet.hosts import Host
from tests.playbook import ATTACHMENTS, Outcome, attachments_of, text_of

NAME = "mariadb-1"


@pytest.fixture(scope="module")
def outcome(hosts: dict[str, Host], control: Control) -> Iterator[Outcome]:
    member = Member(hosts[NAME], control)
    member.create_account()
    member.variables["vex_backup_poll_seconds"] = 1
    with tempfile.TemporaryDirectory(prefix="vex-") as directory, HeldDump(member) as dump:
        run = Run([member], Path(directory))
        dump.reach(run)
        with without_python(member.host):
            # Long enough for several questions on a slow machine.
            time.sleep(20)
        assert not run.ended, run.wait().get(NAME)
        kill_stage(member.host)
        dump.go_on()
        yield run.wait()[NAME]


def test_the_run_ends_and_says_what_happened(outcome: Outcome) -> None:
    says = "this step ended without a result: the host was restarted, or its processes were killed"
    assert outcome.status not in {0, UNREACHABLE}, outcome.output
    assert "FAILED - RETRYING" in outcome.output, "it was asked while there was no Python"
    assert f"Wait until the server is dumped: {says}" in " ".join(outcome.output.split())
    assert outcome.backup["status_backup"] == 3
    assert says in outcome.backup["observacao"]
    assert says in " ".join(text_of(outcome.mail).split())
    assert sorted(attachments_of(outcome.mail)) == ATTACHMENTS


def test_nothing_reads_as_a_backup(outcome: Outcome) -> None:
    assert outcome.keys == []
