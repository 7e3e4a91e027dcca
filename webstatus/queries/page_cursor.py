"""The place of a page in the history: a direction, the page's number and the key of the row beside the page.

As text: ``next.2.20250720161523.81`` is page 2, the backups older than number 81, which began at that time (UTC);
``previous…`` is the newer ones; ``last`` is the last page.
"""

from __future__ import annotations

import datetime
import re
from typing import Literal, NamedTuple

from webstatus.errors import BadRequest

# The server's datetime begins with the year 1000; 18 digits are an integer to every server.
PATTERN = re.compile(r"(next|previous)\.(\d{1,9})\.([1-9]\d{13})\.(\d{1,18})", re.ASCII)
TIME = "%Y%m%d%H%M%S"

Direction = Literal["next", "previous", "last"]


class Cursor(NamedTuple):
    """``start`` (UTC without a zone) and ``id`` are the key of the row beside the page; the last page needs none."""

    direction: Direction
    page: int = 0
    start: datetime.datetime = datetime.datetime(9999, 1, 1)
    id: int = 0

    def __str__(self) -> str:
        return "last" if self.direction == "last" else f"{self.direction}.{self.page}.{self.start:{TIME}}.{self.id}"


def read(text: str) -> Cursor | None:
    """Read the cursor of an address; return ``None`` for the first page, which has an empty text.

    :raises BadRequest: when the text is no cursor
    """
    if text in {"", "last"}:
        return Cursor("last") if text else None
    found = PATTERN.fullmatch(text)
    if found is None:
        raise BadRequest
    try:
        start = datetime.datetime.strptime(found[3], TIME)
    except ValueError:
        raise BadRequest from None
    return Cursor("next" if found[1] == "next" else "previous", int(found[2]), start, int(found[4]))
