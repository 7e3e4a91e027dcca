#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copy a stored backup to another destination."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_copy
short_description: Copy a stored backup to another destination
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Downloads a backup from O(destination), verifies it by its manifest, uploads it to O(target) and verifies it there,
    the manifest last. Then the log tables show that O(target) has it.
  - The archive passes through O(work_dir), which needs room for it. After a failure, what was downloaded stays there,
    and the next call goes on from it.
  - A copy that exists is compared and left alone. Proofs and holds are not copied.
options:
  prefix:
    description: Prefix of the keys in O(destination).
    type: str
    default: ""
  target_prefix:
    description: Prefix of the keys in O(target).
    type: str
    default: ""
  hostname:
    description: Host whose backup to copy.
    type: str
    required: true
  name:
    description: Name of the backup. Without it and O(at), the newest.
    type: str
  at:
    description: The newest backup until this time, C(YYYY-MM-DD [HH:MM[:SS]]), UTC.
    type: str
  work_dir:
    description: Work directory of the host.
    type: path
    required: true
  manifest_keys:
    description: The manifest must be signed with one of these keys. Without keys, every manifest is accepted.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds for the download, and for the upload. Without it, or with V(0), there is no limit.
    type: int
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.destination
  - vex.backup.target
  - vex.backup.patience
  - vex.backup.run_log
  - vex.backup.login
  - vex.backup.log_db
attributes:
  check_mode:
    support: full
    details: Finds the backup and tries both stores, and copies nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: vex.backup.backup_download
  - module: vex.backup.destination_upload
"""

EXAMPLES = r"""
- name: Copy the newest backup to a second bucket
  vex.backup.backup_copy:
    destination:
      bucket: example-backups
    target:
      name: vault
      bucket: example-vault
    hostname: db1
    work_dir: /var/backups/vex-backup
    login_host: log.example.com
    login_user: vex_backup_writer
    login_password: "{{ vault_vex_backup_log_db_password }}"
"""

RETURN = r"""
name:
  description: Name of the backup.
  returned: success
  type: str
  sample: backup_20260101_030000
key:
  description: The archive's key in O(target).
  returned: success
  type: str
  sample: db1/2026/01/backup_20260101_030000.zip
url:
  description: Address of the copy.
  returned: success
  type: str
  sample: s3://example-vault/db1/2026/01/backup_20260101_030000.zip
message:
  description: Reason why the log tables do not show the copy, and the remedy.
  returned: when it was not recorded
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import (
    DESTINATION,
    LOG_DB,
    PATIENCE,
    RUN_LOG,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE
from ansible_collections.vex.backup.plugins.module_utils._repository.copy_backup import CopyRequest, copy_backup
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **DESTINATION,
            "target": DESTINATION["destination"],
            **PATIENCE,
            **RUN_LOG,
            **LOG_DB,
            "prefix": {"type": "str", "default": ""},
            "target_prefix": {"type": "str", "default": ""},
            "hostname": {"type": "str", "required": True},
            "name": {"type": "str"},
            "at": {"type": "str"},
            "work_dir": {"type": "path", "required": True},
            "manifest_keys": {"type": "list", "elements": "str", "default": [], "no_log": True},
            "timeout": {"type": "int"},
        },
        required_together=[("destination", "target")],
        mutually_exclusive=[("name", "at")],
        supports_check_mode=True,
    )
    params = module.params
    conclude(
        module,
        lambda log: copy_backup(
            request(
                CopyRequest,
                params,
                source=Destination.from_options(params["destination"]),
                source_prefix=params["prefix"],
                target=Destination.from_options(params["target"]),
                log_database=LogDatabase.from_options(params),
                patience=patience_of(module),
                check_mode=module.check_mode,
            ),
            log,
        ),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
