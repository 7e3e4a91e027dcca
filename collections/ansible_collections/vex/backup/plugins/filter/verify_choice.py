# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter that chooses the backups to prove."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.plugin_utils.verify_outcome import Backup, choose

DOCUMENTATION = r"""
name: verify_choice
short_description: Choose the backups to prove
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Chooses the newest whole backup of each server. Servers without a proof come first, then the servers
    with the oldest proof.
  - For the role P(vex.backup.verify#role).
options:
  _input:
    description: The backups, as M(vex.backup.backup_info) lists them.
    type: list
    elements: dict
    required: true
  servers:
    description: Names of the servers whose backups are chosen; all servers when empty.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show the backup to prove first
  ansible.builtin.debug:
    msg: "{{ (listed.backups | vex.backup.verify_choice([])).chosen | map(attribute='key') | first }}"
"""

RETURN = r"""
_value:
  description: C(chosen) holds the backups in order, C(missing) the names of wanted servers that have no whole backup.
  type: dict
"""


def _filter(backups: t.Sequence[Backup], servers: t.Sequence[str]) -> t.Dict[str, t.Any]:
    try:
        return dict(vars(choose(backups, servers)))
    except (KeyError, TypeError) as error:
        raise AnsibleFilterError(f"vex.backup.verify_choice: {error!r}") from None


class FilterModule:
    """The filter plugin that Ansible loads."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"verify_choice": _filter}
