# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter that checks a cron schedule."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.plugin_utils.cron_fields import cron_fields

DOCUMENTATION = r"""
name: cron_fields
short_description: Check the five fields of a cron schedule
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Fails for a schedule that cron does not accept. Cron would ignore the whole file, and report that in its
    own log at most.
options:
  _input:
    description: Minute, hour, day of the month, month and day of the week, with spaces between them.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show when backups start
  ansible.builtin.debug:
    msg: "{{ '30 3 * * mon-fri' | vex.backup.cron_fields }}"
"""

RETURN = r"""
_value:
  description: The fields, with one space between them.
  type: str
"""


def _filter(schedule: t.Any) -> str:
    if not isinstance(schedule, str):
        kind = type(schedule).__name__
        raise AnsibleFilterError(f"vex.backup.cron_fields needs a string like '0 3 * * *', not {kind}")
    try:
        return cron_fields(schedule)
    except OptionError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filter plugin that Ansible loads."""

    def filters(self) -> t.Dict[str, t.Callable[[t.Any], str]]:
        """Return the filter by its name."""
        return {"cron_fields": _filter}
