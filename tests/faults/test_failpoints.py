"""End a module at each failpoint of a backup, a restore and a proof, and run again: every promise holds.

``make test`` takes a spread selection of the points, ``make test-faults`` takes all.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import NewHost
from tests.faults.gates import processes_with
from tests.faults.module_server import ModuleServer
from tests.faults.source import DATABASE
from tests.faults.steps import Failed, Host, Interference, Killed, Point
from tests.faults.traces import check_ended, check_nothing_left, check_whole
from tests.playbook import Row, text_of
from tests.servers.mariadb import MariaDB

ALL = bool(os.environ.get("VEX_ALL_FAULTS"))
# SIGKILL with everything else that runs, as in a power cut; SIGTERM to the module alone.
ACTIONS = ("kill", "term")
NewSteps = Callable[[], Host]


@pytest.fixture(scope="module")
def new_steps(tmp_path_factory: pytest.TempPathFactory, new_host: NewHost, small_source: MariaDB) -> Iterator[NewSteps]:
    """Make a host whose steps are called one by one."""
    with ModuleServer(tmp_path_factory.mktemp("modules")) as modules:
        yield lambda: Host(new_host(small_source), modules, tmp_path_factory.mktemp("steps"))


def selected(reached: list[Point], count: int) -> list[Point]:
    """Return each reached point once for each step, and its last visit too; without ``ALL`` *count* spread ones."""
    last = {(point.step, point.name): point for point in reached}
    points = sorted({*(point._replace(number=1) for point in reached), *last.values()}, key=reached.index)
    if ALL:
        return points
    return [points[len(points) * (2 * place + 1) // (2 * count)] for place in range(count)]


def interfere(make: Callable[[Interference], object], interference: Interference) -> bool:
    """Run a sequence; return whether it ended early."""
    try:
        make(interference)
    except (Killed, Failed):
        return True
    return False


@pytest.mark.parametrize("action", ACTIONS)
def test_a_backup(new_steps: NewSteps, tmp_path: Path, action: str) -> None:
    host = new_steps()
    host.backup()
    record = Interference(log=tmp_path / "points")
    host.backup(record)
    failures = []
    for point in selected(record.reached, 5):
        try:
            check_backup(host, point, action)
        except AssertionError as error:
            failures.append(f"{action} at {point}: {error}")
            host = new_steps()
            host.backup()
    assert not failures, "\n\n".join(failures)


def check_backup(host: Host, point: Point, action: str) -> None:
    """End a backup at a point, and make another one."""
    before = host.installation.observe()
    interference = Interference(point, action, alone=action == "term")
    killed = interfere(host.backup, interference)
    check_whole(host)
    between = host.installation.observe()
    rows = between.backups[len(before.backups) :]
    assert len(rows) <= 1
    host.installation.sink.clear()
    recovered = host.backup()
    after = host.installation.observe()
    assert recovered.status == 1, recovered
    check_whole(host)
    check_nothing_left(host)
    # A run that was killed before its record was written has not started.
    started = len(interference.began) > 1 or bool(rows)
    assert len(after.backups) == len(before.backups) + started + 1
    if not started:
        return
    row = after.backups[-2]
    if killed and (not rows or rows[0]["status_backup"] == 0):
        assert row["status_backup"] == 3
        (sentence,) = recovered.abandoned
        assert recovered.verdict == 3, "the next run does not fail"
        assert sentence in text_of(after.mail)
        assert sentence in row["observacao"]
    elif not killed:
        assert row["status_backup"] in {2, 3} or between.mails or interference.began[-1] == "mail", row


@pytest.mark.parametrize("action", ACTIONS)
def test_a_restore(new_steps: NewSteps, fresh_mariadb: MariaDB, tmp_path: Path, action: str) -> None:
    def restore(host: Host, interference: Interference | None = None) -> object:
        return host.restore(fresh_mariadb.socket, interference)

    def check(host: Host) -> None:
        """Check the restored rows, and the directory."""
        assert fresh_mariadb.execute(f"SELECT COUNT(*) FROM {DATABASE}.cliente, {DATABASE}.foto") == ((300,),)
        assert [path.name for path in (host.folder / "restore").iterdir()] == ["restore.log"]

    end_at_each_point(new_steps, restore, check, tmp_path, action)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_proof(new_steps: NewSteps, tmp_path: Path, action: str) -> None:
    def check(host: Host) -> None:
        """Check the proof, the directory and the processes."""
        seen = host.installation.observe()
        assert [key for key in seen.keys if key.endswith(".proof.json")] == [f"{seen.keys[0]}.proof.json"]
        assert text_of(seen.mails[-1]).strip() == ""
        assert not (host.folder / "verify").exists()
        left = processes_with(str(host.folder))
        assert not left, f"still running: {left}"

    end_at_each_point(new_steps, Host.prove, check, tmp_path, action)


def end_at_each_point(
    new_steps: NewSteps,
    work: Callable[[Host, Interference | None], object],
    check: Callable[[Host], None],
    tmp_path: Path,
    action: str,
) -> None:
    """End a restore or a proof at each point, and do the next one, which must succeed."""
    host = new_steps()
    host.backup()
    record = Interference(log=tmp_path / "points")
    work(host, record)
    failures = []
    for point in selected(record.reached, 2):
        before = len(restore_rows(host))
        interference = Interference(point, action, alone=action == "term")
        try:
            interfere(functools.partial(work, host), interference)
            check_whole(host)
            rows = restore_rows(host)
            assert not interfere(functools.partial(work, host), Interference()), "the next one failed"
            check(host)
            after = restore_rows(host)
            check_ended(after, "status")
            started = len(rows) > before or "download" in interference.began
            assert len(after) == before + started + 1
            assert after[-1]["status"] == 1
            assert [str(path) for path in host.installation.spool.rglob("*") if path.is_file()] == []
        except AssertionError as error:
            failures.append(f"{action} at {point}: {error}")
            host = new_steps()
            host.backup()
    assert not failures, "\n\n".join(failures)


def restore_rows(host: Host) -> list[Row]:
    """Return the records of the host's restores and proofs."""
    query = "SELECT * FROM restauracao_log WHERE hostname = %s ORDER BY id"
    return host.installation.log_database.rows(query, host.hostname)
