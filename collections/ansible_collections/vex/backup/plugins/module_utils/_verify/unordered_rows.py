# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of a table whatever their order: a server may give back in another order what has no primary key."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import read_blocks
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import INSERT
from ansible_collections.vex.backup.plugins.module_utils._tools.compressors import SUFFIXES

_DIGEST_BYTES = 16
_ROW = re.compile(rb"\((?:[^'()]|'(?:[^'\\]|\\.|'')*')*\)", re.DOTALL)


class RowSet(t.NamedTuple):
    """How many rows, and the sum of their digests: the same for the same rows in any order."""

    rows: int
    digest: int


def row_set(rows: t.Iterable[bytes]) -> RowSet:
    """The set of *rows*, each of them the text of one."""
    count = total = 0
    for row in rows:
        count += 1
        total += int.from_bytes(hashlib.blake2b(row, digest_size=_DIGEST_BYTES).digest(), "big")
    return RowSet(count, total % (1 << 8 * _DIGEST_BYTES))


def rows_of_table(paths: t.Iterable[str]) -> t.Iterator[bytes]:
    """The rows in MyDumper's data files of one table.

    :param paths: as they were before compression; what is there may be compressed
    """
    for path in paths:
        for line in lines_of(path):
            start = line.find(b"VALUES(") + len(b"VALUES") if line.startswith(b"INSERT INTO") else 0
            row = line[start:].lstrip(b",")
            if row.startswith(b"("):
                # Behind a row of 0.10 comes what joins it to the next, or ends the statement.
                yield row.rstrip(b",;")


def rows_of_script(path: str, table: str) -> t.Iterator[bytes]:
    """The rows of *table* in a script by mysqldump."""
    inside = False
    for line in lines_of(path):
        found = None if inside else INSERT.match(line)
        if found:
            inside = found[1].replace(b"``", b"`").decode("utf-8", "surrogateescape") == table
        if inside:
            yield from (row[0] for row in _ROW.finditer(line, found.end() if found else 0))
            inside = not line.endswith(b";")


def lines_of(path: str) -> t.Iterator[bytes]:
    """The lines of a file, without their ends, whether it is compressed or not."""
    rest = b""
    for piece in pieces_of_file(path):
        *lines, rest = (rest + piece).split(b"\n") if b"\n" in piece else (rest + piece,)
        yield from lines
    if rest:
        yield rest


def pieces_of_file(path: str) -> t.Iterator[bytes]:
    """What a file holds, whether it is compressed or not.

    :param path: as it was before compression
    """
    kind = next((kind for kind, suffix in SUFFIXES.items() if suffix and os.path.exists(path + suffix)), None)
    with contextlib.ExitStack() as stack:
        if kind is None:
            yield from read_blocks(stack.enter_context(open(path, "rb")))
        else:
            folder, name = os.path.split(path + SUFFIXES[kind])
            yield from stack.enter_context(Compressor(kind).start_decompression(folder, [name])).output()
