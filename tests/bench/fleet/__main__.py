"""``python -m tests.bench.fleet``: processor time and memory of ``ansible-playbook``, by the number of hosts."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import tests.bench.fleet
from tests.bench import ours
from tests.bench.data import DATABASE
from tests.bench.failure import FAILURES
from tests.bench.fleet.control import Cost, play
from tests.bench.place import place_around
from tests.servers.mariadb import MariaDB

# Seconds of processor time for each host.
MOST_SECONDS = 3.0


def main() -> int:
    """Measure; return the exit status: 0 when the target is met, 1 when it is missed, 2 on a failure."""
    parser = argparse.ArgumentParser(prog="scripts/bench fleet", description=tests.bench.fleet.__doc__)
    parser.add_argument(
        "--hosts", type=int, nargs="+", default=[10, 30, 50], help="sizes of the inventory; default 10 30 50"
    )
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="vex-bench-") as folder:
            costs = measure(Path(folder), options.hosts)
    except FAILURES as error:
        sys.stderr.write(f"bench: failed: {type(error).__name__}: {error}\n")
        return 2
    return report(costs)


def measure(folder: Path, sizes: list[int]) -> list[Cost]:
    """Back up inventories of each size, whose hosts are all one server with one small table."""
    with MariaDB(folder / "source") as source, place_around(source, folder) as place:
        source.execute(
            f"CREATE DATABASE {DATABASE}",
            f"CREATE TABLE {DATABASE}.one (id int PRIMARY KEY)",
            f"INSERT INTO {DATABASE}.one VALUES (1)",
        )
        (folder / "schema").mkdir(mode=0o700)
        ours.bring_schema(place, folder / "schema")
        return [play(place, folder / str(size), size, say) for size in sizes]


def report(costs: list[Cost]) -> int:
    """Print the numbers; return 1 when the target was missed."""
    say(
        f"{'hosts':>5} {'control, s':>11} {'a host':>7} {'modules, a host':>16} {'took, s':>8} {'MB':>5} {'all, MB':>8}"
    )
    for one in costs:
        say(
            f"{one.hosts:5} {one.control:11.1f} {one.control / one.hosts:7.2f} {one.modules / one.hosts:16.2f}"
            f" {one.seconds:8.0f} {one.memory / 1e6:4.0f} {one.memory_of_all / 1e6:8.0f}"
        )
    worst = max(one.control / one.hosts for one in costs)
    missed = worst >= MOST_SECONDS
    say(f"at most {worst:.2f} s of processor time a host (target: under {MOST_SECONDS:g}){'  missed' * missed}")
    return int(missed)


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201 - it speaks to people


if __name__ == "__main__":
    sys.exit(main())
