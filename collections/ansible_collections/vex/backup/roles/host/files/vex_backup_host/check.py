# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``vex-backup check``: check everything that a run needs, without a backup."""

from __future__ import annotations

import json
import os
import stat
import sys
import typing as t

from .answer import ask
from .places import Places
from .statuses import DONE, FAILED

WORDS = {True: "OK", False: "FAIL", None: "--"}


class Finding(t.NamedTuple):
    """One requirement of a run; ``ok`` is ``None`` when an earlier failure prevented the check."""

    name: str
    ok: t.Optional[bool]
    detail: str

    def __str__(self) -> str:
        detail = " ".join(self.detail.split())
        return f"{WORDS[self.ok]:4} {self.name}{': ' if detail else ''}{detail}"


def check(places: Places, *, as_json: bool) -> int:
    """Try every step of a run in check mode, and print a line for each requirement.

    :returns: the command's exit status
    :raises Misconfigured: when Ansible cannot start
    """
    found = ask(places, "check", ["--check"]).found
    configuration, *others = [Finding(one["name"], one["ok"], one["detail"]) for one in found["findings"]]
    findings = [configuration, secrets(places), *others]
    ok = all(finding.ok for finding in findings)
    if as_json:
        sys.stdout.write(json.dumps({"ok": ok, **found, "findings": [one._asdict() for one in findings]}) + "\n")
    else:
        sys.stdout.write("".join(f"{finding}\n" for finding in findings))
    return DONE if ok else FAILED


def secrets(places: Places) -> Finding:
    """Return the finding on who can read the configuration, which holds passwords and keys."""
    path = places.configuration
    directory, file = (os.stat(name).st_mode for name in (places.settings, path))
    exposed = (directory & stat.S_IXGRP and file & stat.S_IRGRP) or (directory & stat.S_IXOTH and file & stat.S_IROTH)
    detail = f"other accounts can read {path}: chmod 0600 {path}, then change what is secret in it" if exposed else ""
    return Finding("secrets", not exposed, detail)
