# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""mysqldump, for the databases that MyDumper 0.10 cannot dump so that they can be restored. Pure functions.

Observed with MyDumper 0.10.1:

- It leaves out invisible columns and the history of system-versioned tables, without a message.
- On MySQL it leaves out columns whose default is an expression: it mistakes ``DEFAULT_GENERATED`` for ``GENERATED``.
- Names with a quote or a backtick end in SQL errors.
- Names with a slash, a dot or ``-schema`` collide with file names that have another meaning.
- On MySQL it does not find a database whose name is not ASCII.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.server import BinlogPosition, Objects
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, Version

_UNSAFE_IN_NAME = re.compile(r"[`'/.\\\x00-\x1f]|-schema|-checksum|-metadata")
# File names are limited to 255 bytes; MyDumper appends up to `-schema-triggers.sql.gz`.
_LONGEST_FILE_NAME = 225
# The last line only: the text of a view may contain such a line too.
_COMPLETE = re.compile(r"^-- Dump completed.*\s*\Z", re.MULTILINE)
_SOURCE = re.compile(r"^-- CHANGE .*?_LOG_FILE='(?P<file>[^']*)', \w+_LOG_POS=(?P<position>\d+)", re.MULTILINE)


def reason_for_mysqldump(version: Version, product: str, database: str, objects: Objects) -> str:
    """Return the reason why mysqldump must dump a database, an empty text if this MyDumper can.

    :param product: the server's: ``mysql`` or ``mariadb``
    """
    if version.generation != LEGACY:
        return ""
    # MyDumper selects the database in a session with the character set binary. Only MariaDB accepts the name then.
    not_found = product == "mysql" and not database.isascii()
    for name in (database, *objects.tables, *objects.views):
        if not_found or _UNSAFE_IN_NAME.search(name):
            return f"the name {name!r}"
    for name in (*objects.tables, *objects.views):
        if len(f"{database}.{name}".encode()) > _LONGEST_FILE_NAME:
            return f"the length of the name {name!r}"
    if objects.odd_columns:
        return f"the column {objects.odd_columns[0]!r} (invisible, with an expression as default, or a backtick)"
    if objects.versioned:
        return f"the history of {objects.versioned[0]}"
    return ""


class Tool(t.NamedTuple):
    """A mysqldump: its path, its version line, its maker, and the options that not every release has."""

    path: str
    text: str
    mariadb: bool
    history: bool
    source_data: bool


def parse_tool(path: str, version_output: str, help_output: str) -> Tool:
    """Distinguish MariaDB's mysqldump from MySQL's by its ``--version`` and ``--help``."""
    return Tool(
        path,
        version_output.strip(),
        mariadb="MariaDB" in version_output,
        history="--dump-history" in help_output,
        source_data="--source-data" in help_output,
    )


def arguments(tool: Tool, *, option_file: str, database: str, output: str, binlog_position: bool) -> t.List[str]:
    """Return the arguments that write a database's tables and views to *output*, without the program's name.

    mysqldump writes no stored programs: it fails on databases with a quote in their name. It takes no locks:
    it would also lock views, and fail on a view whose definer does not exist.

    :param binlog_position: whether to write the binlog position as a comment
    """
    argv = [
        f"--defaults-file={option_file}",
        "--default-character-set=utf8mb4",
        "--single-transaction",
        "--no-tablespaces",
        "--hex-blob",
        "--skip-triggers",
        f"--result-file={output}",
    ]
    if tool.history:
        argv.append("--dump-history")
    if not tool.mariadb:
        # By default, the restore would rewrite the server's GTID state, and the statistics fail on MariaDB servers.
        argv += ["--set-gtid-purged=OFF", "--column-statistics=0"]
    if binlog_position:
        argv.append("--source-data=2" if tool.source_data else "--master-data=2")
    return [*argv, "--databases", "--", database]


def parse_binlog_position(first_lines: str) -> t.Optional[BinlogPosition]:
    """Read the binlog position, a comment in the first lines of mysqldump's output."""
    found = _SOURCE.search(first_lines)
    return BinlogPosition(found["file"], found["position"], "") if found else None


def failures(returncode: int, stderr: str, last_lines: str) -> t.List[str]:
    """Return the reasons why the output is not complete, an empty list if it is.

    :param last_lines: the end of the output, which is ``-- Dump completed``
    """
    found = [line for line in stderr.splitlines() if line.strip()] if returncode != 0 else []
    if returncode != 0 and not found:
        found = [f"mysqldump exited with {returncode} and printed no reason"]
    if not found and not _COMPLETE.search(last_lines):
        found = ["the output of mysqldump does not end with 'Dump completed'"]
    return found
