# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``vex-backup check``: what a run would meet, without one."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import typing as t

from .places import Places
from .playbook import play
from .run import in_use, what_failed
from .statuses import DONE, FAILED, Misconfigured

WORDS = {True: "OK", False: "FAIL", None: "--"}


class Finding(t.NamedTuple):
    """One thing that a run needs; ``ok`` is ``None`` when something else kept it from being looked at."""

    name: str
    ok: t.Optional[bool]
    detail: str

    def __str__(self) -> str:
        said = " ".join(self.detail.split())
        return f"{WORDS[self.ok]:4} {self.name}{': ' if said else ''}{said}"


def check(places: Places, *, as_json: bool) -> int:
    """Try every step of a run in check mode and print a line for each thing that it needs.

    :returns: the command's exit status
    :raises Misconfigured: when Ansible cannot even start
    """
    with tempfile.TemporaryDirectory(prefix="check-", dir=places.home) as private, in_use(places.release):
        result = os.path.join(private, "findings.json")
        ended = play(places, "check", ["--check"], {"vex_backup_findings_file": result})
        if not os.path.exists(result):
            raise Misconfigured(f"Ansible could not look: {what_failed(ended.output)}")
        with open(result, encoding="utf-8") as stream:
            found = json.load(stream)
    findings = [Finding(one["name"], one["ok"], one["detail"]) for one in found["findings"]]
    ok = all(finding.ok for finding in findings)
    if as_json:
        sys.stdout.write(json.dumps({"ok": ok, **found}) + "\n")
    else:
        sys.stdout.write("".join(f"{finding}\n" for finding in findings))
    return DONE if ok else FAILED
