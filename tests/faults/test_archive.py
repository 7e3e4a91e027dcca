"""Failures while the dump is packed: the dump itself is whole and stays."""

from __future__ import annotations

import pytest

from tests.faults.checks import check_failure, final_names
from tests.faults.conftest import NewHost, Outcomes
from tests.faults.disks import fill as fill_disk
from tests.faults.disks import mounted
from tests.faults.gates import ClosedGate
from tests.playbook import Installation, Outcome

# By name: the script that replaces 7-Zip when it packs ("a"), and words of the error message.
FAULTS = {
    "error": ("echo 'System ERROR: E_FAIL' >&2; exit 2", ["could not pack", "exit status 2", "E_FAIL"]),
    "warning": ('"$REAL" "$@"; exit 1', ["could not pack", "exit status 1"]),
    "truncated": (
        """"$REAL" "$@" || exit
        for argument; do case "$argument" in *.partial) truncate --size=-100000 "$argument" ;; esac; done""",
        ["is damaged"],
    ),
    "incomplete": (
        """"$REAL" "$@" || exit
        for argument; do case "$argument" in *.partial) "$REAL" d -tzip "$argument" '*/manifest.json' ;; esac; done""",
        ["differs from the content of"],
    ),
}


@pytest.fixture(scope="module")
def outcomes(new_host: NewHost) -> Outcomes:
    hosts = {name: new_host() for name in FAULTS}
    for name, (script, _) in FAULTS.items():
        hosts[name].replace_program("7zz", f'if [ "$1" != a ]; then exec "$REAL" "$@"; fi\n{script}')
    runs = {name: host.start() for name, host in hosts.items()}
    return {name: (hosts[name], run.wait()) for name, run in runs.items()}


@pytest.mark.parametrize("fault", FAULTS)
def test_archive(outcomes: Outcomes, fault: str) -> None:
    check_failed_archive(*outcomes[fault], FAULTS[fault][1])


def test_disk_full(host: Installation) -> None:
    with mounted(host.work, "size=32m"), ClosedGate(host, "7zz") as gate:
        run = host.start(space_factor=0)
        gate.reach(run)
        fill_disk(host.work)
        gate.go_on()
        words = ["could not pack", f"the disk of {host.work} is full", "free space there"]
        check_failed_archive(host, run.wait(), words)


def check_failed_archive(host: Installation, outcome: Outcome, words: list[str]) -> None:
    """Check that only the dump is left, and all that is true of every failure."""
    (dump,) = final_names(outcome)
    assert (host.work / dump / "manifest.json").exists()
    assert not [name for name in outcome.files if ".zip" in name]
    assert outcome.backup["fim_dump"] is not None
    check_failure(host, outcome._replace(files=[name for name in outcome.files if name != dump]), words)
