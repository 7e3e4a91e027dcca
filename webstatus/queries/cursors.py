"""Where a page of the history begins: the key of a row, and the number that the page will have.

As text ``next.2.20250720161523.81``: the backups older than number 81, which began then; ``previous…``: the newer
ones; ``last``: the oldest.
"""

from __future__ import annotations

import datetime
import re
from typing import Literal, NamedTuple

from webstatus.errors import BadRequest
from webstatus.queries.moments import LAST

PATTERN = re.compile(r"(next|previous)\.(\d{1,9})\.(\d{14})\.(\d{1,19})", re.ASCII)
TIME = "%Y%m%d%H%M%S"
# The first year that the server's datetime holds.
FIRST_YEAR = 1000
# The largest id that all servers compare as an integer.
LARGEST = 2**63 - 1

Direction = Literal["next", "previous", "last"]


class Cursor(NamedTuple):
    """``start`` (UTC without a zone) and ``id`` are those of the row beside the page; none for the last page."""

    direction: Direction
    page: int = 0
    start: datetime.datetime = LAST
    id: int = 0

    def __str__(self) -> str:
        if self.direction == "last":
            return "last"
        return f"{self.direction}.{self.page}.{self.start:{TIME}}.{self.id}"


def read(text: str) -> Cursor | None:
    """The cursor of an address; none for the first page, whose text is empty.

    :raises BadRequest: when it is not one of ours
    """
    if not text:
        return None
    if text == "last":
        return Cursor("last")
    found = PATTERN.fullmatch(text)
    try:
        if found and int(found[4]) <= LARGEST:
            start = datetime.datetime.strptime(found[3], TIME)
            if start.year >= FIRST_YEAR:
                return Cursor("next" if found[1] == "next" else "previous", int(found[2]), start, int(found[4]))
    except ValueError:
        pass
    raise BadRequest
