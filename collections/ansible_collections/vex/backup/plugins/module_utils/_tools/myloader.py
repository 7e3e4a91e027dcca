# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""myloader: its version decides the arguments, what it says decides how it ended. Pure functions.

Its exit status alone lies, as MyDumper's does: 0.10 exits with 0 after some failures.
"""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, Version, parse_log

# Of some 1 MB each, as MyDumper 0.10 writes them. By itself its loader takes a thousand, a whole file, which fills the
# server's binary log cache over and over: measured, it takes a tenth more time.
_STATEMENTS_A_TRANSACTION = 8


class Load(t.NamedTuple):
    """One myloader process's work: a folder that MyDumper filled, into the database *target* where it has one.

    ``source`` and ``table`` restrict it; MyDumper 0.10's files are chosen by their names instead.
    """

    directory: str
    defaults_file: str
    threads: int
    binlog: bool
    target: t.Optional[str] = None
    source: t.Optional[str] = None
    table: t.Optional[str] = None


def arguments(version: Version, load: Load) -> t.List[str]:
    """The arguments of one myloader process, program name excluded, no secret included."""
    argv = [
        f"--defaults-file={load.defaults_file}",
        f"--directory={load.directory}",
        f"--threads={load.threads}",
        "--verbose=2",
    ]
    if load.binlog:
        argv.append("--enable-binlog")
    if load.target is not None:
        argv.append(f"--database={load.target}")
    if version.generation == LEGACY:
        argv.append(f"--queries-per-transaction={_STATEMENTS_A_TRANSACTION}")
    else:
        if load.source is not None:
            argv.append(f"--source-db={load.source}")
        if load.table is not None:
            argv.append(f"--tables-list={load.source}.{load.table}")
    return argv


def failures(returncode: int, stderr: str) -> t.List[str]:
    """Why what it loaded is not whole, an empty list when it may be."""
    found = [
        line.message.strip() for line in parse_log(stderr) if line.level in ("ERROR", "CRITICAL") or line.cancelled
    ]
    if returncode != 0 and not found:
        found = [f"myloader exited with {returncode}: {stderr.strip()[-1000:] or 'it said nothing of why'}"]
    return found
