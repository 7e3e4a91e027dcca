# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Row counts and digests of tables, from the text of a dump: from its own snapshot, without work for the server.

MyDumper writes one row per line, and a line end within a value as two characters (observed with 0.10.1, BLOBs and JSON
included). mysqldump writes many rows per line; the values are removed before its parentheses are counted.
"""

from __future__ import annotations

import hashlib
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, MODERN

# The text at the beginning of a row: MyDumper 0.10 has `(1)` on each line, newer ones have the first row after VALUES.
ROW_STARTS = {LEGACY: (b"\n(",), MODERN: (b"\nINSERT INTO `", b"\n,(")}

_NAME = rb"`((?:[^`]|``)*)`"
INSERT = re.compile(rb"INSERT (?:IGNORE )?INTO " + _NAME + rb" (?:\((?:`(?:[^`]|``)*`(?:, ?)?)+\) )?VALUES")
_VALUE = re.compile(rb"'(?:[^'\\]|\\.|'')*'", re.DOTALL)


class Count(t.NamedTuple):
    """The content of a file or table: its number of rows, and the SHA-256 of their text in hexadecimal."""

    rows: int
    sha256: str


class Counter(t.Protocol):
    """A counter of the rows in one file."""

    def update(self, block: bytes) -> None:
        """Count the next block of the file."""

    def count(self, table: str, /) -> Count:
        """Return the content of *table* in the blocks so far."""


def join_counts(counts: t.Sequence[Count]) -> Count:
    """Return the content of a table from the contents of its files, in order.

    The digest of a table with several files is the digest of their digests.
    """
    if len(counts) == 1:
        return counts[0]
    digests = "".join(count.sha256 for count in counts)
    return Count(sum(count.rows for count in counts), hashlib.sha256(digests.encode()).hexdigest())


class FileCounter:
    """A counter for one of MyDumper's data files, which hold rows of one table each.

    :param generation: MyDumper's
    """

    def __init__(self, generation: str) -> None:
        self._starts = ROW_STARTS[generation]
        self._is_legacy = generation == LEGACY
        self._longest = max(len(start) for start in self._starts) - 1
        self._digest = hashlib.sha256()
        self._rows = 0
        self._end = b"\n"

    def update(self, block: bytes) -> None:
        """Count the next block of the file.

        :raises DumpFailed: for a NUL byte in a file of MyDumper 0.10
        """
        if self._is_legacy and b"\0" in block:
            # MyDumper 0.10 escapes NUL bytes. When a full disk gets room again, it continues after the end of its
            # text, which leaves NUL bytes between (from its source).
            raise DumpFailed(
                "a data file holds a NUL byte, which MyDumper never writes: the disk was probably full for a moment; "
                "make room there and start the backup again"
            )
        self._digest.update(block)
        for start in self._starts:
            # A row start across two blocks: neither side of the seam is long enough to hold a complete one.
            seam = self._end[1 - len(start) :] + block[: len(start) - 1]
            self._rows += block.count(start) + seam.count(start)
        self._end = (self._end + block[-self._longest :])[-self._longest :]

    def count(self, _table: str = "", /) -> Count:
        """Return the content of the file so far, which is of one table."""
        return Count(self._rows, self._digest.hexdigest())


class ScriptCounter:
    """A counter for a script by mysqldump, which holds the rows of several tables."""

    def __init__(self) -> None:
        self._line = b""
        self._table = ""
        self._rows: t.Dict[str, int] = {}
        self._digests: t.Dict[str, t.Any] = {}

    def update(self, block: bytes) -> None:
        """Count the next block of the file."""
        *lines, self._line = (self._line + block).split(b"\n") if b"\n" in block else (self._line + block,)
        for line in lines:
            self._add_line(line)

    def count(self, table: str, /) -> Count:
        """Return the content of *table* in the script so far."""
        return Count(self._rows.get(table, 0), self._digests.get(table, hashlib.sha256()).hexdigest())

    def _add_line(self, line: bytes) -> None:
        values = line
        found = None if self._table else INSERT.match(line)
        if found:
            self._table = found[1].replace(b"``", b"`").decode("utf-8", "surrogateescape")
            values = line[found.end() :]
        if self._table:
            self._digests.setdefault(self._table, hashlib.sha256()).update(line + b"\n")
            self._rows[self._table] = self._rows.get(self._table, 0) + _VALUE.sub(b"", values).count(b"(")
            # MariaDB's mysqldump writes a statement over several lines, MySQL's on one line.
            if line.endswith(b";"):
                self._table = ""
