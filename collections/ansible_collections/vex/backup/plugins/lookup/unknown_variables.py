# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lookup of the variables of a host that no role of the collection knows."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unknown_variables
short_description: Name the variables that no role knows
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Names the variables of the host that begin with C(vex_backup_) and that no role of the collection knows. Such a
    variable, misspelled for example, would have no effect.
  - An extra variable that has the name of a role's own variable is named too.
  - Every role fails with these sentences before it does anything. The role P(vex.backup.backup#role) opens the run's
    record before, so that the failure is recorded and mailed.
"""

EXAMPLES = r"""
- name: Refuse unknown variables
  ansible.builtin.fail:
    msg: "{{ query('vex.backup.unknown_variables') | join('; ') }}"
  when: query('vex.backup.unknown_variables') | length > 0
"""

RETURN = r"""
_raw:
  description: A sentence for each unknown variable, with the most similar known name.
  type: list
  elements: str
  sample: ["vex_backup_restore_az is unknown: did you mean vex_backup_restore_as?"]
"""

import typing as t

from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import load_extra_vars

from ansible_collections.vex.backup.plugins.plugin_utils.known_variables import known_variables, refusals


class LookupModule(LookupBase):
    """The lookup plugin that Ansible loads."""

    def run(
        self,
        terms: t.Sequence[t.Any],  # noqa: ARG002 - the lookup has no terms and no options
        variables: t.Optional[t.Mapping[str, t.Any]] = None,
        **kwargs: t.Any,  # noqa: ARG002 - the same
    ) -> t.List[str]:
        """Return the sentences."""
        extra_vars = load_extra_vars(t.cast("t.Any", self._loader))
        return refusals(variables or {}, extra_vars, known_variables())
