# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``vex-backup copy``: copy a backup to another destination."""

from __future__ import annotations

import argparse
import sys

from .answer import AT_ONCE, ask
from .places import Places
from .run import only_run
from .statuses import DONE, FAILED


def copy(places: Places, asked: argparse.Namespace) -> int:
    """Copy one backup, and print the address of the copy.

    :param asked: the options of the command line
    :returns: the command's exit status
    :raises InProgress: when a run is in progress; it may be pruning
    """
    variables = {
        "vex_backup_from": asked.destination,
        "vex_backup_copied_to": asked.target,
        "vex_backup_copied_name": asked.name or "",
        "vex_backup_copied_at": asked.at or "",
    }
    with only_run(places):
        found = ask(places, "copy", variables={**variables, **AT_ONCE}).found
    was = "copied" if found["changed"] else "already there"
    sys.stdout.write(f"{was:12} {found['name']}  {found['url']}\n")
    if "message" in found:
        sys.stderr.write(f"vex-backup: {found['message']}\n")
    return FAILED if "message" in found else DONE
