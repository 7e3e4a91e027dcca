#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove what a host need not hold any longer."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_prune
short_description: Remove the archives that a host need not hold any longer
version_added: "1.0.0"
description:
  - Run it once a backup is safe elsewhere, which it notes in the work directory. The newest runs that are safe
    elsewhere stay with their archives, manifests and logs, and so do the newest of the others, which failed or are
    still at work. Those before them go.
  - Leaves alone dumps in progress, and runs with a later name than O(name).
author:
  - Vex Backup (@vex-backup)
options:
  work_dir:
    description: The work directory.
    type: path
    required: true
  name:
    description: The run that is safe elsewhere. Its own logs stay.
    type: str
    required: true
  keep_local:
    description: How many runs that are safe elsewhere stay on this host.
    type: int
    default: 1
  keep_failed:
    description: How many other runs stay.
    type: int
    default: 1
extends_documentation_fragment:
  - vex.backup.run_log
  - vex.backup.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Keep the newest two archives on this host
  vex.backup.backup_prune:
    work_dir: /var/backups/vex-backup
    name: backup_20260101_030000
    keep_local: 2
"""

RETURN = r"""
removed:
  description: What went, or would go, by name in the work directory.
  returned: success
  type: list
  elements: str
  sample: [backup_20251231_030000.zip.manifest.json, backup_20251231_030000.zip, backup_20251231_030000.logs]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import RUN_LOG, conclude
from ansible_collections.vex.backup.plugins.module_utils._prune import prune


def main() -> None:
    """Spec, call, exit."""
    module = AnsibleModule(
        argument_spec={
            **RUN_LOG,
            "work_dir": {"type": "path", "required": True},
            "name": {"type": "str", "required": True},
            "keep_local": {"type": "int", "default": 1},
            "keep_failed": {"type": "int", "default": 1},
        },
        supports_check_mode=True,
    )
    options = module.params
    conclude(
        module,
        lambda log: prune(
            options["work_dir"],
            options["name"],
            options["keep_local"],
            options["keep_failed"],
            log,
            check_mode=module.check_mode,
        ),
    )


if __name__ == "__main__":
    main()
