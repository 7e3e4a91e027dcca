# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``vex-backup audit``: compare the bucket with itself and with the log tables."""

from __future__ import annotations

import json
import sys
import typing as t

from .answer import ask
from .places import Places
from .statuses import DONE, FAILED


def audit(places: Places, *, deep: bool, as_json: bool, destination: t.Optional[str]) -> int:
    """Print each inconsistency and its remedy.

    :param deep: download every archive and check it
    :param destination: name of the only one to audit; all when absent
    :returns: the command's exit status
    """
    variables = {"vex_backup_audit_deep": deep, **({"vex_backup_from": destination} if destination else {})}
    found = ask(places, "audit", variables=variables).found
    report = {name: found[name] for name in ("backups", "deep", "findings")}
    if as_json:
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        for finding in report["findings"]:
            place = f"{finding['destination']}: {finding['key']}" if found["audited"] > 1 else finding["key"]
            sys.stdout.write(f"{finding['kind']} {place}\n    {finding['detail']}\n    {finding['remedy']}\n")
        sys.stdout.write(f"{found['summary']}\n")
    return FAILED if report["findings"] else DONE
