# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""MyDumper 0.20 and later. Every statement about its behaviour was observed with 1.0.1, or read in its source."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Table
from ansible_collections.vex.backup.plugins.module_utils._tools.dump_driver import (
    HARMLESS,
    MODERN,
    Dump,
    common_arguments,
)


class MyDumper1:
    """The driver of MyDumper 0.20 and later."""

    generation = MODERN
    snapshots_exist = re.compile(r"Transactions started, unlocking tables")
    harmless = (
        re.compile(r"Using --trx-tables options?, binlog coordinates will not be accurate"),
        *HARMLESS,
    )

    def arguments(self, dump: Dump) -> t.List[str]:
        """Return the arguments of a process.

        It takes no lock: the caller holds it. It splits no table by the values of a key: it mistakes a failed query
        for the limits of a part for a part without rows. The size of a file limits the parts instead.
        """
        return [
            *common_arguments(dump),
            f"--database={','.join(dump.databases)}",
            "--check-row-count",
            "--rows=-1",
            "--sync-thread-lock-mode=SAFE_NO_LOCK",
            # Distributions build servers whose version it does not recognise.
            f"--server-version={dump.product}-{dump.server_version}",
        ]

    def trial_arguments(self, product: str, server_version: str) -> t.List[str]:
        """Return the further arguments of a process that only logs in."""
        return ["--sync-thread-lock-mode=NO_LOCK", f"--server-version={product}-{server_version}"]

    def reason_against(self, _product: str, _table: Table) -> str:
        """Return an empty text: it dumps every plain table exactly."""
        return ""

    def reason_against_instance(self, _product: str, _databases: t.Sequence[str]) -> str:
        """Return an empty text: it reads only the databases that it gets."""
        return ""

    def final_names(self, closed: t.Iterable[str]) -> t.List[str]:
        """Return all: it renames no file."""
        return list(closed)
