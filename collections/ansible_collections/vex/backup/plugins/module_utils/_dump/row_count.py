# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows and digests of tables, taken from a dump's own text: in its own snapshot, at no cost to the server.

MyDumper writes one row a line, and a line end within a value as two characters (seen with 0.10.1, BLOBs and JSON
included); mysqldump writes many rows a line, whose values are taken out before its parentheses are counted.
"""

from __future__ import annotations

import hashlib
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, MODERN

# Behind which line end a row begins: MyDumper 0.10 has `(1)` on each line, newer ones the first behind VALUES.
ROW_STARTS = {LEGACY: (b"\n(",), MODERN: (b"\nINSERT INTO `", b"\n,(")}

_NAME = rb"`((?:[^`]|``)*)`"
INSERT = re.compile(rb"INSERT (?:IGNORE )?INTO " + _NAME + rb" (?:\((?:`(?:[^`]|``)*`(?:, ?)?)+\) )?VALUES")
_VALUE = re.compile(rb"'(?:[^'\\]|\\.|'')*'", re.DOTALL)


class Count(t.NamedTuple):
    """What a table holds: its rows, and the SHA-256 of their text in hexadecimal."""

    rows: int
    sha256: str


class Tally(t.Protocol):
    """Takes the text of one file."""

    def update(self, piece: bytes) -> None:
        """A further piece of the file."""


def joined(counts: t.Sequence[Count]) -> Count:
    """What a table holds, by what its files hold, in their order: its digest is of their digests if it has several."""
    if len(counts) == 1:
        return counts[0]
    digests = "".join(count.sha256 for count in counts)
    return Count(sum(count.rows for count in counts), hashlib.sha256(digests.encode()).hexdigest())


class FileTally:
    """That of one of MyDumper's data files, which hold rows of one table each.

    :param generation: MyDumper's
    """

    def __init__(self, generation: str) -> None:
        self._starts = ROW_STARTS[generation]
        self._is_legacy = generation == LEGACY
        self._longest = max(len(start) for start in self._starts) - 1
        self._digest = hashlib.sha256()
        self._rows = 0
        self._end = b"\n"

    def update(self, piece: bytes) -> None:
        """A further piece of the file."""
        if self._is_legacy and b"\0" in piece:
            # It escapes them; on a full disk of which room was made it goes on behind the end of its text (read).
            raise DumpFailed(
                "a data file holds what MyDumper never writes, a NUL byte: was the disk full for a moment?"
            )
        self._digest.update(piece)
        for start in self._starts:
            # One that lies across the seam: neither side of it is long enough to hold a whole one.
            seam = self._end[1 - len(start) :] + piece[: len(start) - 1]
            self._rows += piece.count(start) + seam.count(start)
        self._end = (self._end + piece[-self._longest :])[-self._longest :]

    def count(self) -> Count:
        """What the file held."""
        return Count(self._rows, self._digest.hexdigest())


class ScriptTally:
    """Those of all tables in a script by mysqldump."""

    def __init__(self) -> None:
        self._line = b""
        self._table = ""
        self._rows: t.Dict[str, int] = {}
        self._digests: t.Dict[str, t.Any] = {}

    def update(self, piece: bytes) -> None:
        """A further piece of the file."""
        *lines, self._line = (self._line + piece).split(b"\n") if b"\n" in piece else (self._line + piece,)
        for line in lines:
            self._take(line)

    def count(self, table: str) -> Count:
        """What the script held of *table*."""
        return Count(self._rows.get(table, 0), self._digests.get(table, hashlib.sha256()).hexdigest())

    def _take(self, line: bytes) -> None:
        values = line
        found = None if self._table else INSERT.match(line)
        if found:
            self._table = found[1].replace(b"``", b"`").decode("utf-8", "surrogateescape")
            values = line[found.end() :]
        if self._table:
            self._digests.setdefault(self._table, hashlib.sha256()).update(line + b"\n")
            self._rows[self._table] = self._rows.get(self._table, 0) + _VALUE.sub(b"", values).count(b"(")
            # MariaDB's writes a statement over several lines, MySQL's on one.
            if line.endswith(b";"):
                self._table = ""
