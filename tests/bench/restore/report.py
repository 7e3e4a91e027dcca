"""The results of the benchmark of restores."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from tests.bench import report
from tests.bench.report import Pair, target_lines
from tests.bench.restore.both_ways import BOUNDS

__all__ = ["as_json", "detail_lines", "pair_lines", "target_lines", "targets"]

# The target at 1 GB and more: our time as a multiple of myloader alone.
TARGET_SIZE_MB = 1000
MOST_RATIO = 1.3


def pair_lines(pair: Pair) -> Iterator[str]:
    """Yield the table of one pair: seconds of each stage, the ratio."""
    yield from report.stage_lines(pair, list(BOUNDS), ("B myloader", "C ours"))
    yield f"  C/B = {_ratio(pair):.2f}"


def detail_lines(pairs: Sequence[Pair]) -> Iterator[str]:
    """Yield the times of our last run, and the memory and processor time of the programs."""
    yield from report.detail_lines(pairs[-1].ours)
    yield from report.program_lines(pairs)


def targets(size_mb: int, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """Return each target with its measurement (the median of the pairs; the peak for memory)."""
    found = [report.resident_target(pairs)]
    if size_mb >= TARGET_SIZE_MB:
        ratio = statistics.median(map(_ratio, pairs))
        found.insert(0, report.target("C/B, median", ratio, "at most", MOST_RATIO))
    return found


def as_json(kind: str, pairs: Sequence[Pair], found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return all measurements of one kind of data."""
    return report.as_json(kind, pairs, found, ("myloader", "ours"), _ratio)


def _ratio(pair: Pair) -> float:
    """Return our time as a multiple of myloader alone."""
    return pair.ours.total / pair.by_hand.total
