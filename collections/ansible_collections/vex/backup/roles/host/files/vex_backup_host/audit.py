# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``vex-backup audit``: whether the bucket and the log tables go together."""

from __future__ import annotations

import json
import sys

from .answer import ask
from .places import Places
from .statuses import DONE, FAILED


def audit(places: Places, *, deep: bool, as_json: bool) -> int:
    """Print what does not go together, and what to do about it.

    :param deep: read every archive back
    :returns: the command's exit status
    """
    found = ask(places, "audit", variables={"vex_backup_audit_deep": deep}).found
    told = {name: found[name] for name in ("backups", "deep", "findings")}
    if as_json:
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        for one in told["findings"]:
            sys.stdout.write(f"{one['kind']} {one['key']}\n    {one['detail']}\n    {one['remedy']}\n")
        sys.stdout.write(f"{told['backups']} backups, {len(told['findings'])} findings\n")
    return FAILED if told["findings"] else DONE
