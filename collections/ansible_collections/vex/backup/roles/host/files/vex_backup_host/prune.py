# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``vex-backup prune``, ``hold`` and ``release``: remove and keep backups in the bucket."""

from __future__ import annotations

import sys

from .answer import AT_ONCE, ask
from .places import Places
from .run import only_run
from .statuses import DONE, FAILED


def prune(places: Places, *, dry_run: bool) -> int:
    """Apply retention now, and print the decision on each backup and its reason.

    :param dry_run: remove nothing, only print what would be removed
    :returns: the command's exit status
    :raises InProgress: when a run is in progress; it prunes at its end
    """
    with only_run(places):
        found = ask(places, "prune", ["--check"] if dry_run else []).found
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
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    if "message" in found:
        sys.stderr.write(f"vex-backup: {found['message']}\n")
    return FAILED if "message" in found else DONE


def hold(places: Places, name: str, *, held: bool) -> int:
    """Protect the backup *name* from retention, or end that protection.

    :returns: the command's exit status
    :raises InProgress: when a run is in progress; it may be pruning
    """
    with only_run(places):
        variables = {"vex_backup_held_name": name, "vex_backup_held_state": "present" if held else "absent"}
        found = ask(places, "hold", variables={**variables, **AT_ONCE}).found
    was = "already " if held and not found["changed"] else ""
    sys.stdout.write(f"{name} is {was}{'held' if held else 'not held'}\n")
    return DONE


def _word(decision: dict[str, object], *, dry_run: bool) -> str:
    if decision["keep"]:
        return "keep"
    return "would remove" if dry_run else "removed"
