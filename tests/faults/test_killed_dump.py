"""Kill a connection of a dump, or a program of it, at random moments: it never succeeds with rows that are not right.

An application adds a row to every table in each of its transactions, so that rows of another moment show.
"""

from __future__ import annotations

import os
import random
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.killing import DATABASE, KINDS, ROWS, Killing, Writer, fill
from tests.playbook import BACKUP_ACCOUNT
from tests.servers import debian
from tests.servers.database_server import DatabaseServer
from tests.servers.mariadb import MariaDB
from tests.servers.mysql import MySQL

SEED = 20250720
MOMENTS = 30
SERVERS: dict[str, type[DatabaseServer]] = {"MariaDB": MariaDB, "MySQL": MySQL}
GRANTS = {
    "MariaDB": BACKUP_ACCOUNT,
    "MySQL": [one.replace("BINLOG MONITOR", "REPLICATION CLIENT, BACKUP_ADMIN") for one in BACKUP_ACCOUNT],
}


@pytest.fixture(params=["MariaDB-0.10", "MariaDB-1.x", "MySQL-1.x"])
def killing(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Killing, DatabaseServer]]:
    """Run a server with the database, and the programs to dump it."""
    product, _, generation = request.param.partition("-")
    path = [os.environ["PATH"]]
    if product == "MySQL":
        path.insert(0, str(debian.programs(debian.MYSQL)))
    if generation == "1.x":
        folder = os.environ.get("VEX_MYDUMPER_DIR")
        if not folder:
            pytest.skip("MyDumper 1.x is in no package: VEX_MYDUMPER_DIR is to name a folder with one")
        path.insert(0, folder)
    monkeypatch.setenv("PATH", ":".join(path))
    monkeypatch.setenv("PYTHONFAULTHANDLER", "1")
    with tempfile.TemporaryDirectory(prefix="vex-") as name, SERVERS[product](Path(name)) as server:
        fill(server, *GRANTS[product])
        yield Killing(server, tmp_path / "work"), server


def test_no_dump_succeeds_with_other_rows(killing: tuple[Killing, DatabaseServer]) -> None:
    dumps, server = killing
    choice = random.Random(SEED)
    failed, said = 0, []
    seconds = 0.0
    with Writer(server):
        dumps.dump()
        done = dumps.dump()
        assert done.status == 1, done
        check(dumps.rows(), "nothing was killed")
        # Each part of the dump's time gets a moment, and each kind of victim several.
        plan = [((place + choice.random()) / MOMENTS, KINDS[place % len(KINDS)]) for place in range(MOMENTS)]
        for part, kind in choice.sample(plan, MOMENTS):
            # A host becomes slower or faster while this runs.
            seconds = done.seconds if done.status == 1 else seconds
            done = dumps.dump(part * seconds, kind, choice)
            what = f"{done.victim or 'nothing killed'} after {part:.2f} of the dump, seed {SEED}"
            said.append(f"{what}: {done.status} {done.result.get('msg', '')}")
            if done.status == 3:
                failed += 1
                assert done.victim, done.result
                assert re.match(f"the dump failed: {DATABASE}: .", done.result["msg"]), said
            else:
                check(dumps.rows(), what)
    # A kill at the end of a dump, or of a connection that is idle, does no harm.
    assert failed >= MOMENTS / 5, said


def check(found: dict[str, list[int]], what: str) -> None:
    """Check the rows of a dump that succeeded, after *what* was killed."""
    added = {table: len(found[table]) - rows for table, rows in ROWS.items()}
    assert len(set(added.values())) == 1, f"rows are missing, or of several moments: {added}, {what}"
    for table, ids in found.items():
        assert sorted(ids) == list(range(1, len(ids) + 1)), f"{table} has not the rows of a moment: {what}"
