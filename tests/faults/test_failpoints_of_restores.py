"""End a module at each failpoint of a restore and of a proof, and run again: every promise holds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.conftest import NewSteps, Reached
from tests.faults.ending import ACTIONS, ended_at, selected
from tests.faults.gates import processes_with
from tests.faults.interference import Interference, Point
from tests.faults.source import DATABASE
from tests.faults.steps import Host
from tests.faults.traces import check_next_restore
from tests.playbook import text_of
from tests.servers.mariadb import MariaDB

Work = Callable[[Host, Interference], object]
Check = Callable[[Host], None]


@pytest.mark.parametrize("action", ACTIONS)
def test_a_restore(new_steps: NewSteps, reached: Reached, target: MariaDB, action: str) -> None:
    def restore(host: Host, interference: Interference) -> None:
        host.restore(target.socket, interference)

    def check(host: Host) -> None:
        """Check the restored rows, and the directory."""
        assert target.execute(f"SELECT COUNT(*) FROM {DATABASE}.cliente, {DATABASE}.foto") == ((300,),)
        assert [path.name for path in (host.folder / "restore").iterdir()] == ["restore.log"]

    end_at_each_point(new_steps, selected(reached["restore"], 2), action, restore, check)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_proof(new_steps: NewSteps, reached: Reached, action: str) -> None:
    def check(host: Host) -> None:
        """Check the proof, the directory and the processes."""
        seen = host.installation.observe()
        assert [key for key in seen.keys if key.endswith(".proof.json")] == [f"{seen.keys[0]}.proof.json"]
        assert text_of(seen.mails[-1]).strip() == ""
        assert not (host.folder / "verify").exists()
        left = processes_with(str(host.folder))
        assert not left, f"still running: {left}"

    end_at_each_point(new_steps, selected(reached["proof"], 2), action, Host.prove, check)


def end_at_each_point(new_steps: NewSteps, points: list[Point], action: str, work: Work, check: Check) -> None:
    """End a restore or a proof at each point, and do the next one, which must succeed."""
    host = new_steps()
    host.backup()
    failures = []
    for point in points:
        try:
            check_next_restore(host, ended_at(point, action), work)
            check(host)
        except AssertionError as error:
            failures.append(f"{action} at {point}: {error}")
            host = new_steps()
            host.backup()
    assert not failures, "\n\n".join(failures)
