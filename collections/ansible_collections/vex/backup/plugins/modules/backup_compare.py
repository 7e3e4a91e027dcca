#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare a backup with the server that it was restored to."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_compare
short_description: Compare a backup with the server that it was restored to
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Compares a backup with a dump, made by M(vex.backup.mysql_dump), of the server that it was restored to. A missing
    database, table, view or stored program, another number of rows, and a row with other content are errors.
  - Rows are compared by the digests of the tables in both manifests. If these differ, the rows themselves are read and
    compared in any order, since a server may return the rows of a table without a primary key in another order.
  - If MyDumper 0.10 made one dump and 0.20 or later the other, rows are counted and not compared. RV(notes) reports it.
options:
  manifest:
    description: Path of the backup's manifest.
    type: path
    required: true
  dump:
    description: Directory that the backup was unpacked to, with C(dump) in it.
    type: path
    required: true
  restored:
    description: Directory of the dump of the server that the backup was restored to.
    type: path
    required: true
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.run_log
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: vex.backup.mysql_scratch
"""

EXAMPLES = r"""
- name: Compare a backup with what came back
  vex.backup.backup_compare:
    manifest: /var/backups/vex-verify/backup_20250720_161523.zip.manifest.json
    dump: /var/backups/vex-verify/backup_20250720_161523
    restored: /var/backups/vex-verify/restored
"""

RETURN = r"""
tables:
  description: Number of compared tables.
  returned: success
  type: int
  sample: 42
rows:
  description: Number of rows in these tables.
  returned: success
  type: int
  sample: 1250000
differences:
  description: Differences, a sentence each.
  returned: always
  type: list
  elements: str
  sample: ["table shop.orders has 119 rows, 120 expected"]
notes:
  description: Data that was not compared, and the reason, a sentence each.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import RUN_LOG, conclude, request
from ansible_collections.vex.backup.plugins.module_utils._verify.compare import CompareRequest, compare_dumps


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "manifest": {"type": "path", "required": True},
            "dump": {"type": "path", "required": True},
            "restored": {"type": "path", "required": True},
            **RUN_LOG,
        },
        supports_check_mode=True,
    )
    conclude(module, lambda log: compare_dumps(request(CompareRequest, module.params), log))


if __name__ == "__main__":
    main()
