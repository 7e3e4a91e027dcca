# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter that reads the destinations of backups from their variables."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.plugin_utils.destinations import read_destinations

DOCUMENTATION = r"""
name: destinations
short_description: Read the destinations of backups from their variables
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Returns the destinations in one form, whether they are given as a list or as the variables of one bucket.
  - The filter never fails, so that the record of a run is always closed. What is wrong is in C(problems).
options:
  _input:
    description: The value of C(vex_backup_destinations).
    type: list
    elements: dict
    required: true
  short_form:
    description: The options of the one bucket, C(bucket) empty without it.
    type: dict
    required: true
  retention:
    description: The C(keep_*) options of destinations that have none of their own.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the names of the destinations
  ansible.builtin.debug:
    msg: "{{ (vex_backup_destinations | vex.backup.destinations({'bucket': ''})).stores | map(attribute='name') }}"
"""

RETURN = r"""
_value:
  description:
    - C(stores) is a list with C(name), C(type), C(place), C(prefix), C(keep), C(has_retention) and C(options) of each
      destination; C(options) is the option O(vex.backup.backup_info#module:destination) of modules.
    - C(problems) is a list of sentences. With one, there are no stores.
  type: dict
"""


def _filter(
    given: t.Any, short_form: t.Mapping[str, t.Any], retention: t.Optional[t.Mapping[str, t.Any]] = None
) -> t.Dict[str, t.Any]:
    return read_destinations(given, short_form, retention or {})._asdict()


class FilterModule:
    """The filter plugin that Ansible loads."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"destinations": _filter}
