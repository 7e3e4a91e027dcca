"""``python -m tests.bench``: the pairs of one kind, and what is said of them."""

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
from tests.bench.data import read_all, server_with
from tests.bench.place import Place, empty_folder, place_around


def measure(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Make the pairs of one kind and print them; what goes into the JSON file."""
    folder = Path(tempfile.mkdtemp(dir=OUTPUT, prefix=f"{kind}-"))
    pairs: list[report.Pair] = []
    with server_with(kind, options.size_mb, say) as source:
        try:
            with place_around(source, folder) as place:
                with empty_folder(folder / "schema", keep=options.keep) as schema:
                    ours.bring_schema(place, schema)
                for number in range(1, options.runs + 1):
                    pairs.append(one_pair(place, folder, number, options))
                    say(f"{kind}, {options.size_mb} MB, pair {number} of {options.runs}, load {os.getloadavg()[0]:.1f}")
                    say(*report.pair_lines(pairs[-1]))
        finally:
            if not options.keep:
                shutil.rmtree(folder)
    say(*report.detail_lines(pairs[-1].ours), *report.program_lines(pairs))
    found = report.verdicts(kind, options.size_mb, pairs)
    say(*report.verdict_lines(found))
    return report.as_json(kind, pairs, found)


def one_pair(place: Place, folder: Path, number: int, options: argparse.Namespace) -> report.Pair:
    """Run one after the other, each in a folder of its own, the server's memory holding the same before both."""
    read_all(place.source)
    with empty_folder(folder / f"{number}-by-hand", keep=options.keep) as here:
        first = by_hand.run(place, here)
    read_all(place.source)
    with empty_folder(folder / f"{number}-ours", keep=options.keep) as here:
        second = ours.run(place, here)
    return report.Pair(first, second)


if __name__ == "__main__":
    sys.exit(command.main("scripts/bench", tests.bench.__doc__, measure))
