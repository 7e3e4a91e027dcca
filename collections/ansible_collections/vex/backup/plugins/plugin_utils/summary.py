# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The summary of the backups of all hosts: one line a host, as a table for people and as JSON for programs."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR, SUCCESS, WARNING

STATUSES = {SUCCESS: "success", WARNING: "warning", ERROR: "error"}
UNREACHABLE = "unreachable"
NOT_RUN = "not run"
WOULD_RUN = "would run"
GOOD = frozenset({"success", "warning"})

COLUMNS = ("host", "status", "size", "duration", "key")

Line = t.Dict[str, t.Any]


def line_of(
    host: str,
    outcome: t.Optional[t.Mapping[str, t.Any]] = None,
    failure: t.Optional[str] = None,
    unreachable: t.Optional[str] = None,
) -> Line:
    """Return the line of one host.

    :param outcome: the outcome of its run, as :func:`outcome.summary_of` returns it, when the run got that far
    :param failure: the name and message of its last task that failed
    :param unreachable: why the host could not be reached
    :returns: ``host``, ``status`` (a word), ``problems`` (sentences), and from the outcome ``hostname``, ``run_uuid``,
        ``status_backup`` and ``status_upload`` (numbers), ``bytes``, ``seconds``, ``bucket``, ``key``, and
        ``destinations``, as :class:`Outcome` has them; ``None`` where nothing is known
    """
    known = dict(outcome or {})
    problems = list(known.get("problems", []))
    if unreachable is not None:
        status, problems = UNREACHABLE, [unreachable]
    elif outcome:
        # In check mode there is no status.
        status = WOULD_RUN if known["status"] is None else STATUSES[int(known["status"])]
    elif failure is not None:
        status, problems = STATUSES[ERROR], [failure]
    else:
        status = NOT_RUN
    names = (
        "hostname",
        "run_uuid",
        "status_backup",
        "status_upload",
        "bytes",
        "seconds",
        "bucket",
        "key",
        "destinations",
    )
    return {"host": host, "status": status, "problems": problems, **{name: known.get(name) for name in names}}


def document(lines: t.Sequence[Line], started: datetime.datetime, finished: t.Optional[datetime.datetime]) -> Line:
    """Return the summary for programs. Times are UTC; ``finished`` is ``None`` while hosts are backed up."""
    return {
        # True when every host has a new backup.
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
    """Return the summary for people: a row for each host, the destinations of hosts with several, problems."""
    rows = [COLUMNS, *(_row(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    shown += [f"{line['host']}: {text}" for line in lines for text in _destinations(line)]
    shown += [f"{line['host']}: {' '.join(problem.split())}" for line in lines for problem in line["problems"]]
    return "\n".join(shown)


def _destinations(line: Line) -> t.List[str]:
    several = line["destinations"] or []
    return [f"{one['name']}: {one['state']} {one['bucket']}/{one['key']}" for one in several if len(several) > 1]


def _row(line: Line) -> t.Tuple[str, ...]:
    return (line["host"], line["status"], size_of(line["bytes"]), _duration(line["seconds"]), line["key"] or "-")


def size_of(count: t.Optional[int]) -> str:
    """Return a size as the web app shows it: decimal units, two digits."""
    if count is None:
        return "-"
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count / 1e3:.2f} KB"


def _duration(seconds: t.Optional[int]) -> str:
    return "-" if seconds is None else str(datetime.timedelta(seconds=seconds))
