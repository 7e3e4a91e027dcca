# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a playbook found, for a command to show."""

from __future__ import annotations

import json
import os
import tempfile
import typing as t

from .places import Places
from .playbook import play
from .run import TASK_FAILED, in_use, what_failed
from .statuses import CommandError, Misconfigured


def answer(
    places: Places,
    name: str,
    arguments: t.Sequence[str] = (),
    variables: t.Optional[t.Mapping[str, str]] = None,
) -> t.Any:
    """Run a playbook that writes what it found, as JSON, into the file called ``vex_backup_result_file``.

    :param arguments: further ones of ansible-playbook; never a secret
    :param variables: further variables; never a secret
    :raises Misconfigured: when Ansible cannot even start
    :raises CommandError: when a task failed
    """
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=places.home) as private, in_use(places.release):
        result = os.path.join(private, "result.json")
        ended = play(places, name, arguments, {**(variables or {}), "vex_backup_result_file": result})
        if os.path.exists(result):
            with open(result, encoding="utf-8") as stream:
                return json.load(stream)
    if ended.status in TASK_FAILED:
        raise CommandError(what_failed(ended.output))
    raise Misconfigured(f"Ansible could not look: {what_failed(ended.output)}")
