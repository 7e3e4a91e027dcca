# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dumps of the tables that MyDumper cannot dump exactly, by the server's client."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.safe_name import short_name
from ansible_collections.vex.backup.plugins.module_utils._dump.client_session import ClientSession
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.limits import statement_bytes
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Table
from ansible_collections.vex.backup.plugins.module_utils._tools.exact_rows import TOO_LONG, insert_head, select

EXACT = "exact"
_FILE_BYTES = 64 * 1024 * 1024
_LONGEST_STEM = 150
# The server's own number for this: ER_WARN_ALLOWED_PACKET_OVERFLOWED.
_RESULT_TOO_LONG = 1301


def dump_exactly(
    session: ClientSession, database: str, table: Table, folder: str, packet_bytes: int
) -> t.Iterator[str]:
    """Write the rows of a table into files below *folder*; return the path of each that is complete.

    :param folder: of the database; it exists
    :param packet_bytes: the server's ``max_allowed_packet``
    :raises DumpFailed: when the client ends before, or a value is longer than the server can print
    """
    if not table.has_own_rows:
        return
    os.makedirs(os.path.join(folder, EXACT), 0o700, exist_ok=True)
    statements = _statements(session, database, table, packet_bytes)
    stem = short_name(table.name, _LONGEST_STEM)
    first = next(statements, b"")
    number = 0
    while first:
        path = os.path.join(folder, EXACT, f"{stem}.{number:05d}.sql")
        first = _write_file(path, first, statements)
        yield path
        number += 1


def _write_file(path: str, first: bytes, statements: t.Iterator[bytes]) -> bytes:
    """Write statements into a new file until it is large; return the statement that begins the next one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as stream:
        stream.write(first)
        size = len(first)
        for statement in statements:
            if size + len(statement) > _FILE_BYTES:
                return statement
            stream.write(statement)
            size += len(statement)
    return b""


def _statements(session: ClientSession, database: str, table: Table, packet_bytes: int) -> t.Iterator[bytes]:
    head = insert_head(table).encode("utf-8", "surrogateescape")
    rows: t.List[bytes] = []
    size = 0
    most = statement_bytes(packet_bytes)
    for block in session.output(select(database, table, packet_bytes)):
        text = block.replace(b"\t", b"")
        if TOO_LONG.encode() in text:
            failure = DumpFailed(
                f"a value is longer than the server's max_allowed_packet, {packet_bytes} bytes, so the server cannot "
                "print it: raise max_allowed_packet"
            )
            failure.number = _RESULT_TOO_LONG
            raise failure
        if size and size + len(text) > most:
            yield _statement(head, rows)
            rows, size = [], 0
        rows.append(text)
        size += len(text)
    if size:
        yield _statement(head, rows)


def _statement(head: bytes, rows: t.Sequence[bytes]) -> bytes:
    # No literal contains a line end, so each one stands between two rows.
    return head + b"".join(rows)[:-1].replace(b"\n", b",\n") + b";\n"
