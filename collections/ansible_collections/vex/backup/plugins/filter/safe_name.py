# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter that makes the name of a host or a database safe for paths and object keys."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.module_utils._common.safe_name import safe_name

DOCUMENTATION = r"""
name: safe_name
short_description: Make a name safe for paths and object keys
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Percent-encodes every byte of the name's UTF-8 form outside C([A-Za-z0-9._-]).
  - The names C(.) and C(..) are encoded too.
  - Different names stay different, and C(urldecode) gives the name back.
options:
  _input:
    description: Name of a host or database.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the key prefix of this host's archives
  ansible.builtin.debug:
    msg: "backups/{{ ansible_facts['nodename'] | vex.backup.safe_name }}/2025/07"
"""

RETURN = r"""
_value:
  description: The name, safe for paths and object keys.
  type: str
"""


def _filter(name: t.Any) -> str:
    if name is None:
        raise AnsibleFilterError("vex.backup.safe_name needs a name")
    # As Ansible's type str does: a name such as 2025 is a number in YAML.
    return safe_name(str(name))


class FilterModule:
    """The filter plugin that Ansible loads."""

    def filters(self) -> t.Dict[str, t.Callable[[t.Any], str]]:
        """Return the filter by its name."""
        return {"safe_name": _filter}
