"""The common part of the benchmarks on generated data: options, kinds of data, the file of results."""

from __future__ import annotations

import argparse
import datetime
import json
import signal
import sys
from collections.abc import Callable
from typing import Any

from tests.bench.failure import FAILURES
from tests.bench.kinds import KINDS
from tests.bench.place import ROOT, machine
from tests.bench.tools import extend_path

OUTPUT = ROOT / "var" / "bench"
# A function that measures one kind of data and returns its part of the file.
Measured = Callable[[str, argparse.Namespace], dict[str, Any]]


def main(
    program: str,
    description: str | None,
    measure: Measured,
    add_options: Callable[[argparse.ArgumentParser], None] = lambda _parser: None,
) -> int:
    """Run the benchmark; return the exit status: 0, or 2 when it failed.

    :param add_options: adds the options that only this benchmark has
    """
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--size-mb", type=int, default=1024, help="size of the dump in MB (10^6 bytes); default 1024")
    parser.add_argument("--runs", type=int, default=3, help="pairs of runs for each kind of data; default 3")
    parser.add_argument("--kind", choices=[*KINDS, "both"], default="both", help="what the rows are like; default both")
    parser.add_argument("--keep", action="store_true", help="keep dumps, archives and servers' data below var/bench")
    parser.set_defaults(server="mariadb", databases=1)
    add_options(parser)
    options = parser.parse_args()
    if min(options.size_mb, options.runs, options.databases) < 1:
        parser.error("--size-mb, --runs and --databases must be at least 1")
    # SIGTERM stops the servers and removes the folders, as a normal end does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    OUTPUT.mkdir(mode=0o700, parents=True, exist_ok=True)
    extend_path(options.server)
    started = datetime.datetime.now(datetime.UTC)
    output = OUTPUT / f"{started:%Y%m%d_%H%M%S}.json"
    try:
        result: dict[str, Any] = {
            "started": started.isoformat(timespec="seconds"),
            "options": vars(options),
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


def say(*lines: str) -> None:
    """Print lines at once, because a benchmark takes minutes."""
    print(*lines, sep="\n", flush=True)  # noqa: T201  # the benchmark prints its results
