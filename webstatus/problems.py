"""What a run's notes say went wrong, each with its level. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

WARNING, ERROR = 2, 3

# As MyDumper writes levels, on standard error and in files, and as the run's own log does.
WARNING_LINE = re.compile(r"^.*(?:\[WARNING\] - |\bWARNING \*\*: |\"level\": ?\"WARNING\").*$", re.MULTILINE)
# A note is one line; what the log has of it may be longer, or broken.
COMPARED = 120


class Problem(NamedTuple):
    """A note, and the status that it stands for: 2 warning, 3 error."""

    level: int
    text: str


def problems_of(notes: str | None, status: int, logs: Iterable[str]) -> list[Problem]:
    """The notes of a backup or an upload, one a line.

    :param status: that of the backup or upload; only an error's notes are of both levels
    :param logs: tell these apart; read only where that is needed
    """
    lines = [line for line in (notes or "").split("\n") if line.strip()]
    if status != ERROR or not lines:
        return [Problem(WARNING, line) for line in lines]
    warned = "\n".join(_squeezed(found.group()) for log in logs for found in WARNING_LINE.finditer(log))
    return [Problem(WARNING if _squeezed(line)[:COMPARED] in warned else ERROR, line) for line in lines]


def _squeezed(text: str) -> str:
    return " ".join(text.split())
