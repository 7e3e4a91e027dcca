"""The warnings and errors in the notes of a run. Pure functions."""

from __future__ import annotations

from typing import NamedTuple

WARNING, ERROR = 2, 3
PREFIXES = {"[WARNING] ": WARNING, "[ERROR] ": ERROR}


class Problem(NamedTuple):
    """One note; ``level`` is the status that it stands for: 2 warning, 3 error."""

    level: int
    text: str


def problems_of(notes: str | None, status: int) -> list[Problem]:
    """Split notes into problems, one for each line: ``[WARNING] text`` or ``[ERROR] text``.

    :param status: of the run, the level of a line without a prefix: older releases wrote none
    """
    lines = [line for line in (notes or "").split("\n") if line.strip()]
    return [_problem(line, ERROR if status == ERROR else WARNING) for line in lines]


def _problem(line: str, level: int) -> Problem:
    for prefix, found in PREFIXES.items():
        if line.startswith(prefix):
            return Problem(found, line.removeprefix(prefix))
    return Problem(level, line)
