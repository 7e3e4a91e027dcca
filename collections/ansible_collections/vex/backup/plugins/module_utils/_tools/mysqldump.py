# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""mysqldump, for the databases that MyDumper 0.10.x cannot bring back.

Seen with 0.10.1: invisible columns and the history of system-versioned tables are left out without a word, and so, on
MySQL, is every column whose default is an expression (``DEFAULT_GENERATED`` is taken for ``GENERATED``); names with a
quote or a backtick end in SQL errors; names with a slash, a dot or ``-schema`` meet file names that mean something
else; on MySQL a database whose name is not ASCII is not found. Pure functions.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Objects
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, Coordinates, Version

_UNSAFE_IN_NAME = re.compile(r"[`'/.\\\x00-\x1f]|-schema|-checksum|-metadata")
# File systems end at 255 bytes; MyDumper appends up to `-schema-triggers.sql.gz`.
_LONGEST_FILE_NAME = 225
# The last line: the text of a view may hold such a line too.
_COMPLETE = re.compile(r"^-- Dump completed.*\s*\Z", re.MULTILINE)
_SOURCE = re.compile(r"^-- CHANGE .*?_LOG_FILE='(?P<file>[^']*)', \w+_LOG_POS=(?P<position>\d+)", re.MULTILINE)


def reason_for_mysqldump(version: Version, product: str, database: str, objects: Objects) -> str:
    """Why this MyDumper must not dump this database, or an empty text when it may.

    :param product: the server's: ``mysql`` or ``mariadb``
    """
    if version.generation != LEGACY:
        return ""
    # It chooses the database in a session of the character set binary, from which only MariaDB takes it as it is.
    lost = product == "mysql" and not database.isascii()
    for name in (database, *objects.tables, *objects.views):
        if lost or _UNSAFE_IN_NAME.search(name):
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
    """A mysqldump: its path, whether it is MariaDB's, and those of its options that not all have."""

    path: str
    text: str
    mariadb: bool
    history: bool
    source_data: bool


def parse_tool(path: str, version_output: str, help_output: str) -> Tool:
    """Tell MariaDB's mysqldump from MySQL's by ``--version`` and ``--help``."""
    return Tool(
        path,
        version_output.strip(),
        mariadb="MariaDB" in version_output,
        history="--dump-history" in help_output,
        source_data="--source-data" in help_output,
    )


def arguments(tool: Tool, *, defaults_file: str, database: str, output: str, coordinates: bool) -> t.List[str]:
    """The arguments that write a database's tables and views to *output*; program name excluded.

    Stored programs are not its business: it fails on those of databases with a quote in their name. Nor are locks:
    it would take them on views too, and fail on one whose definer is gone.
    """
    argv = [
        f"--defaults-file={defaults_file}",
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
        # The first would make the restore rewrite the server's GTID state, the second fails on MariaDB servers.
        argv += ["--set-gtid-purged=OFF", "--column-statistics=0"]
    if coordinates:
        argv.append("--source-data=2" if tool.source_data else "--master-data=2")
    return [*argv, "--databases", "--", database]


def parse_coordinates(first_lines: str) -> t.Optional[Coordinates]:
    """The binary log's coordinates that mysqldump wrote, as a comment, at the head of its output."""
    found = _SOURCE.search(first_lines)
    return Coordinates(found["file"], found["position"], "") if found else None


def failures(returncode: int, stderr: str, last_lines: str) -> t.List[str]:
    """Why its output is not whole, an empty list when it is.

    :param last_lines: the end of what it wrote, where it says ``-- Dump completed``
    """
    found = [line for line in stderr.splitlines() if line.strip()] if returncode != 0 else []
    if returncode != 0 and not found:
        found = [f"mysqldump exited with {returncode} and said nothing of why"]
    if not found and not _COMPLETE.search(last_lines):
        found = ["the output of mysqldump does not end with 'Dump completed'"]
    return found
