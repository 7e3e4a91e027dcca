# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The interface of a driver for one generation of MyDumper, and the work that it gets. Pure functions implement it."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql import column_types
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Column, Table

_CHUNK_MIB = 64

LEGACY = "0.10"
MODERN = "0.20"

# Names that no MyDumper gives an alias, quotes wrongly, or mistakes for another kind of file.
_PLAIN_NAME = r"(?!mydumper_|[A-Za-z0-9_-]*-(?:schema|checksum|metadata))[A-Za-z0-9_-]+"
_PLAIN = re.compile(_PLAIN_NAME)
_EMPTY_MEMBER = re.compile(r"[(,]''[,)]")
_DIGITS = re.compile(r"double\((\d+),")
_MOST_DIGITS = 65
# File names are limited to 255 bytes; MyDumper appends the numbers of chunks and a suffix.
_LONGEST_NAMES = 220
# Warnings of complete dumps, of both generations.
HARMLESS = (
    # The row is complete, in a statement of its own.
    re.compile(r"Row bigger than statement_size for "),
    # A view that cannot be used, which MyDumper does not dump. The client dumps broken tables, and reports them.
    re.compile(r"Broken table detected, please review: "),
)
# The types whose values both generations write so that they come back as they were.
_EXACT_TYPES = (
    column_types.EXACT_NUMBERS
    | {column_types.DOUBLE, column_types.BIT, column_types.JSON}
    | column_types.TIMES
    | column_types.CHOICES
    | column_types.TEXTS
    | column_types.BINARIES
    | column_types.SPATIAL
)


class Dump(t.NamedTuple):
    """The work of one MyDumper process: the rows of plain tables.

    ``databases`` are their names. ``output`` is a directory that does not exist yet; ``log``, ``option_file`` and
    ``omitted``, a file with the tables to leave out, are paths. ``product`` is ``mysql`` or ``mariadb``;
    ``server_version`` is numeric, ``9.7.4``. ``statement_bytes`` is the length of a statement with several rows.
    """

    databases: t.Sequence[str]
    output: str
    log: str
    option_file: str
    omitted: str
    threads: int
    product: str
    server_version: str
    statement_bytes: int


class Driver(t.Protocol):
    """One generation of MyDumper."""

    @property
    def generation(self) -> str:
        """:data:`LEGACY` or :data:`MODERN`."""

    @property
    def snapshots_exist(self) -> t.Pattern[str]:
        """A line of the log after which every thread has its snapshot."""

    @property
    def harmless(self) -> t.Sequence[t.Pattern[str]]:
        """The warnings of complete dumps."""

    def arguments(self, dump: Dump) -> t.List[str]:
        """Return the arguments of a process, without the program's name and without secrets."""

    def trial_arguments(self, product: str, server_version: str) -> t.List[str]:
        """Return the further arguments of a process that only logs in: it takes no lock."""

    def reason_against(self, product: str, table: Table) -> str:
        """Return why this generation cannot dump a table with plain names and types exactly, empty if it can.

        :param product: the server's
        """

    def reason_against_instance(self, product: str, databases: t.Sequence[str]) -> str:
        """Return why one process cannot dump several databases of a server with *databases*, empty if it can."""

    def final_names(self, closed: t.Iterable[str]) -> t.List[str]:
        """Return the files among *closed*, which it has written and closed, that it does not rename any more."""


def common_arguments(dump: Dump) -> t.List[str]:
    """Return the arguments that both generations get, without those for databases and locks."""
    return [
        f"--defaults-file={dump.option_file}",
        f"--outputdir={dump.output}",
        f"--logfile={dump.log}",
        f"--threads={dump.threads}",
        "--verbose=3",
        f"--regex={plain_tables_regex(dump.databases)}",
        f"--omit-from-file={dump.omitted}",
        "--no-schemas",
        "--no-views",
        # Without it, 0.10 names no columns in the statement of some last rows, and 1.x leaves out invisible ones.
        "--complete-insert",
        # The next file begins when one is full, so each row is read once, as without this option.
        f"--chunk-filesize={_CHUNK_MIB}",
        f"--statement-size={dump.statement_bytes}",
    ]


def plain_tables_regex(databases: t.Sequence[str]) -> str:
    """Return a PCRE for MyDumper, which matches it against ``database.table``: tables with plain names."""
    # MyDumper compiles it caseless and multi-line, where ^ also matches after a line break within a name.
    return rf"\A(?-i:(?:{'|'.join(databases)})\.{_PLAIN_NAME})\z"


def is_plain(name: str) -> bool:
    """Return whether MyDumper handles a name of a database, table or column like any other."""
    return _PLAIN.fullmatch(name) is not None


def reason_against_any(database: str, table: Table) -> str:
    """Return why no MyDumper can dump a table exactly, empty if one can."""
    names = (database, table.name, *(column.name for column in table.columns))
    odd_name = next((name for name in names if not is_plain(name)), None)
    odd_column = next((column for column in table.stored if not _is_exact(column)), None)
    checks = (
        (odd_name is not None, f"the name {odd_name!r}"),
        (len(database) + len(table.name) > _LONGEST_NAMES, f"the length of the name {table.name!r}"),
        (not table.has_own_rows, "no rows of its own"),
        (not table.is_transactional, f"the engine {table.engine or 'without a name'}"),
        (table.is_versioned, "the history of its rows"),
        (odd_column is not None, f"the {odd_column.type.upper()} column {odd_column.name!r}" if odd_column else ""),
        (not table.stored, "no column that is not computed"),
    )
    return next((reason for applies, reason in checks if applies), "")


def _is_exact(column: Column) -> bool:
    """Return whether MyDumper writes a column's values so that they come back as they were."""
    if column.type == column_types.DOUBLE:
        # It writes a number of fixed places as a DECIMAL, which may have fewer digits.
        fixed = _DIGITS.match(column.definition)
        return fixed is None or int(fixed[1]) <= _MOST_DIGITS
    if column.type in column_types.CHOICES:
        # It writes the number 0, which stands for no member, like a member that is an empty text. It writes the texts
        # of members, and the definition may have others.
        return _EMPTY_MEMBER.search(column.definition) is None and not column.may_hide_members
    return column.type in _EXACT_TYPES
