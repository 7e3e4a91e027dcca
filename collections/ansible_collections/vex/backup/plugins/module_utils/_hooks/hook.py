# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hooks of a configuration: the commands of users around a run."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError

# When hooks run. Each run ends with either the third or the fourth.
PHASES = ("before_run", "after_dump", "after_success", "after_failure")
STOP = "stop"
WARN = "warn"
SHELL = "/bin/sh"


@dataclasses.dataclass(frozen=True)
class Hook:
    """A command of the user.

    ``number`` counts the hooks of its ``phase`` from 1. ``timeout`` is in seconds. ``stops``: a failure is a failure of
    the run.
    """

    phase: str
    number: int
    argv: t.Tuple[str, ...]
    timeout: int
    stops: bool

    @property
    def name(self) -> str:
        """The name in messages. It has the program alone: the arguments may hold what only the user should know."""
        return f"{self.phase} {self.number} ({self.argv[0]})"


def read_hooks(options: t.Mapping[str, t.Any]) -> t.Dict[str, t.List[Hook]]:
    """Return the hooks by phase.

    :param options: by phase, a list of ``command``, ``timeout`` and ``on_failure``, or ``None``
    :raises OptionError: when a command or a time limit is not usable; the message names the hook
    """
    return {
        phase: [_read(phase, number, hook) for number, hook in enumerate(options.get(phase) or [], start=1)]
        for phase in PHASES
    }


def _read(phase: str, number: int, options: t.Mapping[str, t.Any]) -> Hook:
    where = f"hook {number} of {phase}"
    timeout = options["timeout"]
    if timeout < 1:
        raise OptionError(f"the timeout of {where} is {timeout}: set it to 1 second or more")
    argv = _argv(where, options["command"])
    return Hook(phase, number, argv, timeout, stops=options["on_failure"] == STOP)


def _argv(where: str, command: t.Any) -> t.Tuple[str, ...]:
    if isinstance(command, str):
        if not command.strip():
            raise OptionError(f"the command of {where} is empty")
        return (SHELL, "-c", _without_nul(where, command))
    if not isinstance(command, (list, tuple)) or not command:
        raise OptionError(
            f"the command of {where} must be a list of a program and its arguments, or a text for a shell"
        )
    # YAML reads `yes` as a truth value, and the program would get another word.
    if any(isinstance(part, bool) or not isinstance(part, (str, int, float)) for part in command):
        raise OptionError(f"the command of {where} must be a list of texts: put each part that is none into quotes")
    argv = tuple(_without_nul(where, str(part)) for part in command)
    if not argv[0].startswith("/") and ("/" in argv[0] or not argv[0].strip()):
        raise OptionError(f"the program of {where} must be an absolute path, or a name that is found on PATH")
    return argv


def _without_nul(where: str, text: str) -> str:
    if "\0" in text:
        raise OptionError(f"the command of {where} has a NUL character, which no program can be given")
    return text
