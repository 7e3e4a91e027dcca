# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter that builds the key of a backup's archive."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import build
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError

DOCUMENTATION = r"""
name: backup_key
short_description: Build the key of a backup's archive
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Builds C(PREFIX/HOSTNAME/YYYY/MM/backup_YYYYMMDD_HHMMSS.zip), the key under which the role C(backup) stores an
    archive and by which M(vex.backup.backup_info) recognises it.
options:
  _input:
    description: Name of the run, C(backup_YYYYMMDD_HHMMSS).
    type: str
    required: true
  hostname:
    description: The host that was backed up. Characters outside C([A-Za-z0-9._-]) are percent-encoded.
    type: str
    required: true
  prefix:
    description: Prefix of all keys. Slashes around it make no difference.
    type: str
    default: ""
  extension:
    description: Extension of the archive.
    type: str
    choices: [zip, 7z]
    default: zip
seealso:
  - plugin: vex.backup.safe_name
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show where an archive is stored
  ansible.builtin.debug:
    msg: "{{ 'backup_20250720_161523' | vex.backup.backup_key('db1', prefix='mysql') }}"
"""

RETURN = r"""
_value:
  description: The key, such as C(mysql/db1/2025/07/backup_20250720_161523.zip).
  type: str
"""


def _filter(name: t.Any, hostname: t.Any, prefix: t.Any = "", extension: t.Any = "zip") -> str:
    if name is None or hostname is None:
        raise AnsibleFilterError("vex.backup.backup_key needs the name of a run and a hostname")
    try:
        # As Ansible's type str does: a prefix such as 2025 is a number in YAML.
        return build("" if prefix is None else str(prefix), str(hostname), str(name), str(extension))
    except OptionError as error:
        raise AnsibleFilterError(f"vex.backup.backup_key: {error}") from error


class FilterModule:
    """The filter plugin that Ansible loads."""

    def filters(self) -> t.Dict[str, t.Callable[..., str]]:
        """Return the filters by name."""
        return {"backup_key": _filter}
