# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What became of the backups of a fleet: one line for each host, as a table for people and as JSON for programs."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp

# By the numbers of the log tables.
STATUSES = {1: "success", 2: "warning", 3: "error"}
UNREACHABLE = "unreachable"
NOT_RUN = "not run"
GOOD = frozenset({"success", "warning"})

COLUMNS = ("host", "status", "size", "duration", "key")

Line = t.Dict[str, t.Any]


def line_of(
    host: str,
    outcome: t.Optional[t.Mapping[str, t.Any]] = None,
    failure: t.Optional[str] = None,
    unreachable: t.Optional[str] = None,
) -> Line:
    """One host's line.

    :param outcome: what its run told of itself (``vex_backup_outcome``), when it got that far
    :param failure: what its last task that failed said
    :param unreachable: why it could not be reached any more
    :returns: ``host``, ``status`` (a word), ``problems`` (texts), and of the outcome ``hostname``, ``run_uuid``,
        ``status_backup`` and ``status_upload`` (the log tables' numbers), ``bytes``, ``seconds``, ``bucket``, ``key``,
        ``None`` where nothing is known
    """
    known = dict(outcome or {})
    problems = list(known.pop("problems", []))
    if unreachable is not None:
        status, problems = UNREACHABLE, [unreachable]
    elif outcome:
        status = STATUSES[3 if problems else int(known["status_backup"])]
    elif failure is not None:
        status, problems = STATUSES[3], [failure]
    else:
        status = NOT_RUN
    names = ("hostname", "run_uuid", "status_backup", "status_upload", "bytes", "seconds", "bucket", "key")
    return {"host": host, "status": status, "problems": problems, **{name: known.get(name) for name in names}}


def document(lines: t.Sequence[Line], started: datetime.datetime, finished: t.Optional[datetime.datetime]) -> Line:
    """The summary for programs. Times are UTC, ``finished`` is ``None`` as long as the hosts are at work."""
    return {
        # Whether every host has a backup.
        "ok": finished is not None and all(line["status"] in GOOD for line in lines),
        "started": timestamp(started),
        "finished": timestamp(finished) if finished else None,
        "totals": {
            status: sum(line["status"] == status for line in lines)
            for status in (*STATUSES.values(), UNREACHABLE, NOT_RUN)
        },
        "hosts": list(lines),
    }


def table(lines: t.Sequence[Line]) -> str:
    """The summary for people: a row for each host, and below it what went wrong."""
    rows = [COLUMNS, *(_row(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    shown += [f"{line['host']}: {' '.join(problem.split())}" for line in lines for problem in line["problems"]]
    return "\n".join(shown)


def _row(line: Line) -> t.Tuple[str, ...]:
    return (line["host"], line["status"], _size(line["bytes"]), _duration(line["seconds"]), line["key"] or "-")


def _size(count: t.Optional[int]) -> str:
    """Bytes as the web app writes them: decimal, two digits."""
    if count is None:
        return "-"
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count / 1e3:.2f} KB"


def _duration(seconds: t.Optional[int]) -> str:
    return "-" if seconds is None else str(datetime.timedelta(seconds=seconds))
