"""Kill backups, restores, proofs and retention at random moments, and run again: what they leave is explained.

``make test-faults`` alone: 100 kills. Another seed is ``VEX_KILLS_SEED``.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import pytest

from tests.faults.conftest import NewSteps
from tests.faults.ending import ALL, interfere
from tests.faults.interference import Interference
from tests.faults.random_kills import KillAt
from tests.faults.steps import Host
from tests.faults.traces import check_next_backup, check_next_restore, check_nothing_left, check_whole
from tests.servers.mariadb import MariaDB

SEED = int(os.environ.get("VEX_KILLS_SEED", "20250720"))
KILLS = 25 if ALL else 1
Work = Callable[[Host, Interference], object]


@pytest.fixture
def host(new_steps: NewSteps) -> Host:
    """Return a host with a backup."""
    made = new_steps()
    made.backup()
    return made


def moments(host: Host, work: Work) -> list[float]:
    """Return the moments of the kills, in seconds: one in each part of the time that the work takes."""
    began = time.monotonic()
    work(host, Interference())
    seconds = time.monotonic() - began
    choice = random.Random(SEED)
    return [seconds * (place + choice.random()) / KILLS for place in choice.sample(range(KILLS), KILLS)]


def said(moment: float) -> str:
    """Return the words for a failure."""
    return f"killed after {moment:.3f} seconds, seed {SEED}"


def test_backups(host: Host) -> None:
    for moment in moments(host, Host.backup):
        kill = KillAt(moment)
        check_next_backup(host, kill)


def test_restores(host: Host, target: MariaDB) -> None:
    def restore(on: Host, interference: Interference) -> str:
        return on.restore(target.socket, interference)

    for moment in moments(host, restore):
        check_next_restore(host, KillAt(moment), restore)
        assert [path.name for path in (host.folder / "restore").iterdir()] == ["restore.log"], said(moment)


def test_proofs(host: Host) -> None:
    for moment in moments(host, Host.prove):
        check_next_restore(host, KillAt(moment), Host.prove)
        assert not (host.folder / "verify").exists(), said(moment)


def test_retention_by_hand(host: Host) -> None:
    def prune(on: Host, interference: Interference) -> None:
        on.prune(interference)

    host.backup(prune__keep_last=0)
    for moment in moments(host, prune):
        host.backup(prune__keep_last=0)
        interfere(host.prune, KillAt(moment))
        check_whole(host)
        host.prune()
        check_whole(host)
        check_nothing_left(host)
        keys = host.installation.observe().keys
        assert len(keys) == 2, f"{keys}, {said(moment)}"
