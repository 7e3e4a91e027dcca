# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hooks of one phase of a run, one after the other."""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.needs import Needs
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._common.text import fit_characters
from ansible_collections.vex.backup.plugins.module_utils._errors import HookFailed, ProgramMissing
from ansible_collections.vex.backup.plugins.module_utils._hooks.environment import PATH, Facts, environment_of
from ansible_collections.vex.backup.plugins.module_utils._hooks.hook import Hook, read_hooks
from ansible_collections.vex.backup.plugins.module_utils._hooks.program import run_program

_LINE_CHARACTERS = 200


@dataclasses.dataclass(frozen=True)
class HookRequest:
    """The hooks to run.

    ``hooks`` are the options of the module, of all phases. In check mode nothing runs.
    """

    phase: str
    hooks: t.Mapping[str, t.Any]
    facts: Facts
    check_mode: bool


@ending_children()
def run_hooks(request: HookRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Run the hooks of a phase; in check mode, look for the programs of all phases instead.

    :returns: ``changed``, ``ran`` (names of hooks) and ``hook_warnings`` (a sentence for each hook that failed and must
        not stop the run); in check mode ``needs`` (the failure by hook, empty for none) and ``msg`` besides
    :raises OptionError: when a hook of any phase is not usable; nothing has run then
    :raises HookFailed: when a hook fails that stops the run; the later ones do not run
    :raises ProgramMissing: in check mode, when a program is missing or not executable
    """
    hooks = read_hooks(request.hooks)
    if request.check_mode:
        return _try([hook for phase in hooks.values() for hook in phase])
    warnings: t.List[str] = []
    environment = environment_of(request.facts, request.phase)
    for hook in hooks[request.phase]:
        failure = _run(hook, environment, log)
        if failure and hook.stops:
            raise HookFailed(failure, hook_warnings=warnings)
        if failure:
            log.warning(failure)
            warnings.append(failure)
    ran = [hook.name for hook in hooks[request.phase]]
    return {"changed": bool(ran), "ran": ran, "hook_warnings": warnings}


def _run(hook: Hook, environment: t.Mapping[str, str], log: RunLog) -> str:
    """Run a hook and log its output; return its failure, empty for none."""
    log.info(f"the hook {hook.name} begins")
    ended = run_program(hook.argv, environment, hook.timeout)
    lines = [line for line in map(_shown, ended.output.splitlines()) if line]
    if ended.left_out:
        log.info(f"{hook.name}: [... {ended.left_out} bytes left out ...]")
    for line in lines:
        log.info(f"{hook.name}: {line}")
    if not ended.problem:
        log.info(f"the hook {hook.name} has ended")
        return ""
    last = f" after the line: {fit_characters(lines[-1], _LINE_CHARACTERS)}" if lines else ""
    return (
        f"the hook {hook.name} {ended.problem}{last}; its output is in the log of the run: correct the hook, its"
        " timeout or its on_failure in vex_backup_hooks"
    )


def _shown(line: str) -> str:
    """Return a line without control characters, which a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in line).strip()


def _try(hooks: t.Sequence[Hook]) -> t.Dict[str, t.Any]:
    """Look for the programs of hooks, of which none runs."""
    needs = Needs()
    for hook in hooks:
        needs.attempt(hook.name, functools.partial(_find, hook))
    try:
        needs.conclude()
    except ProgramMissing as missing:
        missing.details["needs"] = needs.tried
        raise
    names = [hook.name for hook in hooks]
    message = f"check mode runs no hook; a run would have these: {', '.join(names)}"
    return {"changed": bool(names), "ran": [], "hook_warnings": [], "needs": needs.tried, "msg": message}


def _find(hook: Hook) -> None:
    program = hook.argv[0]
    remedy = "install it, or correct vex_backup_hooks"
    if shutil.which(program, path=PATH):
        return
    if program.startswith("/") and os.path.exists(program):
        raise ProgramMissing(f"the program of the hook {hook.name} is no file that this account may execute: {remedy}")
    raise ProgramMissing(f"the program of the hook {hook.name} does not exist: {remedy}")
