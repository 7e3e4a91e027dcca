# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``vex-backup prune``, ``hold`` and ``release``: remove and keep backups in the bucket."""

from __future__ import annotations

import sys
import typing as t

from .answer import AT_ONCE, ask
from .places import Places
from .run import only_run
from .statuses import DONE, FAILED


def prune(places: Places, *, dry_run: bool, destination: t.Optional[str]) -> int:
    """Apply retention now, and print the decision on each backup and its reason.

    :param dry_run: remove nothing, only print what would be removed
    :param destination: name of the only one to prune; all when absent
    :returns: the command's exit status
    :raises InProgress: when a run is in progress; it prunes at its end
    """
    variables = {"vex_backup_from": destination} if destination else {}
    with only_run(places):
        pruned = ask(places, "prune", ["--check"] if dry_run else [], variables=variables).found
    for found in pruned:
        heading = [f"{found['destination']}:"] if len(pruned) > 1 else []
        sys.stdout.write("".join(f"{line}\n" for line in [*heading, *_lines(found, dry_run=dry_run)]))
        if "message" in found:
            sys.stderr.write(f"vex-backup: {found['message']}\n")
    return FAILED if any("message" in found for found in pruned) else DONE


def _lines(found: t.Mapping[str, t.Any], *, dry_run: bool) -> t.List[str]:
    lines = [f"{_word(one, dry_run=dry_run):12} {one['name']}  {one['reason']}" for one in found["decisions"]]
    lines += [f"{'would abort' if dry_run else 'aborted':12} the upload of {key}" for key in found["aborted"]]
    lines += [
        f"{'left over':12} {key}: not a backup: it has no manifest; see vex-backup audit" for key in found["leftovers"]
    ]
    if not found["aborted"] and "message" not in found and all(one["keep"] for one in found["decisions"]):
        lines.append("There is nothing to remove.")
    if found["markers"]:
        lines.append(
            "The bucket keeps versions: removed backups occupy space behind delete markers until a lifecycle rule of "
            "the bucket removes them."
        )
    return lines


def hold(places: Places, name: str, *, held: bool, destination: t.Optional[str]) -> int:
    """Protect the backup *name* from retention, or end that protection.

    :param destination: name of the destination; the first that answers when absent
    :returns: the command's exit status
    :raises InProgress: when a run is in progress; it may be pruning
    """
    with only_run(places):
        variables = {"vex_backup_held_name": name, "vex_backup_held_state": "present" if held else "absent"}
        if destination:
            variables["vex_backup_from"] = destination
        found = ask(places, "hold", variables={**variables, **AT_ONCE}).found
    was = "already " if held and not found["changed"] else ""
    sys.stdout.write(f"{name} is {was}{'held' if held else 'not held'}\n")
    return DONE


def _word(decision: dict[str, object], *, dry_run: bool) -> str:
    if decision["keep"]:
        return "keep"
    return "would remove" if dry_run else "removed"
