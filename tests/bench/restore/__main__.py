"""``python -m tests.bench.restore``: restore one backup of each kind by myloader alone and by us, in turn."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import tests.bench.restore
from tests.bench import command, ours
from tests.bench.command import OUTPUT, say
from tests.bench.data import Data, server_with
from tests.bench.place import empty_folder, place_around
from tests.bench.report import Pair
from tests.bench.restore import both_ways, report
from tests.bench.restore.backup import Backup, made_backup


def measure(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure the pairs of one kind of data and print them; return the part of the JSON file."""
    folder = Path(tempfile.mkdtemp(dir=OUTPUT, prefix=f"restore-{kind}-"))
    try:
        pairs = all_pairs(kind, folder, options)
    finally:
        if not options.keep:
            shutil.rmtree(folder)
    say(*report.detail_lines(pairs))
    found = report.targets(options.size_mb, pairs)
    say(*report.target_lines(found))
    return report.as_json(kind, pairs, found)


def all_pairs(kind: str, folder: Path, options: argparse.Namespace) -> list[Pair]:
    """Make the backup, then restore it as often as the options say, and print each pair."""
    pairs: list[Pair] = []
    with server_with(Data(kind, options.size_mb), say) as source, place_around(source, folder) as place:
        with empty_folder(folder / "schema", keep=options.keep) as schema:
            ours.bring_schema(place, schema)
        with empty_folder(folder / "backup", keep=options.keep) as here:
            backup = made_backup(place, here)
            # The source is not needed any more; its memory is free for the restores.
            source.stop()
            for number in range(1, options.runs + 1):
                pairs.append(one_pair(backup, folder, number, options))
                load = os.getloadavg()[0]
                say(f"{kind}, {options.size_mb} MB, pair {number} of {options.runs}, load {load:.1f}")
                say(*report.pair_lines(pairs[-1]))
    return pairs


def one_pair(backup: Backup, folder: Path, number: int, options: argparse.Namespace) -> Pair:
    """Run both restores, each into an empty server of its own."""
    with empty_folder(folder / f"{number}-myloader", keep=options.keep) as here:
        first = both_ways.by_myloader(backup, here)
    with empty_folder(folder / f"{number}-ours", keep=options.keep) as here:
        second = both_ways.by_us(backup, here)
    return Pair(first, second)


if __name__ == "__main__":
    sys.exit(command.main("scripts/bench restore", tests.bench.restore.__doc__, measure))
