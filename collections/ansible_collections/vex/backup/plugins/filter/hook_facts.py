# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter that returns the facts of a run for its hooks."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.plugin_utils.hook_facts import facts_of
from ansible_collections.vex.backup.plugins.plugin_utils.run_stages import Plan, Stages

DOCUMENTATION = r"""
name: hook_facts
short_description: Return the facts of a run for its hooks
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Returns the option O(vex.backup.backup_hook#module:facts) from the results of the run's stages so far.
options:
  _input:
    description: The results of the stages, as P(vex.backup.run_outcome#filter) takes them.
    type: dict
    required: true
  plan:
    description: The plan of the run, as P(vex.backup.run_outcome#filter) takes it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Set the facts
  ansible.builtin.set_fact:
    vex_backup_hook_facts: "{{ vex_backup_stages | vex.backup.hook_facts(vex_backup_plan) }}"
"""

RETURN = r"""
_value:
  description: The facts, each a text, empty for one that is not known.
  type: dict
"""


def _filter(stages: t.Mapping[str, t.Any], plan: t.Mapping[str, t.Any]) -> t.Dict[str, str]:
    try:
        return facts_of(Plan.from_role(plan), Stages.from_registered(stages))
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"vex.backup.hook_facts: {error}") from None


class FilterModule:
    """The filter plugin that Ansible loads."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"hook_facts": _filter}
