#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hold a backup, so that retention does not remove it, or release it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_hold
short_description: Hold a backup, so that retention does not remove it, or release it
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - M(vex.backup.backup_prune) never removes a backup that is held. The hold is an empty object beside the archive,
    C(KEY.hold).
options:
  prefix:
    description: Prefix of all keys, the value of C(vex_backup_s3_prefix).
    type: str
    default: ""
  hostname:
    description: Host that was backed up.
    type: str
    required: true
  name:
    description: Name of the backup.
    type: str
    required: true
  state:
    description: V(present) holds the backup, V(absent) releases it.
    type: str
    choices: [present, absent]
    default: present
  timeout:
    description: Seconds that the module may take. Without it, or with V(0), there is no limit.
    type: int
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.destination
  - vex.backup.patience
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: vex.backup.backup_prune
"""

EXAMPLES = r"""
- name: Hold the backup from before the migration
  vex.backup.backup_hold:
    destination:
      bucket: example-backups
    hostname: db1
    name: backup_20260101_030000
"""

RETURN = r"""
key:
  description: The archive's key.
  returned: success
  type: str
  sample: mysql/db1/2026/01/backup_20260101_030000.zip
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import (
    DESTINATION,
    PATIENCE,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._repository.hold import HoldRequest, hold
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **DESTINATION,
            **PATIENCE,
            "prefix": {"type": "str", "default": ""},
            "hostname": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "timeout": {"type": "int"},
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda _log: hold(
            request(
                HoldRequest,
                module.params,
                destination=Destination.from_options(module.params["destination"]),
                patience=patience_of(module),
                check_mode=module.check_mode,
            )
        ),
    )


if __name__ == "__main__":
    main()
