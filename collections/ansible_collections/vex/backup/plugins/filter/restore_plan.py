# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter that describes the plan of a restore."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.plugin_utils.restore_plan import described

DOCUMENTATION = r"""
name: restore_plan
short_description: Describe the plan of a restore
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Returns the plan of a restore as text, for the person who decides.
  - For the role P(vex.backup.restore#role).
options:
  _input:
    description: The plan, the role's C(vex_backup_restore_plan).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ vex_backup_restore_plan | vex.backup.restore_plan }}"
"""

RETURN = r"""
_value:
  description: The text, several lines.
  type: str
"""


def _filter(plan: t.Mapping[str, t.Any]) -> str:
    try:
        return described(plan)
    except (KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"vex.backup.restore_plan: {error!r}") from None


class FilterModule:
    """The filter plugin that Ansible loads."""

    def filters(self) -> t.Dict[str, t.Callable[[t.Any], str]]:
        """Return the filter by its name."""
        return {"restore_plan": _filter}
