"""Faults that a run finds before it dumps anything."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.checks import assert_says, check_failure
from tests.faults.conftest import NewHost, Outcomes, all_at_once
from tests.faults.disks import mounted
from tests.faults.source import DATABASE
from tests.playbook import Installation

CASES: dict[str, dict[str, Any]] = {
    "wrong password": {"login_password": "not it"},
    "no server": {"login_unix_socket": "/nonexistent/mysqld.sock"},
    "unknown database": {"databases": [DATABASE, "não há"]},
    "no database": {"exclude_databases": [DATABASE]},
    "too little disk": {"space_factor": 1_000_000},
}
WORDS = {
    "wrong password": ["refused the login of", "check login_user and login_password"],
    "no server": ["/nonexistent/mysqld.sock could not be reached", "check login_unix_socket"],
    "unknown database": ["databases:", "the server has no database", "não há"],
    "no database": ["no database to dump", "exclude_databases"],
    "too little disk": ["MB free and the dump needs about", "make room", "choose another work directory"],
}


@pytest.fixture(scope="module")
def outcomes(new_host: NewHost) -> Outcomes:
    return all_at_once(new_host, CASES)


@pytest.mark.parametrize("case", CASES)
def test_refused(outcomes: Outcomes, case: str) -> None:
    host, outcome = outcomes[case]
    check_failure(host, outcome, WORDS[case])
    assert [name for name in outcome.files if name.endswith(".partial")] == []


def test_wrong_password_names_server_and_account(outcomes: Outcomes) -> None:
    host, outcome = outcomes["wrong password"]
    assert_says(outcome.backup["observacao"], [host.source.socket, host.account[0]])


def test_missing_grants(host: Installation) -> None:
    host.create_account("SELECT, PROCESS ON *.*")
    outcome = host.backup()
    lacking = ["RELOAD ON *.*", "BINLOG MONITOR ON *.*", f"LOCK TABLES ON `{DATABASE}`.*", f"EVENT ON `{DATABASE}`.*"]
    check_failure(host, outcome, [host.account[0], "lacks privileges", *lacking, "Remedy: GRANT each of them"])
    assert "PROCESS ON" not in outcome.backup["observacao"]


def test_nothing_can_be_written(host: Installation) -> None:
    with mounted(host.work, "ro"):
        outcome = host.backup()
        check_failure(host, outcome, ["Read-only file system", str(host.work)], ["choose another work directory"])
