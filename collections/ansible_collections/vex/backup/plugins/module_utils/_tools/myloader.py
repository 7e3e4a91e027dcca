# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""myloader: the arguments for each version, and the failures that its output reports. Pure functions.

Its exit status cannot be trusted alone: 0.10 exits with 0 after some failures.
"""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, Version
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper_log import parse_log

# MyDumper 0.10 writes statements of about 1 MB each. By default its loader puts a thousand of them, a whole file, into
# one transaction, which fills the server's binary log cache again and again: measured, that takes a tenth more time.
_STATEMENTS_PER_TRANSACTION = 8


class Load(t.NamedTuple):
    """The work of one myloader process.

    ``directory`` is MyDumper's output directory, ``target`` the database to load into, ``None`` for the dumped names.
    ``source`` and ``table`` restrict the work; for MyDumper 0.10, files are selected by their names instead.
    """

    directory: str
    defaults_file: str
    threads: int
    binlog: bool
    target: t.Optional[str] = None
    source: t.Optional[str] = None
    table: t.Optional[str] = None


def arguments(version: Version, load: Load) -> t.List[str]:
    """Return the arguments of one myloader process, without the program's name and without secrets."""
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
        argv.append(f"--queries-per-transaction={_STATEMENTS_PER_TRANSACTION}")
    else:
        if load.source is not None:
            argv.append(f"--source-db={load.source}")
        if load.table is not None:
            argv.append(f"--tables-list={load.source}.{load.table}")
    return argv


def failures(returncode: int, stderr: str) -> t.List[str]:
    """Return the reasons why the loaded data is not complete, an empty list if myloader reports none."""
    found = [line.message.strip() for line in parse_log(stderr) if line.is_error or line.cancelled]
    if returncode != 0 and not found:
        found = [f"myloader exited with {returncode}: {stderr.strip()[-1000:] or 'it printed no reason'}"]
    return found
