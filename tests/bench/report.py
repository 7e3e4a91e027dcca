"""The results as tables, targets and JSON."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from tests.bench.measure import STAGES, Measure

# Targets at 1 GB and more, by kind: the least B/C, and the largest archive as a multiple of B's.
TARGETS = {"sysbench": (3.5, 1.08), "business": (7.0, 1.0)}
TARGET_SIZE_MB = 1000
MOST_OVERHEAD = 7.0
MOST_RESIDENT = 150 * 10**6
# Programs of a backup or a restore that are not ours.
OTHERS = ("mydumper", "mariadb-dump", "mysqldump", "myloader")


class Pair(NamedTuple):
    """A run by hand and one of ours, one after the other."""

    by_hand: Measure
    ours: Measure

    @property
    def ratio(self) -> float:
        """Return the time by hand as a multiple of ours."""
        return self.by_hand.total / self.ours.total


def pair_lines(pair: Pair) -> Iterator[str]:
    """Yield the table of one pair: seconds of each stage, sizes, the ratio."""
    yield from stage_lines(pair, STAGES, ("B by hand", "C ours"))
    yield f"  B/C = {pair.ratio:.2f}"


def stage_lines(pair: Pair, stages: Sequence[str], names: tuple[str, str]) -> Iterator[str]:
    """Yield the table of one pair, whose rows are called *names*: seconds of each stage, sizes."""
    heading = "".join(f"{name:>13}" for name in (*stages, "rest", "total", "archive MB"))
    yield f"  {'seconds':<10}{heading}"
    for name, one in zip(names, pair, strict=True):
        spent = "".join(f"{one.stages[stage]:13.2f}" if stage in one.stages else f"{'-':>13}" for stage in stages)
        yield f"  {name:<10}{spent}{one.overhead:13.2f}{one.total:13.2f}{one.archive_bytes / 1e6:13.2f}"


def detail_lines(one: Measure) -> Iterator[str]:
    """Yield the time of each Ansible task and of each program of our run."""
    yield "  C, tasks (elapsed seconds, processor seconds of the programs that the task started):"
    yield from (f"    {task.seconds:8.2f}{task.cpu:8.2f}  {task.name}" for task in one.tasks)
    yield f"  C, seconds in which Ansible and its modules waited for a processor: {one.waited:.2f}"
    yield "  C, programs within its stages (seconds):"
    yield from (f"    {seconds:8.2f}  {name}" for name, seconds in one.steps.items())


def program_lines(pairs: Sequence[Pair]) -> Iterator[str]:
    """Yield the peak resident memory and the processor seconds of each program."""
    for letter, measures in (("B", [pair.by_hand for pair in pairs]), ("C", [pair.ours for pair in pairs])):
        peaks = _peaks(measures)
        yield f"  {letter}, programs (peak resident MB of one process; processor seconds of all, last run):"
        for name, peak in sorted(peaks.items(), key=lambda item: -item[1]):
            not_ours = " (not ours)" if letter == "C" and name in OTHERS else ""
            yield f"    {peak / 1e6:8.1f}{measures[-1].cpu.get(name, 0):8.2f}  {name}{not_ours}"


def verdicts(kind: str, size_mb: int, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """Return each target with its measurement (the median of the pairs; the peak for memory) and its verdict."""
    least_ratio, most_size = TARGETS[kind]
    ratio = statistics.median(pair.ratio for pair in pairs)
    overhead = statistics.median(pair.ours.overhead for pair in pairs)
    size = statistics.median(pair.ours.archive_bytes / pair.by_hand.archive_bytes for pair in pairs)
    found = [
        verdict("C less its dump, compression, packing and upload, seconds", overhead, "at most", MOST_OVERHEAD),
        verdict("C's archive / B's", size, "at most", most_size),
        resident_verdict(pairs),
    ]
    if size_mb >= TARGET_SIZE_MB:
        found.insert(0, verdict("B/C, median", ratio, "at least", least_ratio))
    return found


def resident_verdict(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return the verdict on the peak memory of our largest process."""
    peaks = _peaks([pair.ours for pair in pairs])
    resident = max(peak for name, peak in peaks.items() if name not in OTHERS)
    return verdict("peak resident MB of a process of ours", resident / 1e6, "at most", MOST_RESIDENT / 1e6)


def verdict(what: str, measured: float, word: str, target: float) -> dict[str, Any]:
    """Return the verdict on one target; *word* is "at most" or "at least"."""
    met = measured >= target if word == "at least" else measured <= target
    return {"what": what, "measured": measured, "target": f"{word} {target:g}", "ok": met}


def verdict_lines(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield one line for each target."""
    for one in found:
        yield f"  {'ok' if one['ok'] else 'MISSED':<7}{one['what']}: {one['measured']:.3g} ({one['target']})"


def as_json(
    kind: str,
    pairs: Sequence[Pair],
    found: Sequence[dict[str, Any]],
    names: tuple[str, str] = ("by_hand", "ours"),
    ratio: Callable[[Pair], float] = lambda pair: pair.ratio,
) -> dict[str, Any]:
    """Return all measurements of one kind of data; *names* are the names of a pair's two runs."""
    return {
        "kind": kind,
        "pairs": [
            {
                "ratio": ratio(pair),
                **{
                    name: {
                        **dataclasses.asdict(one),
                        "overhead": one.overhead,
                        "waited": one.waited,
                        "peaks": one.peaks,
                    }
                    for name, one in zip(names, pair, strict=True)
                },
            }
            for pair in pairs
        ],
        "targets": list(found),
    }


def _peaks(measures: Sequence[Measure]) -> dict[str, int]:
    found: dict[str, int] = {}
    for measure in measures:
        for name, peak in measure.peaks.items():
            found[name] = max(found.get(name, 0), peak)
    return found
