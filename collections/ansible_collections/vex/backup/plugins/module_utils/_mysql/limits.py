# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of a server that limit what it takes, and that no session can change."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.server import server_errors

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

# MEMORY tables have a limit that a session can change, but a load does not know how large they are.
HEAP = "max_heap_table_size"
PACKET = "max_allowed_packet"
PAGE = "innodb_page_size"
# Any server's max_allowed_packet is at most 1 GiB, in steps of 1 KiB.
MOST_PACKET_BYTES = 1024 * 1024 * 1024
_STEP = 1024
# MyDumper's own default: a server that accepts 1 MiB takes such statements.
_STATEMENT_BYTES = 1_000_000
LIMITS = (
    PACKET,
    HEAP,
    PAGE,
    "innodb_default_row_format",
    "innodb_file_per_table",
    "innodb_force_primary_key",
    "innodb_read_only_compressed",
    "disabled_storage_engines",
)
# A server of its own for a proof does not have these.
STATES = (
    "super_read_only",
    "innodb_read_only",
    "innodb_encrypt_tables",
    "mysql56_temporal_format",
    "secure_timestamp",
)


def read_limits(connection: Connection[Cursor], names: t.Iterable[str] = LIMITS) -> t.Dict[str, str]:
    """Return the settings that the server has, by name.

    :raises ServerUnavailable: when the server stops answering
    """
    listed = ", ".join(f"'{name}'" for name in names)
    with server_errors(), connection.cursor() as cursor:
        cursor.execute(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({listed})")
        return {name.lower(): value for name, value in cursor.fetchall()}


def statement_bytes(packet_bytes: int) -> int:
    """Return how long a dump's statements of several rows shall be, so that the dumped server takes them back."""
    return min(_STATEMENT_BYTES, packet_bytes // 2)


def packet_for(size: int) -> int:
    """Return the least ``max_allowed_packet`` with which a server accepts a statement of *size* bytes."""
    # A byte for the command comes before it, and the packet must be shorter than the limit (tried on each product).
    return -(-(size + 2) // _STEP) * _STEP
