"""What is measured of one run, of either pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.bench.watch import Program

STAGES = ("dump", "compression", "packing", "upload")


@dataclass
class Measure:
    """One run: seconds in all and of each stage it has, in seconds; ``tasks`` are Ansible's, in their order."""

    total: float
    stages: dict[str, float]
    archive_bytes: int
    programs: Sequence[Program]
    tasks: list[tuple[str, float]] = field(default_factory=list)
    log: list[tuple[float, str]] = field(default_factory=list)
    steps: dict[str, float] = field(default_factory=dict)

    @property
    def overhead(self) -> float:
        """Seconds that belong to no stage."""
        return self.total - sum(self.stages.values())

    def peaks(self) -> dict[str, int]:
        """The most memory, in bytes, that a process of each program had resident at any time."""
        found: dict[str, int] = {}
        for program in self.programs:
            found[program.name] = max(found.get(program.name, 0), program.peak)
        return found
