"""The results as tables, targets and JSON."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from tests.bench.data import Data
from tests.bench.measure import STAGES, Measure

# The least B/C from a size in MB on, by server, MyDumper, kind of rows and number of databases.
LEAST_RATIOS = {
    ("mysql", "1.x", "business", 1): {1000: 4.5, 10_000: 7.0},
    ("mysql", "1.x", "business", 4): {4000: 7.0},
    ("mariadb", "0.10", "business", 1): {1000: 6.0, 10_000: 8.5},
    ("mariadb", "0.10", "sysbench", 1): {1000: 3.5},
}
# The largest archive as a multiple of B's.
MOST_SIZE = {"sysbench": 1.08, "business": 1.0}
MOST_OVERHEAD = 7.0
MOST_RESIDENT = 150 * 10**6
# Programs of a backup or a restore that are not ours.
OTHERS = ("mydumper", "mariadb", "mysql", "myloader")
# The largest part of the dump's time that the fingerprint may take.
MOST_FINGERPRINT = 0.05


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


def middle_lines(pairs: Sequence[Pair]) -> Iterator[str]:
    """Yield the table of the pair in the middle, whose ratio is the median of an odd number of pairs."""
    if len(pairs) > 1:
        yield f"the pair in the middle of {len(pairs)}"
        yield from pair_lines(sorted(pairs, key=lambda pair: pair.ratio)[(len(pairs) - 1) // 2])


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


def targets(data: Data, generation: str, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """Return each target with its measurement: the median of the pairs, the peak for memory.

    :param generation: MyDumper's
    """
    ratio = statistics.median(pair.ratio for pair in pairs)
    overhead = statistics.median(pair.ours.overhead for pair in pairs)
    size = statistics.median(pair.ours.archive_bytes / pair.by_hand.archive_bytes for pair in pairs)
    found = [
        target("C less its dump, compression, packing and upload, seconds", overhead, "at most", MOST_OVERHEAD),
        target("C's archive / B's", size, "at most", MOST_SIZE[data.kind]),
        resident_target(pairs),
    ]
    shares = [pair.ours.fingerprint / pair.ours.stages["dump"] for pair in pairs if pair.ours.fingerprint is not None]
    if shares:
        share = statistics.median(shares)
        found.append(target("the fingerprint's part of C's dump", share, "at most", MOST_FINGERPRINT))
    ratios = LEAST_RATIOS.get((data.server, generation, data.kind, data.databases), {})
    reached = [size_mb for size_mb in ratios if size_mb <= data.size_mb]
    if reached:
        found.insert(0, target("B/C, median", ratio, "at least", ratios[max(reached)]))
    return found


def resident_target(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return the target of the peak memory of our largest process."""
    peaks = _peaks([pair.ours for pair in pairs])
    resident = max(peak for name, peak in peaks.items() if name not in OTHERS)
    return target("peak resident MB of a process of ours", resident / 1e6, "at most", MOST_RESIDENT / 1e6)


def target(what: str, measured: float, word: str, limit: float) -> dict[str, Any]:
    """Return one target and whether it is met; *word* is "at most" or "at least"."""
    met = measured >= limit if word == "at least" else measured <= limit
    return {"what": what, "measured": measured, "target": f"{word} {limit:g}", "ok": met}


def target_lines(found: Sequence[dict[str, Any]]) -> Iterator[str]:
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
