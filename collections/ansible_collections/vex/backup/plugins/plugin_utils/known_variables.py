# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The variables that the collection knows, and a refusal of each other one: Ansible ignores a misspelled name."""

from __future__ import annotations

import difflib
import pathlib
import typing as t

from ansible.module_utils.common.yaml import yaml_load

PREFIX = "vex_backup_"
ROLES = pathlib.Path(__file__).parents[2] / "roles"

# Variables outside the roles, without the prefix: of the repository's playbooks and demo, and of the command
# vex-backup. AWX passes the summary of a run (`outcomes`) on to the next one.
GIVEN = frozenset(
    f"{PREFIX}{name}"
    for name in """
    hosts restore_hosts verify_hosts watch_hosts outcomes demo
    awx_name awx_organization awx_scm_url awx_scm_branch awx_scm_credential awx_inventory awx_image
    awx_machine_credential awx_forks awx_time_zone awx_update_secrets awx_credential_types awx_secrets awx_credentials
    awx_credentials_of_runs awx_templates awx_schedules
    result_file restore_every_server restore_listed copied_to copied_name copied_at
    """.split()
)
# Names of earlier releases, and the names that this release has instead.
RENAMED = {
    "vex_backup_restore_target": "vex_backup_restore_as",
    "vex_backup_restore_go_on": "vex_backup_restore_yes",
    "vex_backup_restore_keep": "vex_backup_restore_discard, with the opposite value",
    "vex_backup_verify_path": "vex_backup_verify_dir",
    "vex_backup_s3_retries": "vex_backup_patience_minutes",
}


class Known(t.NamedTuple):
    """The names of variables: those for users, and those that tasks and roles set for themselves."""

    public: t.FrozenSet[str]
    internal: t.FrozenSet[str]


def known_variables() -> Known:
    """Return the variables of all roles, from their argument specs, variables and tasks, and :data:`GIVEN`."""
    public = _names_in("*/meta/argument_specs.yml")
    return Known(public | GIVEN, _names_in("*/vars/**/*.yml") | _names_in("*/tasks/*.yml"))


def refusals(names: t.Iterable[str], extra_vars: t.Iterable[str], known: Known) -> t.List[str]:
    """Return a sentence for each unknown variable, by name. Values may be secrets, and are not shown.

    :param names: of all variables of a host, those that roles and tasks set included
    :param extra_vars: the names among them that were given as extra variables, which override even the roles' own
    """
    mine = {name for name in names if name.startswith(PREFIX)}
    unknown = mine - known.public - known.internal
    internal = mine.intersection(extra_vars) & (known.internal - known.public)
    return [
        *(f"{name} is unknown: {_advice(name, known)}" for name in sorted(unknown)),
        *(f"{name} is not for users: {_advice(name, known)}" for name in sorted(internal)),
    ]


def _advice(name: str, known: Known) -> str:
    if name in RENAMED:
        return f"this release has {RENAMED[name]}"
    # Without the prefix, which would make all names similar.
    short = {one[len(PREFIX) :]: one for one in sorted(known.public)}
    nearest = difflib.get_close_matches(name[len(PREFIX) :], short, n=1)
    return f"did you mean {short[nearest[0]]}?" if nearest else "no variable has a similar name; remove it"


def _names_in(pattern: str) -> t.FrozenSet[str]:
    return frozenset(name for path in ROLES.glob(pattern) for name in _names(yaml_load(path.read_text("utf-8"))))


def _names(content: t.Any) -> t.Iterator[str]:
    """Yield the keys with the prefix, such as options, variables and facts, and the names of results and of loops."""
    if isinstance(content, dict):
        for key, value in content.items():
            if str(key).startswith(PREFIX):
                yield key
            if key in ("register", "loop_var"):
                yield value
            yield from _names(value)
    elif isinstance(content, list):
        for one in content:
            yield from _names(one)
