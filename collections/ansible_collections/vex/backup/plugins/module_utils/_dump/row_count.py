# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Row counts and digests of a file from its text: from the dump's own snapshot, without work for the server.

All files have one row a line, and a line end within a value as two characters or digits (observed with MyDumper 0.10.1
and 1.0.1, BLOBs and JSON included). Each statement has one line more: MyDumper 0.10 and this collection begin the rows
on the line after ``INSERT``, and MyDumper 1 ends them by a semicolon on a line of its own.
"""

from __future__ import annotations

import hashlib
import io
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed

_STATEMENT = b"\nINSERT INTO `"
# A line end within a value is two characters.
_STATEMENT_END = b";\n"
# The names of columns have at most 64 characters, and a table has at most 4096 columns.
_HEAD_BYTES = 1024 * 1024
_INSERT = re.compile(
    rb"\nINSERT INTO `(?:[^`]|``)+` (?:\((?P<columns>(?:`(?:[^`]|``)+`(?:, ?)?)*)\) )?VALUES",
)
_COLUMN = re.compile(rb"`((?:[^`]|``)+)`")


class Count(t.NamedTuple):
    """The content of a file or table.

    ``rows`` is the number of rows, ``sha256`` the digest of their text in hexadecimal, ``columns`` the columns that
    the first statement names, ``None`` when it names none. ``longest`` is the longest statement, in bytes.
    """

    rows: int
    sha256: str
    columns: t.Optional[t.Tuple[str, ...]] = None
    longest: int = 0


def join_counts(counts: t.Sequence[Count]) -> Count:
    """Return the content of a table from the contents of its files, in order.

    The digest of a table with several files is the digest of their digests.
    """
    if len(counts) == 1:
        return counts[0]
    digests = "".join(count.sha256 for count in counts)
    longest = max((count.longest for count in counts), default=0)
    return Count(sum(count.rows for count in counts), hashlib.sha256(digests.encode()).hexdigest(), longest=longest)


class FileCounter:
    """A counter for a file that holds rows of one table."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._lines = 0
        self._statements = 0
        # The file may begin with a statement.
        self._end = b"\n"
        self._head = b""
        self._longest = 0
        self._open = 0

    def update(self, block: bytes) -> None:
        """Count the next block of the file.

        :raises DumpFailed: for a NUL byte
        """
        if b"\0" in block:
            # No tool writes one. When a full disk gets room again, MyDumper 0.10 continues after the end of its text,
            # which leaves NUL bytes between (from its source).
            raise DumpFailed(
                "a data file holds a NUL byte, which MyDumper never writes: the disk was probably full for a moment; "
                "make room there and start the backup again"
            )
        self._digest.update(block)
        if len(self._head) < _HEAD_BYTES:
            self._head += block[:_HEAD_BYTES]
        # A statement that begins in one block and continues in the next: neither side is long enough to hold it whole.
        length = len(_STATEMENT) - 1
        self._statements += block.count(_STATEMENT) + (self._end + block[:length]).count(_STATEMENT)
        self._measure(block)
        self._end = (self._end + block[-length:])[-length:]
        self._lines += _line_ends(block)

    def count(self) -> Count:
        """Return the content of the file so far."""
        found = _INSERT.search(b"\n" + self._head)
        if found is None:
            return Count(0, self._digest.hexdigest(), longest=self._longest)
        settings = self._head.count(b"\n", 0, found.start())
        # A name may contain a line end, and even the start of a statement. Each statement has the same names.
        statements = self._statements // found[0].count(_STATEMENT)
        rows = self._lines - settings - statements * found[0].count(b"\n")
        return Count(rows, self._digest.hexdigest(), _columns(found["columns"]), self._longest)

    def _measure(self, block: bytes) -> None:
        """Measure the statements that end in the block; the rest of it belongs to an open one."""
        start = 0
        if self._end.endswith(b";") and block.startswith(b"\n"):
            self._close(-1)
            start = 1
        while True:
            end = block.find(_STATEMENT_END, start)
            if end < 0:
                break
            self._close(end - start)
            start = end + len(_STATEMENT_END)
        self._open += len(block) - start

    def _close(self, more: int) -> None:
        """End the open statement after *more* bytes."""
        self._longest = max(self._longest, self._open + more)
        self._open = 0


def _line_ends(block: bytes) -> int:
    # Before 3.13, Python's own count() of a single byte takes four times as long.
    lines = sum(1 for _line in io.BytesIO(block))
    return lines if block.endswith(b"\n") or not block else lines - 1


def _columns(names: t.Optional[bytes]) -> t.Optional[t.Tuple[str, ...]]:
    if names is None:
        return None
    found = (name.replace(b"``", b"`") for name in _COLUMN.findall(names))
    return tuple(name.decode("utf-8", "surrogateescape") for name in found)
