# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A playbook that answers: variables go in and a report comes out through files that only their owner reads."""

from __future__ import annotations

import json
import os
import tempfile
import typing as t

from .places import Places
from .playbook import play
from .run import in_use, what_failed


class Report(t.NamedTuple):
    """``said`` is what the playbook reported, if it came to that; ``failure`` why it failed, empty when it did not."""

    said: t.Any
    failure: str


def ask(places: Places, name: str, variables: t.Mapping[str, t.Any]) -> Report:
    """Run a playbook that writes JSON to ``vex_backup_restore_report_file``.

    :param variables: of the playbook; secrets may be among them
    """
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=places.home) as private, in_use(places.release):
        given, report = os.path.join(private, "variables.json"), os.path.join(private, "report.json")
        with open(given, "w", encoding="utf-8") as stream:
            json.dump({**variables, "vex_backup_restore_report_file": report}, stream)
        ended = play(places, name, ["--extra-vars", f"@{given}"])
        said = None
        if os.path.exists(report):
            with open(report, encoding="utf-8") as stream:
                said = json.load(stream)
    return Report(said, what_failed(ended.output) if ended.status else "")
