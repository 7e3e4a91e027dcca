"""``python -m tests.bench``: measure the pairs of each kind of data, and print the results."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import tests.bench
from tests.bench import by_hand, command, ours, report
from tests.bench.command import OUTPUT, say
from tests.bench.data import Data, read_all, server_with
from tests.bench.place import Place, empty_folder, place_around
from tests.bench.tools import SERVERS, mydumper, tools_line


def measure(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure the pairs of one kind of data and print them; return the part of the JSON file."""
    data = Data(kind, options.size_mb, options.server, options.databases)
    folder = Path(tempfile.mkdtemp(dir=OUTPUT, prefix=f"{kind}-"))
    pairs: list[report.Pair] = []
    with server_with(data, say) as source:
        say(tools_line(source))
        try:
            with place_around(source, folder, data.names) as place:
                with empty_folder(folder / "schema", keep=options.keep) as schema:
                    ours.bring_schema(place, schema)
                for number in range(1, options.runs + 1):
                    pairs.append(one_pair(place, folder, number, options))
                    size = f"{data.size_mb} MB in {data.databases} database{'s' if data.databases > 1 else ''}"
                    say(f"{kind}, {size}, pair {number} of {options.runs}, load {os.getloadavg()[0]:.1f}")
                    say(*report.pair_lines(pairs[-1]))
        finally:
            if not options.keep:
                shutil.rmtree(folder)
    say(*report.middle_lines(pairs))
    say(*report.detail_lines(pairs[-1].ours), *report.program_lines(pairs))
    found = report.targets(data, mydumper().generation, pairs)
    say(*report.target_lines(found))
    return report.as_json(kind, pairs, found)


def one_pair(place: Place, folder: Path, number: int, options: argparse.Namespace) -> report.Pair:
    """Run both pipelines, each in a folder of its own, with the same rows in the server's memory before each."""
    read_all(place.source, place.databases)
    with empty_folder(folder / f"{number}-by-hand", keep=options.keep) as here:
        first = by_hand.run(place, here)
    read_all(place.source, place.databases)
    with empty_folder(folder / f"{number}-ours", keep=options.keep) as here:
        second = ours.run(place, here)
    return report.Pair(first, second)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that only the benchmark of backups has."""
    parser.add_argument("--server", choices=list(SERVERS), help="the server that is backed up; default mariadb")
    parser.add_argument("--databases", type=int, help="divide the rows among so many databases; default 1")


if __name__ == "__main__":
    sys.exit(command.main("scripts/bench", tests.bench.__doc__, measure, add_options))
