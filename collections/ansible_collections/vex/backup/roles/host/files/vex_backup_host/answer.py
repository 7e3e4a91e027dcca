# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A playbook that answers a command: variables go in and what it found comes out by files that only root reads."""

from __future__ import annotations

import json
import os
import tempfile
import typing as t

from .places import Places
from .playbook import play
from .run import TASK_FAILED, in_use, what_failed
from .statuses import CommandError, Misconfigured


class Answer(t.NamedTuple):
    """``found`` is what the playbook wrote; ``failure`` why it failed nevertheless, empty when it did not."""

    found: t.Any
    failure: str


def ask(
    places: Places,
    name: str,
    arguments: t.Sequence[str] = (),
    variables: t.Optional[t.Mapping[str, t.Any]] = None,
) -> Answer:
    """Run a playbook that writes what it found, as JSON, into the file called ``vex_backup_result_file``.

    :param arguments: further ones of ansible-playbook; never a secret
    :param variables: further variables, by which nothing is templated; secrets may be among them
    :raises Misconfigured: when Ansible cannot even start
    :raises CommandError: when it failed before it found anything
    """
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=places.home) as private, in_use(places.release):
        given, result = os.path.join(private, "variables.json"), os.path.join(private, "result.json")
        with open(given, "w", encoding="utf-8") as stream:
            json.dump(_untemplated({**(variables or {}), "vex_backup_result_file": result}), stream)
        ended = play(places, name, ["--extra-vars", f"@{given}", *arguments])
        failure = what_failed(ended.output) if ended.status else ""
        if os.path.exists(result):
            with open(result, encoding="utf-8") as stream:
                return Answer(json.load(stream), failure)
    if ended.status in TASK_FAILED:
        raise CommandError(failure)
    raise Misconfigured(f"Ansible could not look: {what_failed(ended.output)}")


def _untemplated(variables: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    # A password may hold braces; JSON has this in place of YAML's `!unsafe`.
    return {name: {"__ansible_unsafe": value} if isinstance(value, str) else value for name, value in variables.items()}
