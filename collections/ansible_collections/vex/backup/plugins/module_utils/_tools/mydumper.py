# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""MyDumper: its version decides the arguments; its log, its metadata and its files decide the outcome.

Pure functions. MyDumper's exit status alone lies (0 after SIGTERM with 5% of the data, 1 for whole dumps with a
warning), so it is only one of the things that are looked at.
"""

from __future__ import annotations

import collections
import json
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import ProgramMissing

SUCCESS, WARNING, ERROR = 1, 2, 3

LEGACY = "0.10"
MODERN = "0.20"

# Said of every dump with --trx-tables, its default; non-transactional tables switch that off, so it is never news.
HARMLESS_WARNINGS = (re.compile(r"Using --trx-tables options?, binlog coordinates will not be accurate"),)
# Newer ones split tables by themselves. 0.10.x goes on in another file, and so reads each row once, as without.
_PIECE_MIB = 64
# Of what others of 0.10.x do with pieces nothing is known; Debian's 0.10.1 calls itself 0.10.0.
_SEEN_TO_SPLIT = ("0.10.0", "0.10.1")
# What 0.10.1 begins a data file with.
DATA_HEADER = (
    b"/*!40101 SET NAMES binary*/;\n/*!40014 SET FOREIGN_KEY_CHECKS=0*/;\n/*!40103 SET TIME_ZONE='+00:00' */;\n"
)

NO_COORDINATES_WARNING = "the server writes a binary log, but the dump has no coordinates of it"
NO_COORDINATES = re.compile(r"Couldn't get (?:master|source|binlog) position")

_VERSION = re.compile(r"my(?:dump|load)er\S*\s+v?(\d+)\.(\d+)\.(\d+)")
# `** ` stands for the program's own messages; libraries put their name before the level instead.
_GLIB_LINE = re.compile(
    r"(?:\*\* (?:\([^)]*\): )?|\([^)]*\): \S+-)(?P<level>Message|[A-Z]+)(?: \(recursed\))?(?: \*\*)?: "
    r"(?:\d\d:\d\d:\d\d\.\d+: )?(?P<message>.*)"
)
_FILE_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[(?P<level>[A-Z]+)\] - (?P<message>.*)")
_CANCELLED = re.compile(r"Shutting down gracefully|\b(?:job|backup) cancell?ed\b", re.IGNORECASE)
_FINISHED = re.compile(r"(?:dump finished|finished dump)\b", re.IGNORECASE)
_FINISHED_METADATA = re.compile(r"^(?:# )?Finished dump at:", re.MULTILINE)
# 0.10.x writes a GTID set of MySQL as the server gives it: over several lines.
_LEGACY_SOURCE = re.compile(
    r"^SHOW MASTER STATUS:\n\s*Log: (?P<file>.+)\n\s*Pos: (?P<position>.+)(?:\n\s*GTID:(?P<gtid>.*(?:\n.+)*))?",
    re.MULTILINE,
)
_SOURCE_SECTION = re.compile(r"^\[(?:source|master)\]\n(?P<body>(?:(?!\[).*\n?)*)", re.MULTILINE)
_SETTING = re.compile(r"^[# \t]*(?P<key>\w+)[ \t]*=[ \t]*\"?(?P<value>.*?)\"?[ \t]*$", re.MULTILINE)
_RECORDED_TABLE = re.compile(r"^real_table_name=(.*)$", re.MULTILINE)
# 0.10.x looks for this in a file's whole path to tell the first piece of a table.
FIRST_PIECE = ".00001.sql"
_PIECE = re.compile(r"(?P<stem>.+\.)(?P<number>\d{5,})\.sql", re.DOTALL)
_QUOTED_NAME = re.compile(r"`[^`]*`")


class Version(t.NamedTuple):
    """A MyDumper that is supported; ``generation`` is :data:`LEGACY` (0.10.x) or :data:`MODERN` (0.20 and later)."""

    text: str
    generation: str


class Dump(t.NamedTuple):
    """One MyDumper process's work.

    ``databases`` holds one name, or all those of the snapshot. ``product`` is ``mysql`` or ``mariadb``;
    ``server_version`` is numeric, ``9.7.4``.
    """

    databases: t.Sequence[str]
    output: str
    log: str
    defaults_file: str
    threads: int
    long_query_guard: int
    product: str
    server_version: str
    routines: bool
    events: bool
    triggers: bool
    non_transactional_tables: bool


class Line(t.NamedTuple):
    """One message of a log; ``level`` is GLib's, ``MESSAGE`` or ``INFO`` for plain ones."""

    level: str
    message: str
    cancelled: bool = False


class Coordinates(t.NamedTuple):
    """Where the binary log stood when the dump's snapshot was taken."""

    file: str
    position: str
    gtid: str


class Evidence(t.NamedTuple):
    """What is known of one MyDumper process after its end.

    ``returncode`` is negative (or above 128) for death by a signal. ``log`` is its log file and standard error,
    ``metadata`` the text of that file or ``None``, ``unfinished_metadata`` whether ``metadata.partial`` is there.
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
    """``status`` is 1 success, 2 warning, 3 error; the messages say why."""

    status: int
    warnings: t.List[str]
    errors: t.List[str]


def parse_version(output: str) -> Version:
    """Read ``mydumper --version`` or ``myloader --version``.

    :raises ProgramMissing: for a version whose options this collection does not know (0.11 to 0.19, and before 0.10)
    """
    found = _VERSION.search(output)
    if not found:
        raise ProgramMissing(f"mydumper --version answered {output.strip()[:200]!r}, which names no version")
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
    """The arguments of one MyDumper process, program name excluded, no secret included."""
    argv = [
        f"--defaults-file={dump.defaults_file}",
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
        # Without it the last row of a table with generated columns may come without the names of those it has.
        argv.append("--complete-insert")
        if splits_tables(version):
            argv.append(f"--chunk-filesize={_PIECE_MIB}")
    if version.generation == MODERN:
        # 0.10.x writes routines, events and triggers that cannot be restored: _dump/stored_programs.py takes them over.
        wanted = {"routines": dump.routines, "events": dump.events, "triggers": dump.triggers}
        argv += [f"--{option}" for option, value in wanted.items() if value]
        argv.append(f"--server-version={dump.product}-{dump.server_version}")
        if dump.non_transactional_tables:
            argv.append("--trx-tables=0")
    return argv


def splits_tables(version: Version) -> bool:
    """Whether this MyDumper is told to write large tables in pieces, which are compressed while it goes on."""
    return version.text in _SEEN_TO_SPLIT


def finished_pieces(names: t.Iterable[str]) -> t.List[str]:
    """Those of MyDumper's data files that it has written to their end, and whose names are final.

    0.10.x closes a piece of a table before it opens the next, and takes the number off a table's only piece when it
    has closed it (seen in the system calls of 0.10.1): a piece is finished when there is a next one.
    """
    present = set(names)
    pieces = [found for found in map(_PIECE.fullmatch, present) if found]
    return [found[0] for found in pieces if f"{found['stem']}{int(found['number']) + 1:05d}.sql" in present]


def environment() -> t.Dict[str, str]:
    """What MyDumper needs in its environment to take names that are not ASCII on its command line.

    0.10.x goes by GLib's ``CHARSET`` and 1.x by the locale (seen with 0.10.1 and 1.0.1).
    """
    return {"CHARSET": "UTF-8", "LC_ALL": "C.UTF-8"}


def session_variables(product: str, server_version: str) -> t.Dict[str, str]:
    """Session variables that MyDumper must set: 1.0.1 crashes on MySQL 9 while ``explain_format`` is TREE."""
    if product == "mysql" and int(server_version.split(".", maxsplit=1)[0]) >= 9:
        return {"explain_format": "TRADITIONAL"}
    return {}


def databases_regex(databases: t.Sequence[str]) -> str:
    """A PCRE that MyDumper matches against ``database.table``, true for exactly these databases."""
    escaped = ("".join(c if c.isalnum() or c == "_" or ord(c) > 127 else f"\\{c}" for c in name) for name in databases)
    # MyDumper compiles it caseless, and so that ^ matches behind a line break within a name.
    return f"\\A(?-i:{'|'.join(escaped)})\\."


def parse_log(text: str) -> t.List[Line]:
    """Read a log in any of MyDumper's three forms: ``--logfile``, GLib on standard error, JSON lines.

    A line without a level of its own continues the message before it.
    """
    lines: t.List[Line] = []
    # Not splitlines(): names may hold what it takes for line ends.
    for raw in text.split("\n"):
        line = _parse_line(raw)
        if line is not None:
            lines.append(line)
        elif raw.strip() and lines:
            lines[-1] = lines[-1]._replace(message=f"{lines[-1].message}\n{raw}")
    return lines


def _parse_line(raw: str) -> t.Optional[Line]:
    if raw.startswith("{"):
        return _parse_json_line(raw)
    found = _GLIB_LINE.match(raw) or _FILE_LINE.match(raw)
    if not found:
        return None
    return Line(found["level"].upper(), found["message"], _is_cancelled(found["message"]))


def _parse_json_line(raw: str) -> t.Optional[Line]:
    try:
        event = json.loads(raw, strict=False)
    except (ValueError, RecursionError):
        return None
    message = str(event.get("message", ""))
    cancelled = event.get("status") in ("cancelled", "canceled") or _is_cancelled(message)
    level = str(event.get("level", "INFO")).upper()
    if event.get("event") == "dump_completed" and str(event.get("errors", "0")) != "0":
        return Line("ERROR", f"{message} with {event['errors']} errors", cancelled)
    subject = ".".join(str(event[key]) for key in ("db", "table") if key in event)
    return Line(level, f"{message} ({subject})" if subject else message, cancelled)


def parse_coordinates(metadata: str) -> t.Optional[Coordinates]:
    """The binary log's coordinates from ``metadata`` of either generation, ``None`` where it holds none.

    Those of the server itself: on a replica, ``metadata`` holds its source's too.
    """
    legacy = _LEGACY_SOURCE.search(metadata)
    if legacy:
        gtid = "".join((legacy["gtid"] or "").split())
        return Coordinates(legacy["file"].strip(), legacy["position"].strip(), "" if gtid == "(null)" else gtid)
    section = _SOURCE_SECTION.search(metadata)
    values = {found["key"].lower(): found["value"] for found in _SETTING.finditer(section["body"] if section else "")}
    file = values.get("source_log_file") or values.get("file")
    position = values.get("source_log_pos") or values.get("position")
    if not file or not position:
        return None
    return Coordinates(file, position, values.get("executed_gtid_set", ""))


def missing_schemas(
    version: Version,
    expected: t.Mapping[str, t.Tuple[t.Sequence[str], t.Sequence[str]]],
    files: t.Iterable[str],
    metadata: str,
) -> t.List[str]:
    """Those tables and views that have no schema file, as ``database.name``.

    0.10.x names files after the table as it is. Newer ones do so for plain names and give the others an alias;
    the real names are in ``metadata``, but not of which database, so there it is the numbers that must agree.

    :param expected: tables and views by database: all databases of one MyDumper process
    :param files: names in the output directory
    """
    present = set(files)
    if version.generation == LEGACY:
        missing = []
        for database, (tables, views) in expected.items():
            absent = [name for name in (*tables, *views) if f"{database}.{name}-schema.sql" not in present]
            absent += [name for name in views if f"{database}.{name}-schema-view.sql" not in present]
            missing += [f"{database}.{name}" for name in dict.fromkeys(absent)]
        return missing
    return _missing_records(expected, metadata) + _missing_files(expected, present)


def _missing_records(expected: t.Mapping[str, t.Tuple[t.Sequence[str], t.Sequence[str]]], metadata: str) -> t.List[str]:
    recorded = collections.Counter(_RECORDED_TABLE.findall(metadata))
    missing = []
    for database, (tables, views) in expected.items():
        for name in (*tables, *views):
            if not recorded[name]:
                missing.append(f"{database}.{name}")
            recorded[name] -= 1
    return missing


def _missing_files(
    expected: t.Mapping[str, t.Tuple[t.Sequence[str], t.Sequence[str]]], present: t.AbstractSet[str]
) -> t.List[str]:
    tables = sum(len(tables) for tables, _views in expected.values())
    views = sum(len(views) for _tables, views in expected.values())
    # A view has a table's schema file too, which stands in for it while others that need it are loaded.
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


def repaired_schema(content: bytes) -> bytes:
    """A table's schema file of 0.10.x such that restoring it gives the same table.

    It says ``SET NAMES binary``, under which MariaDB takes the table that a foreign key refers to for latin1: one
    called ``ação`` becomes ``aÃ§Ã£o`` (seen with 0.10.1 and MariaDB 10.11). What it holds is UTF-8.
    """
    return content.replace(b"SET NAMES binary", b"SET NAMES utf8mb4", 1)


def is_later_piece(name: str) -> bool:
    """Whether a file of 0.10.x is a piece of a table, and not its first.

    Of these, one that begins with ``INSERT`` needs :data:`DATA_HEADER` before that. It is left out of a table's last
    piece if that holds but the last row (seen with 0.10.1): loaded by itself, the row's times would be taken for those
    of the session's time zone.
    """
    found = _PIECE.fullmatch(name)
    return found is not None and int(found["number"]) > 1


def decide(evidence: Evidence) -> Outcome:
    """Decide how a dump ended: error for anything that may have left data out, then warning, then success."""
    lines = parse_log(evidence.log)
    errors = [line.message for line in lines if line.level in ("ERROR", "CRITICAL")]
    if evidence.returncode < 0 or evidence.returncode > 128:
        number = -evidence.returncode if evidence.returncode < 0 else evidence.returncode - 128
        errors.append(f"MyDumper was ended by signal {number}")
    cancelled = [line.message for line in lines if line.cancelled]
    if cancelled:
        errors.append(f"MyDumper gave up before the end: {cancelled[0]}")
    errors.extend(_incomplete(evidence, lines))
    errors.extend(f"no schema was dumped for {table}" for table in evidence.missing_schemas)
    warnings = _warnings(evidence, lines)
    if errors:
        if not lines and evidence.log.strip():
            errors.insert(0, evidence.log.strip())
        return Outcome(ERROR, warnings, errors)
    # Newer ones exit with 1 for a warning although the data is whole; any other such exit is not understood.
    explained = (
        evidence.generation == MODERN
        and evidence.returncode == 1
        and any(line.level == "WARNING" and not _is_harmless(line.message) for line in lines)
    )
    if evidence.returncode != 0 and not explained:
        return Outcome(ERROR, [], [f"MyDumper exited with {evidence.returncode} and said nothing of why"])
    return Outcome(WARNING if warnings else SUCCESS, warnings, [])


def _incomplete(evidence: Evidence, lines: t.Sequence[Line]) -> t.List[str]:
    if evidence.unfinished_metadata or evidence.metadata is None:
        state = "is still metadata.partial" if evidence.unfinished_metadata else "was not written"
        return [f"the dump is not complete: its metadata {state}"]
    if not _FINISHED_METADATA.search(evidence.metadata):
        return ["the dump is not complete: its metadata has no 'Finished dump'"]
    # Only the log tells of a dump that was cancelled: without its end, nobody knows what it would have told.
    if not any(_FINISHED.match(line.message) for line in lines):
        return ["the dump is not complete: its log has no 'Finished dump'"]
    return []


def _warnings(evidence: Evidence, lines: t.Sequence[Line]) -> t.List[str]:
    warnings = [
        line.message
        for line in lines
        if line.level == "WARNING" and not _is_harmless(line.message) and not NO_COORDINATES.match(line.message)
    ]
    if evidence.binlog_enabled and evidence.metadata is not None and parse_coordinates(evidence.metadata) is None:
        warnings.append(NO_COORDINATES_WARNING)
    return warnings


def _is_harmless(message: str) -> bool:
    return any(pattern.match(message) for pattern in HARMLESS_WARNINGS)


def _is_cancelled(message: str) -> bool:
    # A table may be called `job cancelled`: names are no evidence.
    return bool(_CANCELLED.search(_QUOTED_NAME.sub("", message)))
