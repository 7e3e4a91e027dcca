# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""MyDumper 0.10. Every statement about its behaviour was observed with 0.10.1 unless another source is given."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Table
from ansible_collections.vex.backup.plugins.module_utils._tools.dump_driver import (
    HARMLESS,
    LEGACY,
    Dump,
    common_arguments,
)

# MyDumper 0.10 searches the whole path of a file for this text to recognise the first chunk of a table.
FIRST_CHUNK = ".00001.sql"
_SECOND_CHUNK = ".00002.sql"


class MyDumper010:
    """The driver of MyDumper 0.10."""

    generation = LEGACY
    # It starts its threads one after the other, each with its snapshot, and gives them work when all have started.
    snapshots_exist = re.compile(r"Thread \d+ dumping |Finished dump at")
    harmless = (
        # The caller holds the lock that makes the snapshots consistent.
        re.compile(r"Executing in no-locks mode"),
        *HARMLESS,
    )

    def arguments(self, dump: Dump) -> t.List[str]:
        """Return the arguments of a process. It takes no lock: the caller holds it."""
        # Its threads add the tables of several databases to one list at the same time, and GLib warns that this list
        # may be wrong then: "Accessing a sequence while it is being sorted or searched is not allowed".
        threads = dump.threads if len(dump.databases) == 1 else 1
        return [
            *common_arguments(dump._replace(threads=threads)),
            *([f"--database={dump.databases[0]}"] if len(dump.databases) == 1 else []),
            "--no-locks",
        ]

    def trial_arguments(self, _product: str, _server_version: str) -> t.List[str]:
        """Return the further arguments of a process that only logs in."""
        return ["--no-locks"]

    def reason_against(self, product: str, table: Table) -> str:
        """Return why it cannot dump a table: it leaves out a column without a message, or changes their order."""
        for column in table.stored:
            if column.is_invisible:
                return f"the invisible column {column.name!r}"
            # It mistakes DEFAULT_GENERATED, as in DEFAULT CURRENT_TIMESTAMP, for a computed column.
            if product == "mysql" and "DEFAULT_GENERATED" in column.extra:
                return f"the expression that is the default of the column {column.name!r}"
        computed = next((column for column in table.columns if column.is_generated), None)
        if product == "mysql" and computed is not None:
            # It names the columns in the order in which the server happens to list them, so two dumps of the same rows
            # differ.
            return f"the computed column {computed.name!r}"
        return ""

    def reason_against_instance(self, product: str, databases: t.Sequence[str]) -> str:
        """Return why it cannot dump several databases: on MySQL it fails at a name that is not ASCII, dumped or not."""
        odd = next((name for name in databases if not name.isascii()), None)
        return f"the name of the database {odd!r}" if product == "mysql" and odd is not None else ""

    def final_names(self, closed: t.Iterable[str]) -> t.List[str]:
        """Return all but the first chunks without a second one.

        It removes the number from a table's only chunk after it has closed it (from the system calls of 0.10.1).
        """
        names = set(closed)
        only = {name for name in names if name.endswith(FIRST_CHUNK) and _second(name) not in names}
        return list(names - only)


def _second(first_chunk: str) -> str:
    return first_chunk[: -len(FIRST_CHUNK)] + _SECOND_CHUNK
