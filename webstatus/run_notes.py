"""The notes of a run or a restore, split by level. Pure functions."""

from __future__ import annotations

from typing import NamedTuple

INFO, WARNING, ERROR = 1, 2, 3
_INFO = "[INFO] "
PREFIXES = {_INFO: INFO, "[WARNING] ": WARNING, "[ERROR] ": ERROR}


class Note(NamedTuple):
    """One note; ``level`` is the status that it stands for: 1 info, which is no problem, 2 warning, 3 error."""

    level: int
    text: str

    @property
    def is_problem(self) -> bool:
        """``True`` for a warning or an error."""
        return self.level > INFO


def notes_of(notes: str | None, status: int) -> list[Note]:
    """Split notes, one for each line: ``[INFO] text``, ``[WARNING] text`` or ``[ERROR] text``.

    :param status: of the run or restore, the level of a line without a prefix: older releases wrote none
    """
    level = status if status in PREFIXES.values() else WARNING
    return [_note(line, level) for line in (notes or "").split("\n") if line.strip()]


def infos_of(notes: str | None) -> list[str]:
    """Return the texts of the lines with the prefix ``[INFO]``."""
    return [line.removeprefix(_INFO) for line in (notes or "").split("\n") if line.startswith(_INFO)]


def _note(line: str, level: int) -> Note:
    for prefix, found in PREFIXES.items():
        if line.startswith(prefix):
            return Note(found, line.removeprefix(prefix))
    return Note(level, line)
