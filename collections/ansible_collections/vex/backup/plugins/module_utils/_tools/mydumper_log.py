# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The log of MyDumper: each line's level and message."""

from __future__ import annotations

import collections
import json
import re
import typing as t

# `** ` marks the program's own messages; libraries write their name before the level instead.
_GLIB_LINE = re.compile(
    r"(?:\*\* (?:\([^)]*\): )?|\([^)]*\): \S+-)(?P<level>Message|[A-Z]+)(?: \(recursed\))?(?: \*\*)?: "
    r"(?:\d\d:\d\d:\d\d\.\d+: )?(?P<message>.*)"
)
_FILE_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[(?P<level>[A-Z]+)\] - (?P<message>.*)")
_CANCELLED = re.compile(r"Shutting down gracefully|\b(?:job|backup) cancell?ed\b", re.IGNORECASE)
_LONG_ROW = re.compile(r"^[^\n]* \[WARNING\] - Row bigger than statement_size for (\S+)\n?", re.MULTILINE)
_QUOTED_NAME = re.compile(r"`[^`]*`")


class Line(t.NamedTuple):
    """One message of a log.

    ``level`` is GLib's, ``MESSAGE`` or ``INFO`` for a plain message. ``cancelled`` is true when the message reports
    that the program stopped before the end of its work.
    """

    level: str
    message: str
    cancelled: bool = False

    @property
    def is_error(self) -> bool:
        """Return whether the level is ``ERROR`` or ``CRITICAL``."""
        return self.level in ("ERROR", "CRITICAL")


def parse_log(text: str) -> t.List[Line]:
    """Read a log in any of MyDumper's three forms: ``--logfile``, GLib on standard error, JSON lines.

    A line without a level of its own continues the message before it.
    """
    lines: t.List[Line] = []
    # Not splitlines(): names may hold characters that splitlines() treats as line ends.
    for raw in text.split("\n"):
        line = _parse_line(raw)
        if line is not None:
            lines.append(line)
        elif raw.strip() and lines:
            lines[-1] = lines[-1]._replace(message=f"{lines[-1].message}\n{raw}")
    return lines


def condensed(text: str) -> str:
    """Return a log with one line at its end, with counts, in place of each warning of a long row."""
    tables = collections.Counter(_LONG_ROW.findall(text))
    if not tables:
        return text
    counts = ", ".join(f"{name} ({count})" for name, count in sorted(tables.items()))
    return (
        f"{_LONG_ROW.sub('', text).rstrip()}\n"
        f"# Row bigger than statement_size, in a statement of its own: {sum(tables.values())} times, {counts}\n"
    )


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


def _is_cancelled(message: str) -> bool:
    # A table may be called `job cancelled`, so quoted names are removed first.
    return bool(_CANCELLED.search(_QUOTED_NAME.sub("", message)))
