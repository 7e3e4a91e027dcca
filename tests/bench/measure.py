"""The measurements of one run, ours or by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.bench.watch import Program


class Task(NamedTuple):
    """An Ansible task: elapsed seconds, and processor seconds of its module and the programs that it started."""

    name: str
    seconds: float
    cpu: float


STAGES = ("dump", "compression", "packing", "upload")


@dataclass
class Measure:
    """One run: seconds in total and of each stage; ``tasks`` are Ansible's, in order; ``log`` has the time of each
    line of the run's log, ``steps`` the seconds of each program, ``fingerprint`` those of the server's fingerprint, if
    the log has them.
    """

    total: float
    stages: dict[str, float]
    archive_bytes: int
    programs: Sequence[Program]
    tasks: list[Task] = field(default_factory=list)
    log: list[tuple[float, str]] = field(default_factory=list)
    steps: dict[str, float] = field(default_factory=dict)
    fingerprint: float | None = None

    @property
    def overhead(self) -> float:
        """Return the seconds that belong to no stage."""
        return self.total - sum(self.stages.values())

    @property
    def waited(self) -> float:
        """Return the seconds for which Ansible and its modules waited for a processor.

        They run one after the other, so on an idle machine this is nearly zero.
        """
        return sum(one.waited for one in self.programs if one.name.startswith(("ansible", "python")))

    @property
    def cpu(self) -> dict[str, float]:
        """Return the processor seconds of each program, over all its processes."""
        found: dict[str, float] = {}
        for program in self.programs:
            found[program.name] = found.get(program.name, 0) + program.cpu
        return found

    @property
    def peaks(self) -> dict[str, int]:
        """Return the peak resident memory, in bytes, of one process of each program."""
        found: dict[str, int] = {}
        for program in self.programs:
            found[program.name] = max(found.get(program.name, 0), program.peak)
        return found
