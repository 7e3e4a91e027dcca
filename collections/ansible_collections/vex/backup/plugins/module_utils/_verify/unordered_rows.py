# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of a table in any order: a server may return the rows of a table without a primary key in another order."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import read_blocks
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._tools.compressors import SUFFIXES

_DIGEST_BYTES = 16
_INSERT = re.compile(rb"INSERT INTO `(?:[^`]|``)+` \((?:`(?:[^`]|``)+`(?:, ?)?)+\) VALUES ?")


class RowSet(t.NamedTuple):
    """The number of rows, and the sum of their digests, which does not depend on their order."""

    rows: int
    digest: int


def row_set(rows: t.Iterable[bytes]) -> RowSet:
    """Return the set of *rows*, the text of one row each."""
    count = total = 0
    for row in rows:
        count += 1
        total += int.from_bytes(hashlib.blake2b(row, digest_size=_DIGEST_BYTES).digest(), "big")
    return RowSet(count, total % (1 << 8 * _DIGEST_BYTES))


def rows_of_table(paths: t.Iterable[str]) -> t.Iterator[bytes]:
    """Return the rows in the data files of one table, one a line.

    :param paths: without the suffix of their compression
    """
    for path in paths:
        for line in lines_of(path):
            # MyDumper 1 writes the first row after VALUES, and the comma before the next ones.
            head = _INSERT.match(line)
            row = line[head.end() if head else 0 :].lstrip(b",")
            if row.startswith(b"("):
                # Others write the comma or semicolon after the row.
                yield row.rstrip(b",;")


def lines_of(path: str) -> t.Iterator[bytes]:
    """Return the lines of a file, compressed or not, without their line ends."""
    rest = b""
    for chunk in chunks_of_file(path):
        *lines, rest = (rest + chunk).split(b"\n") if b"\n" in chunk else (rest + chunk,)
        yield from lines
    if rest:
        yield rest


def chunks_of_file(path: str) -> t.Iterator[bytes]:
    """Return the content of a file, compressed or not, in chunks.

    :param path: without the suffix of its compression
    """
    kind = next((kind for kind, suffix in SUFFIXES.items() if suffix and os.path.exists(path + suffix)), None)
    with contextlib.ExitStack() as stack:
        if kind is None:
            yield from read_blocks(stack.enter_context(open(path, "rb")))
        else:
            folder, name = os.path.split(path + SUFFIXES[kind])
            yield from stack.enter_context(Compressor(kind).start_decompression(folder, [name])).output()
