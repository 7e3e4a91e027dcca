# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter that decides the outcome of a restore."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.plugin_utils.restore_outcome import Scope, Stages, decide

DOCUMENTATION = r"""
name: restore_outcome
short_description: Decide the outcome of a restore
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Decides the status, the notes and the record of a restore from the results of its stages.
  - For the role P(vex.backup.restore#role).
options:
  _input:
    description:
      - The results of the stages, as registered. A stage that did not run is an empty dictionary.
      - The keys are C(opened) and C(closed), from M(vex.backup.restore_log_record), C(loaded), from
        M(vex.backup.mysql_restore), and C(failure), the name and the message of the task that failed, or empty.
    type: dict
    required: true
  scope:
    description:
      - The scope of the restore, as texts that are empty if they are not given.
      - The keys are C(database), C(table), C(name), the name that the database gets, and C(into), the server.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the status of a restore
  ansible.builtin.debug:
    msg: "{{ (stages | vex.backup.restore_outcome(scope)).status }}"
  vars:
    stages:
      opened: {}
      loaded: "{{ mysql_restore_result }}"
      closed: {}
      failure: ""
    scope: {database: shop, table: "", name: shop_before, into: "db1:3306"}
"""

RETURN = r"""
_value:
  description:
    - The outcome. C(status) and C(notes) are options of M(vex.backup.restore_log_record), C(record) holds more of its
      options.
    - C(warnings) are sentences for the person who restores, with the reason why the log database has no record of the
      restore. C(loaded) is the size of what was restored, such as C(3 tables, 204740 rows).
  type: dict
"""


def _filter(stages: t.Mapping[str, t.Any], scope: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    try:
        return dict(vars(decide(Scope(**scope), Stages(**stages))))
    except (AttributeError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"vex.backup.restore_outcome: {error}") from None


class FilterModule:
    """The filter plugin that Ansible loads."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"restore_outcome": _filter}
