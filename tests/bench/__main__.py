"""``python -m tests.bench``: options, the runs in their order, the report."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import tests.bench
from tests.bench import by_hand, ours, report
from tests.bench.data import read_all, server_with
from tests.bench.failure import FAILURES
from tests.bench.kinds import KINDS
from tests.bench.place import ROOT, Place, empty_folder, machine, place_around

OUTPUT = ROOT / "var" / "bench"


def main() -> int:
    """Run the benchmark: 0, whatever the numbers are; 2 when there are none."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=tests.bench.__doc__)
    parser.add_argument("--size-mb", type=int, default=1024, help="size of the dump in MB (10^6 bytes); default 1024")
    parser.add_argument("--runs", type=int, default=3, help="pairs of runs for each kind of data; default 3")
    parser.add_argument("--kind", choices=[*KINDS, "both"], default="both", help="what the rows are like; default both")
    parser.add_argument("--keep", action="store_true", help="keep dumps, archives and servers' data below var/bench")
    options = parser.parse_args()
    if options.size_mb < 1 or options.runs < 1:
        parser.error("--size-mb and --runs must be at least 1")
    # Servers and folders go as they do at the end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    OUTPUT.mkdir(mode=0o700, parents=True, exist_ok=True)
    started = datetime.datetime.now(datetime.UTC)
    output = OUTPUT / f"{started:%Y%m%d_%H%M%S}.json"
    try:
        result: dict[str, Any] = {
            "started": started.isoformat(timespec="seconds"),
            "size_mb": options.size_mb,
            "machine": machine(),
            "kinds": [],
        }
        for kind in KINDS if options.kind == "both" else [options.kind]:
            result["kinds"].append(measure(kind, options))
            output.write_text(json.dumps(result, indent=1) + "\n")
    except FAILURES as error:
        sys.stderr.write(f"bench: failed: {type(error).__name__}: {error}\n")
        return 2
    say(f"written to {output}")
    return 0


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


def say(*lines: str) -> None:
    """Print, at once: a benchmark takes minutes."""
    print(*lines, sep="\n", flush=True)  # noqa: T201  # it speaks to people


if __name__ == "__main__":
    sys.exit(main())
