# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""MyDumper: the arguments for each version, and the outcome of a dump from its log, its metadata and its files.

Pure functions. MyDumper's exit status cannot be trusted alone: it is 0 after SIGTERM with 5 % of the data, and 1 for
complete dumps with a warning.
"""

from __future__ import annotations

import collections
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR, SUCCESS, WARNING
from ansible_collections.vex.backup.plugins.module_utils._errors import ProgramMissing
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import BinlogPosition, TableNames
from ansible_collections.vex.backup.plugins.module_utils._tools import mydumper_0_10
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper_log import Line, parse_log

LEGACY = "0.10"
MODERN = "0.20"

# MyDumper prints it for every dump with --trx-tables, the default. Tables without transactions switch that off.
HARMLESS_WARNINGS = (re.compile(r"Using --trx-tables options?, binlog coordinates will not be accurate"),)
NO_POSITION_WARNING = "the server writes a binary log, but the dump has no binlog position"
NO_POSITION = re.compile(r"Couldn't get (?:master|source|binlog) position")

_VERSION = re.compile(r"my(?:dump|load)er\S*\s+v?(\d+)\.(\d+)\.(\d+)")
_FINISHED = re.compile(r"(?:dump finished|finished dump)\b", re.IGNORECASE)
_FINISHED_METADATA = re.compile(r"^(?:# )?Finished dump at:", re.MULTILINE)
_SOURCE_SECTION = re.compile(r"^\[(?:source|master)\]\n(?P<body>(?:(?!\[).*\n?)*)", re.MULTILINE)
_SETTING = re.compile(r"^[# \t]*(?P<key>\w+)[ \t]*=[ \t]*\"?(?P<value>.*?)\"?[ \t]*$", re.MULTILINE)
_RECORDED_TABLE = re.compile(r"^real_table_name=(.*)$", re.MULTILINE)


class Version(t.NamedTuple):
    """A supported MyDumper.

    ``text`` is ``1.0.1``; ``generation`` is :data:`LEGACY` (0.10.x) or :data:`MODERN` (0.20 and later).
    """

    text: str
    generation: str


class Dump(t.NamedTuple):
    """The work of one MyDumper process.

    ``databases`` holds one name, or all names of the snapshot. ``output`` is a directory that does not exist yet,
    ``log`` and ``option_file`` are paths. ``long_query_guard`` is in seconds. ``product`` is ``mysql`` or ``mariadb``;
    ``server_version`` is numeric, ``9.7.4``.
    """

    databases: t.Sequence[str]
    output: str
    log: str
    option_file: str
    threads: int
    long_query_guard: int
    product: str
    server_version: str
    routines: bool
    events: bool
    triggers: bool
    non_transactional_tables: bool


class Evidence(t.NamedTuple):
    """The traces of one MyDumper process after its end.

    ``returncode`` is negative (or above 128) for death by a signal. ``log`` is its log file and standard error,
    ``metadata`` the text of that file or ``None``; ``unfinished_metadata`` is true when ``metadata.partial`` exists.
    ``missing_schemas`` names the tables without a schema file.
    """

    returncode: int
    log: str
    metadata: t.Optional[str]
    unfinished_metadata: bool
    binlog_enabled: bool
    missing_schemas: t.Sequence[str] = ()
    generation: str = MODERN


class Outcome(t.NamedTuple):
    """The outcome of one MyDumper process: a status of ``_common/status.py`` and the messages that explain it."""

    status: int
    warnings: t.List[str]
    errors: t.List[str]


def parse_version(output: str) -> Version:
    """Read ``mydumper --version`` or ``myloader --version``.

    :raises ProgramMissing: for a version whose options this collection does not know (0.11 to 0.19, and before 0.10)
    """
    found = _VERSION.search(output)
    if not found:
        raise ProgramMissing(
            f"mydumper --version printed {output.strip()[:200]!r}, which holds no version; "
            "install MyDumper 0.10.x, or 0.20 or later"
        )
    major, minor, _patch = (int(part) for part in found.groups())
    text = ".".join(found.groups())
    if (major, minor) == (0, 10):
        return Version(text, LEGACY)
    if (major, minor) >= (0, 20):
        return Version(text, MODERN)
    raise ProgramMissing(
        f"mydumper {text} is not supported: its options differ from those before and after; "
        "install 0.10.x, or 0.20 or later"
    )


def arguments(version: Version, dump: Dump) -> t.List[str]:
    """Return the arguments of one MyDumper process, without the program's name and without secrets."""
    argv = [
        f"--defaults-file={dump.option_file}",
        f"--outputdir={dump.output}",
        f"--logfile={dump.log}",
        f"--threads={dump.threads}",
        f"--long-query-guard={dump.long_query_guard}",
        "--verbose=3",
    ]
    if len(dump.databases) == 1 and (version.generation == LEGACY or "," not in dump.databases[0]):
        argv.append(f"--database={dump.databases[0]}")
    else:
        argv.append(f"--regex={databases_regex(dump.databases)}")
    if version.generation == LEGACY:
        # No routines, events and triggers: 0.10 writes them so that they cannot be restored. See
        # _dump/stored_programs.py.
        return [*argv, *mydumper_0_10.arguments(version.text)]
    wanted = {"routines": dump.routines, "events": dump.events, "triggers": dump.triggers}
    argv += [f"--{option}" for option, value in wanted.items() if value]
    argv.append(f"--server-version={dump.product}-{dump.server_version}")
    if dump.non_transactional_tables:
        argv.append("--trx-tables=0")
    return argv


def environment() -> t.Dict[str, str]:
    """Return the environment variables with which MyDumper accepts names that are not ASCII as arguments.

    0.10.x uses GLib's ``CHARSET``, 1.x the locale (observed with 0.10.1 and 1.0.1).
    """
    return {"CHARSET": "UTF-8", "LC_ALL": "C.UTF-8"}


def session_variables(version: Version, product: str, server_version: str) -> t.Dict[str, str]:
    """Return the session variables that MyDumper must set.

    1.0.1 crashes on MySQL 9 while ``explain_format`` is TREE. 0.10.x cannot set variables and need not.
    """
    if version.generation == MODERN and product == "mysql" and int(server_version.split(".", maxsplit=1)[0]) >= 9:
        return {"explain_format": "TRADITIONAL"}
    return {}


def databases_regex(databases: t.Sequence[str]) -> str:
    """Return a PCRE for MyDumper, which matches it against ``database.table``, true for exactly these databases."""
    escaped = ("".join(c if c.isalnum() or c == "_" or ord(c) > 127 else f"\\{c}" for c in name) for name in databases)
    # MyDumper compiles it caseless and multi-line, where ^ also matches after a line break within a name.
    return f"\\A(?-i:{'|'.join(escaped)})\\."


def parse_binlog_position(metadata: str) -> t.Optional[BinlogPosition]:
    """Read the binlog position from ``metadata`` of either generation, ``None`` if it has none.

    This is the position of the server itself: on a replica, ``metadata`` also holds its source's position.
    """
    legacy = mydumper_0_10.parse_binlog_position(metadata)
    if legacy:
        return legacy
    section = _SOURCE_SECTION.search(metadata)
    values = {found["key"].lower(): found["value"] for found in _SETTING.finditer(section["body"] if section else "")}
    file = values.get("source_log_file") or values.get("file")
    position = values.get("source_log_pos") or values.get("position")
    if not file or not position:
        return None
    return BinlogPosition(file, position, values.get("executed_gtid_set", ""))


def missing_schemas(
    version: Version, expected: t.Mapping[str, TableNames], files: t.Iterable[str], metadata: str
) -> t.List[str]:
    """Return the tables and views that have no schema file, as ``database.name``, or as ``2 of 5 tables``.

    Newer MyDumpers name the files of a plain name after the table, and give other names an alias. ``metadata`` has the
    real names, but not their databases, so the numbers of files must agree.

    :param expected: tables and views by database: all databases of one MyDumper process
    :param files: names in the output directory
    """
    if version.generation == LEGACY:
        return mydumper_0_10.missing_schemas(expected, set(files))
    return _missing_records(expected, metadata) + _missing_files(expected, set(files))


def _missing_records(expected: t.Mapping[str, TableNames], metadata: str) -> t.List[str]:
    recorded = collections.Counter(_RECORDED_TABLE.findall(metadata))
    missing = []
    for database, names in expected.items():
        for name in (*names.tables, *names.views):
            if not recorded[name]:
                missing.append(f"{database}.{name}")
            recorded[name] -= 1
    return missing


def _missing_files(expected: t.Mapping[str, TableNames], present: t.AbstractSet[str]) -> t.List[str]:
    tables = sum(len(names.tables) for names in expected.values())
    views = sum(len(names.views) for names in expected.values())
    # A view also has a table's schema file, a placeholder while other views that need it are loaded.
    of_views = _stems(present, "-schema-view.sql")
    of_tables = (_stems(present, "-schema.sql") | _stems(present, "-schema-sequence.sql")) - of_views
    missing = []
    if len(of_tables) < tables:
        missing.append(f"{tables - len(of_tables)} of {tables} tables")
    if len(of_views) < views:
        missing.append(f"{views - len(of_views)} of {views} views")
    return missing


def _stems(names: t.Iterable[str], suffix: str) -> t.Set[str]:
    return {name[: -len(suffix)] for name in names if name.endswith(suffix)}


def decide(evidence: Evidence) -> Outcome:
    """Decide the outcome of a dump: error if any data may be missing, else warning, else success."""
    lines = parse_log(evidence.log)
    errors = [line.message for line in lines if line.is_error]
    if evidence.returncode < 0 or evidence.returncode > 128:
        number = -evidence.returncode if evidence.returncode < 0 else evidence.returncode - 128
        errors.append(f"MyDumper was ended by signal {number}")
    cancelled = [line.message for line in lines if line.cancelled]
    if cancelled:
        errors.append(f"MyDumper stopped before the end: {cancelled[0]}")
    errors.extend(_incomplete(evidence, lines))
    errors.extend(f"no schema was dumped for {table}" for table in evidence.missing_schemas)
    warnings = _warnings(evidence, lines)
    if errors:
        if not lines and evidence.log.strip():
            errors.insert(0, evidence.log.strip())
        return Outcome(ERROR, warnings, errors)
    # Newer MyDumpers exit with 1 for a warning although the data is complete. No other exit status is explained.
    explained = (
        evidence.generation == MODERN
        and evidence.returncode == 1
        and any(line.level == "WARNING" and not _is_harmless(line.message) for line in lines)
    )
    if evidence.returncode != 0 and not explained:
        return Outcome(ERROR, [], [f"MyDumper exited with {evidence.returncode} and printed no reason"])
    return Outcome(WARNING if warnings else SUCCESS, warnings, [])


def _incomplete(evidence: Evidence, lines: t.Sequence[Line]) -> t.List[str]:
    if evidence.unfinished_metadata or evidence.metadata is None:
        state = "is still metadata.partial" if evidence.unfinished_metadata else "was not written"
        return [f"the dump is not complete: its metadata {state}"]
    if not _FINISHED_METADATA.search(evidence.metadata):
        return ["the dump is not complete: its metadata has no 'Finished dump'"]
    # Only the log shows that a dump was cancelled, so a log without its end proves nothing.
    if not any(_FINISHED.match(line.message) for line in lines):
        return ["the dump is not complete: its log has no 'Finished dump'"]
    return []


def _warnings(evidence: Evidence, lines: t.Sequence[Line]) -> t.List[str]:
    warnings = [
        line.message
        for line in lines
        if line.level == "WARNING" and not _is_harmless(line.message) and not NO_POSITION.match(line.message)
    ]
    if evidence.binlog_enabled and evidence.metadata is not None and parse_binlog_position(evidence.metadata) is None:
        warnings.append(NO_POSITION_WARNING)
    return warnings


def _is_harmless(message: str) -> bool:
    return any(pattern.match(message) for pattern in HARMLESS_WARNINGS)
