# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Playbooks that return a value to a command. Variables and value pass through files that only the user reads."""

from __future__ import annotations

import json
import os
import tempfile
import typing as t

from .places import Places
from .playbook import play
from .run import TASK_FAILED, in_use, last_failure
from .statuses import CommandError, Misconfigured


class Answer(t.NamedTuple):
    """The value that a playbook returned (``found``) and its failure after that (empty when there was none)."""

    found: t.Any
    failure: str


# A person waits for the answer, and can ask again.
AT_ONCE = {"vex_backup_patience_minutes": 0}


def ask(
    places: Places,
    name: str,
    arguments: t.Sequence[str] = (),
    variables: t.Optional[t.Mapping[str, t.Any]] = None,
) -> Answer:
    """Run a playbook that writes its result, as JSON, into the file ``vex_backup_result_file``.

    :param arguments: further arguments of ansible-playbook; never a secret
    :param variables: further variables; they are not templates, and may hold secrets
    :raises Misconfigured: when Ansible cannot start
    :raises CommandError: when the playbook failed without a result
    """
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=places.home) as private, in_use(places.release):
        given, result = os.path.join(private, "variables.json"), os.path.join(private, "result.json")
        with open(given, "w", encoding="utf-8") as stream:
            json.dump(_untemplated({**(variables or {}), "vex_backup_result_file": result}), stream)
        ended = play(places, name, ["--extra-vars", f"@{given}", *arguments])
        failure = last_failure(ended.output) if ended.status else ""
        if os.path.exists(result):
            with open(result, encoding="utf-8") as stream:
                return Answer(json.load(stream), failure)
    if ended.status in TASK_FAILED:
        raise CommandError(failure)
    raise Misconfigured(f"Ansible could not start: {last_failure(ended.output)}")


def _untemplated(variables: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    # A password may hold braces. This is the form of YAML's `!unsafe` in JSON.
    return {name: {"__ansible_unsafe": value} if isinstance(value, str) else value for name, value in variables.items()}
