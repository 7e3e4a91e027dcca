"""What is measured of one run, of either pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.bench.watch import Program


class Task(NamedTuple):
    """A task of Ansible: seconds that passed, and that it computed, its module and what that started included."""

    name: str
    seconds: float
    cpu: float


STAGES = ("dump", "compression", "packing", "upload")


@dataclass
class Measure:
    """One run: seconds in all and of each stage it has, in seconds; ``tasks`` are Ansible's, in their order;
    ``log`` and ``steps`` say when each line of the run's log appeared and how long each program was there.
    """

    total: float
    stages: dict[str, float]
    archive_bytes: int
    programs: Sequence[Program]
    tasks: list[Task] = field(default_factory=list)
    log: list[tuple[float, str]] = field(default_factory=list)
    steps: dict[str, float] = field(default_factory=dict)

    @property
    def overhead(self) -> float:
        """Seconds that belong to no stage."""
        return self.total - sum(self.stages.values())

    @property
    def waited(self) -> float:
        """Seconds of the overhead, at most, in which Ansible and its modules waited for a processor.

        They work one after the other, so on a machine with nothing else to do this is next to nothing.
        """
        return sum(one.waited for one in self.programs if one.name.startswith(("ansible", "python")))

    @property
    def cpu(self) -> dict[str, float]:
        """Seconds that all processes of each program computed."""
        found: dict[str, float] = {}
        for program in self.programs:
            found[program.name] = found.get(program.name, 0) + program.cpu
        return found

    @property
    def peaks(self) -> dict[str, int]:
        """The most memory, in bytes, that a process of each program had resident at any time."""
        found: dict[str, int] = {}
        for program in self.programs:
            found[program.name] = max(found.get(program.name, 0), program.peak)
        return found
