# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``vex-backup list``: list the backups in the bucket."""

from __future__ import annotations

import datetime
import json
import sys
import typing as t

from .answer import AT_ONCE, ask
from .places import Places
from .statuses import DONE, CommandError

HEADINGS = ("NAME", "SERVER", "SIZE", "AGE", "PROVEN", "HELD")
UNITS = ("B", "KB", "MB", "GB", "TB")


def show_backups(
    places: Places, *, server: t.Optional[str], every_server: bool, destination: t.Optional[str], as_json: bool
) -> int:
    """Print a line for each backup in the bucket, newest first, then what is wrong with any of them.

    :param server: name of another server; this host's when absent
    :param destination: name of the destination to list; the first that answers when absent
    :returns: the command's exit status
    :raises CommandError: when the bucket cannot be read, or holds no backup of *server*
    """
    variables = {
        "vex_backup_restore_every_server": every_server,
        **({"vex_backup_restore_server": server} if server else {}),
        **({"vex_backup_from": destination} if destination else {}),
    }
    listed = ask(places, "list", variables={**variables, **AT_ONCE}).found
    found, message = listed["backups"], listed.get("message", "")
    if server and message:
        raise CommandError(message)
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
        return DONE
    if len(listed["destinations"]) > 1:
        sys.stdout.write(f"In {listed['destination']}, one of {', '.join(listed['destinations'])}:\n")
    if message:
        sys.stdout.write(f"{message}\n")
        return DONE
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    rows = [HEADINGS, *(_row(backup, now) for backup in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    for row in rows:
        sys.stdout.write("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() + "\n")
    for backup in found:
        if backup["fault"]:
            sys.stdout.write(f"\n{backup['name']} cannot be verified: {backup['fault']}\n")
        elif backup["proof_fault"]:
            sys.stdout.write(f"\n{backup['name']} is not proven: {backup['proof_fault']}\n")
    return DONE


def size(count: int) -> str:
    """Return a number of bytes with its unit, such as ``6.21 GB``."""
    value, place = float(count), 0
    while value >= 1000 and place < len(UNITS) - 1:
        value, place = value / 1000, place + 1
    return f"{value:.2f} {UNITS[place]}" if place else f"{count} B"


def age(taken: str, now: datetime.datetime) -> str:
    """Return the time since *taken* in its largest unit, such as ``3 d``."""
    minutes = int((now - datetime.datetime.strptime(taken, "%Y-%m-%d %H:%M:%S")).total_seconds()) // 60
    for unit, length in (("d", 24 * 60), ("h", 60)):
        if minutes >= length:
            return f"{minutes // length} {unit}"
    return f"{max(0, minutes)} min"


def _row(backup: t.Mapping[str, t.Any], now: datetime.datetime) -> t.Sequence[str]:
    proven = backup["proven"] or ("no, see below" if backup["proof_fault"] else "no")
    if not backup["manifest"]:
        proven = "incomplete: tables are missing" if backup["incomplete"] else "not a backup: its upload did not end"
    if backup["fault"]:
        proven = "not verified, see below"
    return (
        backup["name"],
        backup["hostname"],
        size(backup["size"]),
        age(backup["taken"], now),
        proven,
        "held" if backup["held"] else "",
    )
