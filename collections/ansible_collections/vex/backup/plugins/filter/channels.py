# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter that reads the list of notification channels."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: channels
short_description: Read the list of notification channels
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Returns the channels with the key C(on) as a string. YAML reads C(on) without quotes as the boolean V(true).
options:
  _input:
    description: The value of C(vex_backup_notifications).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Tell the channels
  vex.backup.backup_notify:
    channels: "{{ vex_backup_notifications | vex.backup.channels }}"
    spool_dir: /var/lib/vex-backup/spool
"""

RETURN = r"""
_value:
  description: The channels, for the option O(vex.backup.backup_notify#module:channels).
  type: list
  elements: dict
"""

# YAML's `on`, and what JSON makes of it.
ON = (True, "true")
KEYS = frozenset({"url", "webhook", "key", "on", "with_log"})


def _filter(channels: t.Any) -> t.List[t.Dict[str, t.Any]]:
    # No message shows a value: URLs hold secrets.
    if not isinstance(channels, (list, tuple)) or not all(isinstance(channel, t.Mapping) for channel in channels):
        raise AnsibleFilterError("vex_backup_notifications must be a list of dictionaries with url or webhook")
    known = [{"on" if name in ON else str(name): value for name, value in channel.items()} for channel in channels]
    foreign = sorted({name for channel in known for name in channel} - KEYS)
    if foreign:
        raise AnsibleFilterError(
            f"vex_backup_notifications has {', '.join(foreign)}, and a channel has only {', '.join(sorted(KEYS))}"
        )
    return known


class FilterModule:
    """The filter plugin that Ansible loads."""

    def filters(self) -> t.Dict[str, t.Callable[[t.Any], t.List[t.Dict[str, t.Any]]]]:
        """Return the filter by its name."""
        return {"channels": _filter}
